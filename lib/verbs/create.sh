# SPDX-License-Identifier: Apache-2.0
# runX create: makes a container and its VM. The VM waits, paused, for start.

create_option() {
	case $1 in
	bundle | b) bundle=$2 ;;
	pid-file) absolute_path "$2" && pid_file=$absolute ;;
	console-socket) absolute_path "$2" && console_socket=$absolute ;;
	preserve-fds) [ "$2" = 0 ] || die "--preserve-fds $2: runX cannot give file descriptors to a VM" ;;
	# The rest is ignored. A VM needs no pivot_root, and has no keyring of the host.
	*) ;;
	esac
}

# Options of create, for parse_options. run has these and more.
CREATE_VALUED='bundle b pid-file console-socket pidfd-socket preserve-fds'
CREATE_SWITCHES='no-pivot no-new-keyring'

create_defaults() {
	bundle=. pid_file='' console_socket=''
}

cmd_create() {
	create_defaults
	parse_words create_option "$CREATE_VALUED" "$CREATE_SWITCHES" "$@"
	eval "set -- $words"
	create_container "$@"
	at_end_nothing
}

# create_container ID: makes the container from $bundle, $pid_file and $console_socket, which the options have set. $verb is
# create or run. On return the container is created, $dir, $domid and $pid are set, and at_end still removes it. Ends with an
# error, and leaves nothing behind, if anything fails or a signal ends runX.
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

	take_foreground
	check_id "$@"
	[ $# -eq 1 ] || usage_error "$verb: too many arguments: $*"
	absolute_path "$bundle"
	clean_path
	bundle=$absolute

	trace settings
	read_conf
	check_host
	reserve
	trace plan
	read_plan
	check_terminal
	null_streams
	if [ "$sandbox" = true ]; then make_sandbox; else make_vm; fi
	trace publish
	[ -z "$cgroup" ] || enter_cgroups
	[ -z "$hooks" ] || create_hooks
	publish
}

# Makes the VM, with the UUID $uuid and the name $name, as the plan says.
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
	configure_domain
	[ -z "$shares" ] || start_files
	start_proxy
	domain_create
	join_proxy
	empty_boot
	exec 7<&- # release_rootfs opened it, and the VM has the device now
	[ ! -f "$dir/images" ] || unlink_images
	[ -n "$netconf" ] || [ -z "$netns" ] || save netns '%s\n' "$netns"
}

# A pod's sandbox only holds the pod's network namespace. The interfaces in it are for a container of the pod. The proxy alone
# holds the namespace, without a VM, and nothing of the sandbox's image runs.
make_sandbox() {
	kill_seconds='' uuid='' shares=''
	save destroyed ''
	start_proxy
	join_proxy
}

# Takes the id: the process that makes the state directory has it. Sets $uuid and $name. From here on, a create that does not
# succeed removes everything that it made. The claim itself comes with the next program that create runs (read_config).
reserve() {
	uuid='' images='' may_have_domain=false
	[ -d "$RUNX_ROOT" ] || mkdir -p "$RUNX_ROOT" 2>/dev/null ||
		die "cannot make the state directory $RUNX_ROOT (is the disk full or read-only?)"
	note_signals
	if ! mkdir -m 0700 "$dir" 2>/dev/null; then
		[ ! -d "$dir" ] || die "container $id: container with given ID already exists"
		die "cannot make the state directory $dir (is the disk full or read-only?)"
	fi
	at_end 'remove_container || :'
	open_claim || deleted_meanwhile
	# A delete --force finds here whom it has to end. It makes its mark before it looks here. So if it came too early to find this
	# create, the mark is there, or all is removed and the name may belong to a new container.
	own_start_time
	save creator '%s\n' "$$ $since"
	if is_doomed || ! is_claims_directory; then deleted_meanwhile; fi
	read -r uuid </proc/sys/kernel/random/uuid
	save uuid '%s\n' "$uuid"
	# A domain's name must be unique in all of Xen, and an id is unique only in one root. The prefix also keeps xl from taking
	# an id of digits as a domid.
	name=rx-$id
	[ "$RUNX_ROOT" = /run/runX ] || name=$name.${uuid%%-*}
}

