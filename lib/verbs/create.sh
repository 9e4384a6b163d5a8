# SPDX-License-Identifier: Apache-2.0
# runX create: makes a container and its VM, which waits, paused, for start.

create_option() {
	case $1 in
	bundle | b) bundle=$2 ;;
	pid-file) absolute_path "$2" && pid_file=$absolute ;;
	console-socket) absolute_path "$2" && console_socket=$absolute ;;
	preserve-fds) [ "$2" = 0 ] || die "--preserve-fds $2: a VM cannot be given descriptors" ;;
	# A VM is not entered by pivot_root and has no keyring of the host.
	*) ;;
	esac
}

# For parse_options; run has these and more.
CREATE_VALUED='bundle b pid-file console-socket pidfd-socket preserve-fds'
CREATE_SWITCHES='no-pivot no-new-keyring'

create_defaults() {
	bundle=. pid_file='' console_socket=''
}

cmd_create() {
	create_defaults
	parse_options create_option "$CREATE_VALUED" "$CREATE_SWITCHES" "$@"
	shift "$options_used"
	create_container "$@"
}

# create_container ID: with what the options left in $bundle, $pid_file and $console_socket. $verb is
# the command that was given, create or run.
create_container() {
	# shellcheck source=lib/background.sh
	. "$RUNX_LIBDIR/background.sh"
	# shellcheck source=lib/conf.sh
	. "$RUNX_LIBDIR/conf.sh"
	# shellcheck source=lib/json.sh
	. "$RUNX_LIBDIR/json.sh"
	# shellcheck source=lib/plan.sh
	. "$RUNX_LIBDIR/plan.sh"
	# shellcheck source=lib/rootfs.sh
	. "$RUNX_LIBDIR/rootfs.sh"
	# shellcheck source=lib/boot.sh
	. "$RUNX_LIBDIR/boot.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	# shellcheck source=lib/cgroups.sh
	. "$RUNX_LIBDIR/cgroups.sh"
	# shellcheck source=lib/remove.sh
	. "$RUNX_LIBDIR/remove.sh"

	check_id "$@"
	[ $# -eq 1 ] || usage_error "$verb: too many arguments: $*"
	absolute_path "$bundle" && bundle=$absolute

	trace settings
	read_conf
	check_host
	reserve
	trace plan
	read_plan
	check_terminal
	if [ "$sandbox" = true ]; then no_vm; else make_vm; fi
	trace proxy
	start_proxy
	trace publish
	[ -z "$cgroup" ] || enter_cgroups
	[ -z "$hooks" ] || create_hooks
	[ -z "$files_size" ] || fill_files
	publish
}

# Of $uuid and $name, as the plan says.
make_vm() {
	trace network
	read_network
	trace root
	export_rootfs
	trace boot
	save container %b "$guest"
	[ -z "$seccomp" ] || [ "$conf_seccomp" = no ] || add_seccomp
	prepare_boot
	[ -z "$root_device" ] || release_rootfs
	domain_create
	exec 7<&- # of release_rootfs: the VM has the device now
	[ ! -f "$dir/images" ] || [ -n "$files_size" ] || unlink_images
	[ -n "$netconf" ] || [ -z "$netns" ] || save netns '%s\n' "$netns"
}

# A pod's sandbox only holds the pod's network namespace, whose interfaces are for a container of the pod: the proxy does
# that, alone, and nothing of its image is run.
no_vm() {
	kill_seconds='' uuid='' files_size=''
	save destroyed ''
}

# The state directory is the claim to the id: whoever makes it has it. From here on, every way out but
# success takes everything away again.
reserve() {
	[ -d "$RUNX_ROOT" ] || mkdir -p "$RUNX_ROOT" 2>/dev/null ||
		die "cannot make the state directory $RUNX_ROOT"
	if ! mkdir -m 0700 "$dir" 2>/dev/null; then
		[ ! -d "$dir" ] || die "container $id: container with given ID already exists"
		die "cannot make the state directory $dir (is the disk full or read-only?)"
	fi
	trap remove_container EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	read -r uuid </proc/sys/kernel/random/uuid
	save uuid '%s\n' "$uuid"
	# Ids are unique in one root only, names in all of Xen; the prefix also keeps xl from taking an
	# id of digits for a domid.
	name=rx-$id
	[ "$RUNX_ROOT" = /run/runX ] || name=$name.${uuid%%-*}
}

# A network namespace is looked into at start only. On return $vif is what xl.cfg is to have now, and $nic what its
# guest is told of it.
read_network() {
	nic='' vif=''
	[ -n "$netconf" ] || [ -z "$netns" ] || return 0
	# shellcheck source=lib/netconf.sh
	. "$RUNX_LIBDIR/netconf.sh"
	if [ -n "$netconf" ]; then read_netconf; else read_host_network; fi
}

# The profile becomes one more record of the guest's description: the program for its kernel.
add_seccomp() {
	local rc=0
	save profile %b "$seccomp"
	helper seccomp <"$dir/profile" >>"$dir/container" || rc=$?
	# What the shell says of a program that is not there, and ld.so of one whose library is not.
	[ $rc -ne 127 ] || die "linux.seccomp needs $RUNX_LIBEXEC/seccomp and libseccomp (package libseccomp2): \
install them, or set seccomp = no in runX.conf, which leaves profiles to the border of the VM"
	[ $rc -eq 0 ] || die "runX $verb failed: $problem"
}

# The proxy gets this command's stdio; only its words until it is ready come to us. Sets $domid and $pid.
start_proxy() {
	set -- -t "$conf_start_timeout"
	[ -z "$kill_seconds" ] || set -- "$@" -k "$kill_seconds"
	[ -z "$netns" ] || set -- "$@" -n "$netns"
	[ -z "$console_socket" ] || set -- "$@" -c "$console_socket" -s "$console_size"
	helper proxy "$@" "$dir" ${uuid:+"$uuid"} 3>&2 || die "runX $verb failed: $problem"
	read -r domid pid _ <"$dir/proxy"
}

# With the proxy's pid and network namespace there for them, and before anybody is told of the container.
# Recorded only now: what failed before its hooks ran leaves poststop nothing to undo.
create_hooks() {
	local kind
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	# Never half: it is a program, and delete must be able to run it.
	save hooks.new %s "$hooks"
	mv "$dir/hooks.new" "$dir/hooks" 2>/dev/null || die "cannot write $dir/hooks"
	for kind in prestart createRuntime createContainer; do
		run_hooks $kind creating || die "runX $verb failed: $problem"
	done
}

# The container is created once its state can be read; the pid file comes last, whole and without a
# newline, as engines take its appearance for the end of create.
publish() {
	record_resources
	save state '%s\n' "$state_head" "$state_tail"
	announce_pid
	trap - EXIT HUP INT TERM
}

# What the VM has, for update to lay its changes over.
record_resources() {
	# shellcheck disable=SC2086 # nine words of lib/json/resources.jq
	set -- $resources
	save resources '%s\n' "${given_memory:-$1} ${given_memory:-$2} ${given_vcpus:-$3} $4 $5 $6 $7 $8 $9"
}
