# SPDX-License-Identifier: Apache-2.0
# runX start: runs the process of a created container.

# The proxy destroys a VM that does not end its process in 5 s; more than this, and xl hangs.
STOP_SECONDS=60

cmd_start() {
	parse_options no_option '' '' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "start: too many arguments: $*"

	start_container
}

# Of the container $id, at the word of $verb, start or run.
start_container() {
	read_status
	case $status in
	created) ;;
	running) die "container $id: cannot start an already running container" ;;
	stopped) die "container $id: cannot start a container that has stopped" ;;
	*) die "container $id: cannot start a container that is $status" ;;
	esac

	[ ! -f "$dir/netns" ] || start_network
	xl_domain unpause ||
		die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)"
	# Marked first: a process that ends at once must not leave a container that looks created.
	save started ''
	helper control "$dir" start || process_ran ||
		die "runX $verb failed: ${problem:-the proxy of container $id has died}"
	[ ! -f "$dir/hooks" ] || start_hooks
}

start_network() {
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

# A container whose poststart fails has to be stopped (runtime-spec 1.3), and is when we return.
start_hooks() {
	local failure
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	! run_hooks poststart running || return 0
	failure=$problem
	helper control "$dir" signal 9 || :
	helper control "$dir" wait $STOP_SECONDS || :
	die "runX $verb failed: $failure"
}
