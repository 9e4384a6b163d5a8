# SPDX-License-Identifier: Apache-2.0
# runX pause: stops the VM of a running container until resume.

cmd_pause() {
	parse_options no_option '' '' "$@"
	shift "$options_used"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "pause: too many arguments: $*"

	check_pausable
	# Of two who pause, or of a pause and a resume, the second must see what the first has done.
	# shellcheck source=lib/claim.sh
	. "$RUNX_LIBDIR/claim.sh"
	claim_container
	check_pausable

	# The mark comes before the pause. Xen counts pauses, so a pause without a mark would outlast every resume. If this
	# command is killed here, there is a mark without a pause. resume then removes the mark.
	save paused ''
	xl_domain pause || {
		rm -f "$dir/paused"
		die "container $id: xl cannot pause its domain $domid (xl list shows whether it is there)"
	}
}

check_pausable() {
	read_status
	need_vm
	case $status in
	running) ;;
	paused) die "container $id: container paused already" ;;
	*) die "container $id: container not running" ;;
	esac
}
