# SPDX-License-Identifier: Apache-2.0
# How the container's root and its bind mounts reach its VM: by 9p, or as disks.

# Where distributions and Xen's own `make install` put the QEMU that xl starts for 9p.
QEMU_PLACES='/usr/libexec/xen-qemu-system-i386 /usr/lib/xen/bin/qemu-system-i386
/usr/libexec/xen/bin/qemu-system-i386 /usr/local/lib/xen/bin/qemu-system-i386
/usr/lib/xen-*/bin/qemu-system-i386'

find_qemu() {
	local qemu
	for qemu in ${RUNX_QEMU:-$QEMU_PLACES}; do
		[ ! -x "$qemu" ] || return 0
	done
	return 1
}

# Exports $rootfs and $binds. On return $devices is a line for xl.cfg, and the guest's records say how to
# mount them; $staged has the words for helpers/stage.c where xl must run under it. What was made lies
# in $dir, or ends with the domain.
export_rootfs() {
	local how="$conf_rootfs"
	staged=''
	case $how in
	auto) if find_qemu; then how=9p; else how=disk; fi ;;
	9p) find_qemu ||
		die "rootfs = 9p needs a QEMU with Xen support (Debian: qemu-system-xen), and there is none; use disk" ;;
	esac
	"export_$how"
}

# The directory itself, live on both sides. version and access are what xl's QEMU serves; 9p2000.L is
# the only one with POSIX semantics.
export_9p() {
	local options='trans=xen,version=9p2000.L,cache=mmap,msize=262144'
	xl_share root "$rootfs"
	devices=$xl_string
	guest="root.type=9p\\0000root.options=$options\\0000$guest"
	if [ -n "$binds" ]; then
		staged=$binds
		xl_share binds "$dir/binds"
		devices="$devices, $xl_string"
		# directio: a bind mount of a file keeps its pages for ever, and would never see what the host writes.
		guest="binds.type=9p\\0000binds.source=binds\\0000binds.options=$options,directio\\0000$guest"
	fi
	devices="p9 = [ $devices ]"
}

# xl_share TAG DIRECTORY: sets $xl_string
xl_share() {
	case $2 in
	*,* | *' ') die "$2: xl cannot share a path with a comma or a blank at its end" ;;
	esac
	xl_string "tag=$1,path=$2,security_model=none"
}

# Images made from the directories: what the guest writes stays in them.
export_disk() {
	# By this name, since busybox's mke2fs cannot fill what it makes.
	command -v mkfs.ext4 >/dev/null ||
		die "mkfs.ext4 is not installed (package e2fsprogs), and runX makes disks with it"
	make_image "root file system $rootfs" "$rootfs" rootfs.img
	xl_disk xvda rw rootfs.img
	devices=$xl_string
	guest="root.type=ext4\\0000root.source=/dev/xvda\\0000$guest"
	if [ -n "$binds" ]; then
		eval "export_binds $binds" # jq's @sh quoted every word
		devices="$devices, $xl_string"
	fi
	devices="disk = [ $devices ]"
}

# export_binds [MODE SOURCE DESTINATION]…: all bind mounts in one image, read-only where each of them is.
# Sets $xl_string.
export_binds() {
	local access=ro
	make_image 'bind mounts' "$dir/binds" binds.img "$RUNX_LIBEXEC/stage" "$dir/binds" "$@" --
	while [ $# -gt 0 ]; do
		case $1 in *rw*) access=rw ;; esac
		shift 3
	done
	xl_disk xvdb $access binds.img
	guest="binds.type=ext4\\0000binds.source=/dev/xvdb\\0000$guest"
	[ $access = rw ] || guest="binds.readonly=true\\0000$guest"
}

# make_image WHAT DIRECTORY IMAGE [STAGE…]: made under helpers/stage.c, if its words are there. Room for the
# content, a quarter more, and 64 MiB; it is sparse. No journal: the image does not outlive a crash of its VM.
make_image() {
	local what="$1" directory="$2" image="$3" said size options=-skx
	shift 3
	# Each bind mount is a file system of its own; one that is mounted in the root is none of the container's.
	[ $# -eq 0 ] || options=-sk
	said=$("$@" du $options "$directory" 2>&1 </dev/null) || image_failed $? "$what: cannot read all of it"
	size=$((${said%%[!0-9]*} * 5 / 4 + 65536))
	said=$("$@" mkfs.ext4 -q -F -O ^has_journal -m 0 -i 4096 -E root_owner=0:0,lazy_itable_init=1 \
		-d "$directory" "$dir/$image" "${size}k" 2>&1 </dev/null) ||
		image_failed $? "$what: cannot make a disk image of ${size} KiB in $dir (is it full?)"
}

# image_failed STATUS SENTENCE: what stage has $said is a sentence already.
image_failed() {
	[ "$1" -ne 125 ] || die "runX $verb failed: $said"
	die "$2"
}

# xl_disk DEVICE ACCESS IMAGE: sets $xl_string
xl_disk() {
	xl_string "format=raw,vdev=$1,access=$2,script=$RUNX_LIBEXEC/block,target=$dir/$3"
}
