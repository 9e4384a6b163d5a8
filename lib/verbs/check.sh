# SPDX-License-Identifier: Apache-2.0
# runX check: tells whether this machine can run containers, what is missing, and what to do about it.

check_option() {
	case $1 in
	json) form=json ;;
	esac
}

cmd_check() {
	# shellcheck source=lib/conf.sh
	. "$RUNX_LIBDIR/conf.sh"
	# shellcheck source=lib/rootfs.sh
	. "$RUNX_LIBDIR/rootfs.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	# shellcheck source=lib/netconf.sh
	. "$RUNX_LIBDIR/netconf.sh"
	# shellcheck source=lib/engines.sh
	. "$RUNX_LIBDIR/engines.sh"

	form=text RUNX_HOST=${RUNX_HOST:-}
	parse_options check_option '' json "$@"
	shift "$options_used"
	[ $# -eq 0 ] || usage_error "check: too many arguments: $*"

	local about errors=0 results=''
	for about in settings tools parts xen devices type memory roots images network ipam seccomp cgroups engines; do
		"check_$about"
	done
	if [ "$form" = json ]; then
		printf '{"ok":%s,"checks":[%s]}\n' "$([ $errors -eq 0 ] && echo true || echo false)" "$results"
	elif [ $errors -eq 0 ]; then
		echo 'This machine can run runX.'
	else
		echo "This machine cannot run runX: see the lines above that begin with error ($errors)"
	fi
	[ $errors -eq 0 ] || exit 1
}

# finding LEVEL MESSAGE [NEXT]: reports one finding of the check $about. LEVEL is ok, warning (runX works, but something is
# missing) or error (runX does not work). NEXT tells the user what to do.
finding() {
	[ "$1" != error ] || errors=$((errors + 1))
	if [ "$form" = text ]; then
		printf '%-8s %-9s %s\n' "$1" "$about" "$2"
		[ -z "${3:-}" ] || printf '%-18s -> %s\n' '' "$3"
		return
	fi
	json_string "$2"
	results="$results${results:+,}{\"check\":\"$about\",\"status\":\"$1\",\"message\":$json"
	[ -z "${3:-}" ] || {
		json_string "$3"
		results="$results,\"next\":$json"
	}
	results="$results}"
}

# If the settings cannot be read, the checks below use the defaults.
check_settings() {
	local file="${RUNX_CONF:-/etc/runX/runX.conf}" said
	if ! said=$(log_file='' read_conf 2>&1); then
		finding error "${said#runX: }" "correct $file: until then runX creates no container"
		RUNX_CONF=/dev/null
	elif [ -f "$file" ]; then
		finding ok "$file"
	else
		finding ok "there is no $file: runX uses the defaults"
	fi
	read_conf
}

check_tools() {
	if command -v jq >/dev/null; then
		finding ok "$(jq --version 2>&1)"
	else
		finding error 'jq is not installed, and runX reads JSON with it' 'install jq'
	fi
}

# The Makefile's HELPERS, without seccomp. A host can run without that one, so check_seccomp looks for it.
PARTS='proxy files claim control exec foreground json prepare stage block vif network hook text'

check_parts() {
	local part missing=''
	for part in $PARTS; do
		[ -x "$RUNX_LIBEXEC/$part" ] || missing="$missing $RUNX_LIBEXEC/$part"
	done
	for part in "$conf_kernel" "$conf_initrd"; do
		[ -r "$part" ] || missing="$missing $part"
	done
	if [ -z "$missing" ]; then
		finding ok "kernel $conf_kernel, initrd $conf_initrd, helpers in $RUNX_LIBEXEC"
	else
		finding error "missing:$missing" 'run ./build and make install again, or set kernel and initrd in runX.conf'
	fi
}

# Sets $xl_info to what `xl info` prints, for the checks below, or to nothing if xl does not work.
check_xen() {
	local said
	xl_info=''
	if ! said=$(log_file='' check_host 2>&1); then
		finding error "${said#runX: }" 'Debian: install xen-system-amd64 or xen-system-arm64, and boot its entry of GRUB'
	elif ! xl_info=$(xl_within info 2>&1); then
		finding error "xl does not work: ${xl_info%%
*}" 'start xenstored and xenconsoled (Debian: service xen start)'
		xl_info=''
	else
		xl_value xen_version
		finding ok "Xen $value, and this is its dom0"
		xl_value xen_scheduler
		[ "$value" = credit2 ] || finding warning "the scheduler is $value: CPU limits need credit2" \
			'boot Xen with sched=credit2'
	fi
}

# xl_value NAME: sets $value to the value of NAME in $xl_info.
xl_value() {
	value=''
	case $xl_info in
	*"$1 "*) value=${xl_info#*"$1 "} value=${value#*: } value=${value%%
*} ;;
	esac
}

check_devices() {
	local device
	for device in xen/evtchn xen/gntdev; do
		[ -e "$RUNX_HOST/dev/$device" ] || finding error "/dev/$device is missing" "modprobe xen-${device#*/}"
	done
}

