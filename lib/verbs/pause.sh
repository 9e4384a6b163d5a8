# SPDX-License-Identifier: Apache-2.0
# runX pause: stops the VM of a running container, until resume.

cmd_pause() {
	parse_options no_option '' '' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "pause: too many arguments: $*"

	read_status
	need_vm
	case $status in
	running) ;;
	paused) die "container $id: container paused already" ;;
	*) die "container $id: container not running" ;;
	esac

	# Marked first: Xen counts pauses, so one that nobody knows of would outlast every resume. A mark
	# without a pause, where we are killed here, is what resume takes away.
	save paused ''
	xl_domain pause || {
		rm -f "$dir/paused"
		die "container $id: xl cannot pause its domain $domid (xl list shows whether it is there)"
	}
}
