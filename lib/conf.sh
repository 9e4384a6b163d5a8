# SPDX-License-Identifier: Apache-2.0
# Reads the administrator's settings from /etc/runX/runX.conf. docs/configuration.md documents them.

# The annotations and variables that the administrator may allow a container to set.
ANNOTATIONS='disk_headroom disks guest_type initrd kernel kernel_parameters memory rootfs start_timeout vcpus write_back'
VARIABLES='NETCONF RUNX_KERNEL RUNX_RAMDISK XLCONF'

# Reads the file's lines `name = value`. Ends with an error if a line is wrong. On return these are set, from the file or
# to their defaults:
#   $conf_memory, $conf_disk_headroom           MiB
#   $conf_disk_max, $conf_boot_max              MiB
#   $conf_vcpus, $conf_max_vcpus                numbers of virtual CPUs
#   $conf_guest_type                            auto, pv or pvh
#   $conf_rootfs                                auto, 9p, disk or overlay
#   $conf_write_back, $conf_seccomp             yes or no
#   $conf_start_timeout                         seconds
#   $conf_kernel, $conf_initrd, $conf_images    absolute paths
#   $conf_kernels                               absolute paths, with blanks between them
#   $conf_annotations, $conf_environment        names, with blanks between them
#   $conf_host_files, $conf_cni_path            directories, with blanks between them
#   $conf_host_network                          refuse, none or the name of a bridge
#   $conf_spoofing                              refuse or allow
read_conf() {
	local file="${RUNX_CONF:-/etc/runX/runX.conf}" line name value
	conf_memory=128 conf_vcpus=1 conf_max_vcpus=8 conf_guest_type=auto conf_rootfs=auto conf_seccomp=yes
	conf_start_timeout=120 conf_disk_headroom=64 conf_disk_max=65536 conf_boot_max=64 conf_write_back=no
	conf_kernel=$RUNX_SHARE/kernel conf_initrd=$RUNX_SHARE/initrd conf_images=/var/lib/runX
	conf_kernels=''
	# Annotations that name files of the host are off: the VM can read such a file, and some tools turn an image's labels into
	# annotations.
	conf_annotations='disk_headroom guest_type kernel_parameters memory rootfs start_timeout vcpus write_back'
	conf_cni_path='/opt/cni/bin /usr/lib/cni /usr/libexec/cni' conf_host_network=refuse
	conf_spoofing=refuse
	conf_environment=$VARIABLES conf_host_files='/boot /etc /root /usr'
	[ -f "$file" ] || return 0
	while read -r line || [ -n "$line" ]; do
		case $line in
		'' | '#'*) continue ;;
		*=*) ;;
		*) die "$file: this line is not of the form name = value: $line" ;;
		esac
		name=${line%%=*} value=${line#*=}
		set_conf "${name%"${name##*[! 	]}"}" "${value#"${value%%[! 	]*}"}"
	done <"$file"
}

set_conf() {
	local number="$2"
	case $1 in
	memory | vcpus | max_vcpus | start_timeout | disk_headroom | disk_max | boot_max)
		case $number in '' | *[!0-9]* | ??????????*) die "$file: $1 must be a number of up to 9 digits, not $2" ;; esac
		# The shell takes a number that begins with a zero as octal.
		number=${number#"${number%%[!0]*}"} number=${number:-0}
		;;
	esac
	case $1=$2 in
	memory=*) conf_memory=$number ;;
	vcpus=*) conf_vcpus=$number ;;
	max_vcpus=*) conf_max_vcpus=$number ;;
	disk_headroom=*) conf_disk_headroom=$number ;;
	disk_max=*) conf_disk_max=$number ;;
	boot_max=*) conf_boot_max=$number ;;
	start_timeout=*) conf_start_timeout=$number ;;
	guest_type=auto | guest_type=pv | guest_type=pvh) conf_guest_type=$2 ;;
	rootfs=auto | rootfs=9p | rootfs=disk | rootfs=overlay) conf_rootfs=$2 ;;
	seccomp=yes | seccomp=no) conf_seccomp=$2 ;;
	write_back=yes | write_back=no) conf_write_back=$2 ;;
	kernel=/*) conf_kernel=$2 ;;
	initrd=/*) conf_initrd=$2 ;;
	kernels=*) check_paths "$1" "$2" && conf_kernels=$2 ;;
	images=/*) conf_images=$2 ;;
	annotations=*) check_words "$1" "$2" "$ANNOTATIONS" && conf_annotations=$2 ;;
	environment=*) check_words "$1" "$2" "$VARIABLES" && conf_environment=$2 ;;
	host_files=*[*?[]* | cni_path=*[*?[]*) die "$file: $1 must be directories, not patterns, and has $2" ;;
	host_files=*) conf_host_files=$2 ;;
	cni_path=*) conf_cni_path=$2 ;;
	host_network=*[!A-Za-z0-9_.-]* | host_network=) die "$file: $1 must be refuse, none or the name of a bridge, not $2" ;;
	host_network=*) conf_host_network=$2 ;;
	spoofing=refuse | spoofing=allow) conf_spoofing=$2 ;;
	*) die "$file: $1 = $2 is not a setting of runX (docs/configuration.md lists them)" ;;
	esac
}

# check_paths NAME PATHS: ends with an error if one of the PATHS, with blanks between them, is not absolute.
check_paths() {
	case " $2" in
	*[*?[]*) die "$file: $1 must be files, not patterns, and has $2" ;;
	*' '[!/\ ]*) die "$file: $1 must be absolute paths with blanks between them, not $2" ;;
	esac
}

# check_words NAME WORDS KNOWN: ends with an error if one of the WORDS is not one of the KNOWN.
check_words() {
	local word
	case $2 in
	*[!A-Za-z0-9_\ ]*) die "$file: $1 must be names with blanks between them, not $2" ;;
	esac
	for word in $2; do
		case " $3 " in
		*" $word "*) ;;
		*) die "$file: $1: $word is not one of $3" ;;
		esac
	done
}