# has_driver DRIVER MODULE: whether the kernel has this backend's driver, or can load its module when a VM first needs it.
has_driver() {
	[ -d "$RUNX_HOST/sys/bus/xen-backend/drivers/$1" ] || modprobe -n -q "$2" 2>/dev/null
}

check_type() {
	[ -n "$xl_info" ] || return 0
	local type capabilities can=pv wanted="$conf_guest_type"
	conf_guest_type=auto
	guest_type
	conf_guest_type=$wanted can=$type
	if [ "$wanted" = pvh ] && [ "$can" = pv ]; then
		finding error 'guest_type = pvh, but this machine has no hardware virtualization' 'set guest_type = auto in runX.conf'
	elif [ "$can" = pvh ]; then
		finding ok 'VMs can be PVH'
	else
		finding ok 'VMs can only be PV: the machine has no hardware virtualization, or its firmware turns it off'
	fi
}

check_memory() {
	[ -n "$xl_info" ] || return 0
	xl_value free_memory
	if [ "${value:-0}" -lt "$conf_memory" ]; then
		finding warning "Xen has $value MiB free, less than a VM of $conf_memory: xl has to take memory from dom0" \
			'give dom0 less memory (dom0_mem= on the command line of Xen, or xl mem-set Domain-0)'
	else
		finding ok "$value MiB free: $((value / conf_memory)) VMs of $conf_memory"
	fi
}

# Directories can always be shared. Disks need more.
check_roots() {
	local disk=''
	has_driver vbd xen-blkback || disk='no module xen-blkback'
	command -v mkfs.ext4 >/dev/null || disk=${disk:-no mkfs.ext4}
	[ -e "$RUNX_HOST/dev/loop-control" ] || disk=${disk:-no module loop}
	case $conf_rootfs,$disk in
	disk,?* | overlay,?*)
		finding error "rootfs = $conf_rootfs: $disk" 'load the module, or install e2fsprogs'
		;;
	*,?*) finding warning "root file systems are shared by 9p; block devices as roots and volumes do not work: $disk" 'load the module, or install e2fsprogs' ;;
	*) finding ok 'root file systems can be 9p and disks' ;;
	esac
	command -v mksquashfs >/dev/null ||
		finding warning 'no mksquashfs: disks of read-only root file systems take more space' 'install squashfs-tools'
}

# An image takes space until its container is deleted.
check_images() {
	local directory="$conf_images" free
	while [ ! -d "$directory" ]; do
		directory=${directory%/*}
		directory=${directory:-/}
	done
	free=$(df -Pk "$directory" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${free:-0}" -lt 256 ]; then
		finding warning "$directory has ${free:-no} MiB free for disk images of VMs" 'free some space, or set images in runX.conf to a directory of another disk'
	else
		finding ok "$directory has $free MiB free for disk images of VMs"
	fi
}

check_network() {
	local module
	has_driver vif xen-netback || {
		finding warning 'no module xen-netback: a VM with a network cannot start' 'install the modules of this kernel'
		return
	}
	for module in sch_ingress cls_bpf act_mirred; do
		[ -d "$RUNX_HOST/sys/module/$module" ] || modprobe -n -q $module 2>/dev/null || {
			finding warning "no module $module: a VM cannot join an engine's network" 'install the modules of this kernel'
			return
		}
	done
	command -v ip >/dev/null || {
		finding warning 'the command ip is not installed: NETCONF cannot make bridges' 'install iproute2'
		return
	}
	finding ok 'VMs can join bridges (NETCONF) and the networks of engines'
}

check_ipam() {
	local ipam_path
	find_ipam host-local
	if [ -n "$ipam_path" ]; then
		finding ok "NETCONF: addresses come from $ipam_path"
	else
		finding ok "NETCONF: addresses come from DHCP or from the file: no host-local in $conf_cni_path"
	fi
}

check_seccomp() {
	local rc=0
	[ "$conf_seccomp" = yes ] || {
		finding ok 'seccomp = no: runX applies no profiles, and only the VM confines the container'
		return
	}
	# The helper refuses an empty profile. It can only do so if its library is installed.
	"$RUNX_LIBEXEC/seccomp" </dev/null >/dev/null 2>&1 || rc=$?
	if [ $rc -eq 125 ]; then
		finding ok 'runX turns profiles into filters for the guest'
	else
		finding error "$RUNX_LIBEXEC/seccomp does not run, and Docker and podman give every container a profile" \
			'install libseccomp2, or set seccomp = no in runX.conf'
	fi
}

check_cgroups() {
	local root="${RUNX_CGROUP:-/sys/fs/cgroup}"
	if [ -f "$root/cgroup.procs" ]; then
		finding ok "version 2, $root"
	elif ls "$root"/*/cgroup.procs >/dev/null 2>&1; then
		finding ok "version 1, $root"
	else
		finding warning "no control groups in $root: engines look there for their containers' processes" 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'
	fi
}
