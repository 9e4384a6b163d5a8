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

cmd_create() {
	# shellcheck source=lib/conf.sh
	. "$RUNX_LIBDIR/conf.sh"
	# shellcheck source=lib/plan.sh
	. "$RUNX_LIBDIR/plan.sh"
	# shellcheck source=lib/rootfs.sh
	. "$RUNX_LIBDIR/rootfs.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	# shellcheck source=lib/cgroups.sh
	. "$RUNX_LIBDIR/cgroups.sh"
	# shellcheck source=lib/remove.sh
	. "$RUNX_LIBDIR/remove.sh"

	bundle=. pid_file='' console_socket=''
	parse_options create_option 'bundle b pid-file console-socket pidfd-socket preserve-fds' \
		'no-pivot no-new-keyring' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "create: too many arguments: $*"
	absolute_path "$bundle" && bundle=$absolute

	read_conf
	check_host
	reserve
	read_plan
	check_terminal

	export_rootfs
	save container %b "$guest"
	helper prepare "$rootfs" "$conf_initrd" "$dir/initrd" <"$dir/container" ||
		die "runX create failed: $problem"
	domain_create
	start_proxy
	[ -z "$cgroup" ] || enter_cgroups
	[ -z "$hooks" ] || create_hooks
	publish
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

check_terminal() {
	if [ "$terminal" = true ] && [ -z "$console_socket" ]; then
		die "cannot allocate tty if runX will detach without setting console socket (--console-socket)"
	elif [ "$terminal" = false ] && [ -n "$console_socket" ]; then
		die "cannot use console socket if runX will not detach or allocate tty (process.terminal is false)"
	fi
}

# The proxy gets this command's stdio; only its words until it is ready come to us.
start_proxy() {
	set -- -t "$conf_start_timeout"
	[ -z "$netns" ] || set -- "$@" -n "$netns"
	[ -z "$console_socket" ] || set -- "$@" -c "$console_socket" -s "$console_size"
	helper proxy "$@" "$dir" "$uuid" 3>&2 || die "runX create failed: $problem"
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
	read -r domid pid _ <"$dir/proxy"
	for kind in prestart createRuntime createContainer; do
		run_hooks $kind creating || die "runX create failed: $problem"
	done
}

# The container is created once its state can be read; the pid file comes last, whole and without a
# newline, as engines take its appearance for the end of create.
publish() {
	read -r domid pid _ <"$dir/proxy"
	save resources '%s\n' "$resources"
	save state '%s\n' "$state_head" "$state_tail"
	[ -z "$pid_file" ] || write_pid_file || die "cannot write the pid file $pid_file"
	trap - EXIT HUP INT TERM
}

write_pid_file() {
	{ printf %s "$pid" >"$pid_file.$$"; } 2>/dev/null && mv -f "$pid_file.$$" "$pid_file" 2>/dev/null
}
