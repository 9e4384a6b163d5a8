# SPDX-License-Identifier: Apache-2.0
# runX start: runs the process of a created container.

# The proxy destroys a VM that does not end its process within 5 s. If the end takes longer than this, xl hangs.
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

# Starts the created container $id, with its $domid and $pid. $verb is start or run. Ends with an error if the process does
# not start, or if a poststart hook fails. The caller then has to end the container.
start_container() {
	[ ! -f "$dir/netns" ] || start_network
	trace 'xl unpause'
	[ "$domid" = - ] || xl_domain unpause ||
		die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)"
	trace 'wait for process'
	# The mark comes first. Otherwise a process that ends at once could leave a container that looks created.
	save started ''
	ask_proxy start || process_ran ||
		die "runX $verb failed: ${problem:-the proxy of container $id died before the process ran}"
	[ ! -f "$dir/hooks" ] || start_hooks
}

# Ends the container after a failed start or a failed poststart hook (runtime-spec 1.3). It must have ended when runX returns,
# because engines delete only a container that has ended (containerd's client, task.Delete).
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

# Whether the process ran and ended before its proxy could be asked. If the VM ended in another way, $problem says how, as the
# proxy recorded it. A start that was still waiting gets the same words from the proxy.
process_ran() {
	local how=''
	{ read -r how <"$dir/ended"; } 2>/dev/null || return 1
	case $how in
	'exited with status '*) return 0 ;;
	*) problem=$how && return 1 ;;
	esac
}

start_hooks() {
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	run_hooks poststart running || die "runX $verb failed: $problem"
}
