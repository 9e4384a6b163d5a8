# SPDX-License-Identifier: Apache-2.0
# runX start: runs the process of a created container.

# The proxy destroys a VM that does not end its process in 5 s; more than this, and xl hangs.
STOP_SECONDS=60

cmd_start() {
	parse_options no_option '' '' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "start: too many arguments: $*"

	check_created
	trap end_container EXIT
	start_container
	trap - EXIT
}

check_created() {
	read_status
	case $status in
	created) ;;
	running) die "container $id: cannot start an already running container" ;;
	stopped) die "container $id: cannot start a container that has stopped" ;;
	*) die "container $id: cannot start a container that is $status" ;;
	esac
}

# Of the created container $id, whose $domid and $pid are known, at the word of $verb, start or run.
start_container() {
	[ ! -f "$dir/netns" ] || start_network
	trace 'xl unpause'
	[ "$domid" = - ] || xl_domain unpause ||
		die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)"
	trace 'wait for process'
	# Marked first: a process that ends at once must not leave a container that looks created.
	save started ''
	helper control "$dir" start || process_ran ||
		die "runX $verb failed: ${problem:-the proxy of container $id has died}"
	[ ! -f "$dir/hooks" ] || start_hooks
}

# A container whose start, or poststart hook (runtime-spec 1.3), failed is over when we return: engines delete only what has
# ended (containerd's client, task.Delete).
end_container() {
	helper control "$dir" signal 9 || :
	helper control "$dir" wait $STOP_SECONDS || :
}

start_network() {
	trace network
	# shellcheck source=lib/network.sh
	. "$RUNX_LIBDIR/network.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	attach_namespace
}

# Whether the process has run and ended before its proxy could be asked.
process_ran() {
	local how=''
	{ read -r how <"$dir/ended"; } 2>/dev/null || return 1
	case $how in
	'exited with status '*) return 0 ;;
	*) return 1 ;;
	esac
}

start_hooks() {
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	run_hooks poststart running || die "runX $verb failed: $problem"
}
