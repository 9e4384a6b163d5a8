# SPDX-License-Identifier: Apache-2.0
# runX start: runs the process of a created container.

cmd_start() {
	parse_options no_option '' '' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "start: too many arguments: $*"

	read_status
	case $status in
	created) ;;
	running) die "container $id: cannot start an already running container" ;;
	stopped) die "container $id: cannot start a container that has stopped" ;;
	*) die "container $id: cannot start a container that is $status" ;;
	esac

	xl unpause "$domid" >/dev/null 2>&1 </dev/null ||
		die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)"
	# Marked first: a process that ends at once must not leave a container that looks created.
	save started ''
	helper control "$dir" start || die "runX start failed: ${problem:-the proxy of container $id has died}"
}