# Sets $vif to the network interface for xl.cfg, and $nic to its description for the guest. Both are empty if the container
# has a network namespace, because only start looks into it. A path to the host's own namespace asks for the host's network,
# as no namespace does: engines write one for a container that joins another with the host's network. $netns is then empty.
read_network() {
	nic='' vif=''
	! is_hosts_network "$netns" || netns=''
	[ -n "$netconf" ] || [ -z "$netns" ] || return 0
	# shellcheck source=lib/netconf.sh
	. "$RUNX_LIBDIR/netconf.sh"
	if [ -n "$netconf" ]; then read_netconf; else read_host_network; fi
}

# Whether the path $1 names dom0's initial network namespace, or the one that runX was called in. Starts no process.
is_hosts_network() {
	# shellcheck disable=SC3013 # dash and busybox ash have -ef
	[ "$1" -ef /proc/1/ns/net ] || [ "$1" -ef /proc/self/ns/net ]
}

# Adds the seccomp profile to the guest's description, as a program for the guest's kernel.
add_seccomp() {
	local rc=0
	save profile %b "$seccomp"
	helper seccomp <"$dir/profile" >>"$dir/container" 8<&- || rc=$?
	# 127 is the shell's status for a missing program, and ld.so's for a missing library.
	[ $rc -ne 127 ] || die "linux.seccomp needs $RUNX_LIBEXEC/seccomp and libseccomp (package libseccomp2): \
install them, or set seccomp = no in runX.conf (no profile is applied then, and only the VM confines the container)"
	[ $rc -eq 0 ] || die "runX $verb failed: $problem"
}

# Starts the proxy beside what follows. It gets this command's stdio for the container, and waits for the domain.
start_proxy() {
	set -- -p $$ -t "$conf_start_timeout"
	[ -z "$shares" ] || set -- "$@" -f
	[ -z "$kill_seconds" ] || set -- "$@" -k "$kill_seconds"
	[ -z "$netns" ] || set -- "$@" -n "$netns"
	[ -z "$cgroup" ] || set -- "$@" -g "${RUNX_CGROUP:-/sys/fs/cgroup}$cgroup"
	[ -z "$console_socket" ] || set -- "$@" -c "$console_socket" -s "$console_size"
	beside proxy "$@" "$dir" ${uuid:+"$uuid"}
}

# Waits until the proxy, and the file server if there is one, run in the background. Sets $domid and $pid.
join_proxy() {
	trace proxy
	join || die "runX $verb failed: $problem"
	read -r domid pid _ <"$dir/proxy"
}

# Runs the hooks of create. They need the proxy's pid and network namespace, and run before anybody hears of the container.
# The hooks are recorded only now. If create failed earlier, no hook has run, and poststop has nothing to undo.
create_hooks() {
	local kind
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	# The rename makes the file whole. It is a program, and delete must be able to run it.
	save hooks.new %s "$hooks"
	mv "$dir/hooks.new" "$dir/hooks" 2>/dev/null || die "cannot write $dir/hooks (is the disk full?)"
	for kind in prestart createRuntime createContainer; do
		run_hooks $kind creating || die "runX $verb failed: $problem"
	done
}

# Makes the container created: from here on, others can read its state. The mark `created` says that `state` is whole. A
# container of run is started at once, so nobody else can start it. The pid file comes last, because engines take its appearance
# as the end of create.
publish() {
	record_resources
	save state '%s\n' "$state_head" "$state_tail"
	[ "$verb" != run ] || save started ''
	save created ''
	announce_pid
}

# Records what the VM has. update starts from this record.
record_resources() {
	# shellcheck disable=SC2086 # the nine words that lib/json/resources.jq made
	set -- $resources
	save resources '%s\n' "${given_memory:-$1} ${given_memory:-$2} ${given_vcpus:-$3} $4 $5 $6 $7 $8 $9"
}
