# SPDX-License-Identifier: Apache-2.0
# runX pause: stops the VM of a running container until resume.

cmd_pause() {
	# shellcheck source=lib/claim.sh
	. "$RUNX_LIBDIR/claim.sh"

	parse_words no_option '' '' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "pause: too many arguments: $*"

	# Of two who pause, or of a pause and a resume, the second must see what the first has done.
	claim_after check_pausable

	# The mark comes before the pause. Xen counts pauses, so a pause without a mark would outlast every resume. If this
	# command is killed here, there is a mark without a pause. resume then removes the mark.
	save paused ''
	xl_domain pause || take_back
}

# xl may fail, or be killed, after Xen has paused the VM. If the pause cannot be taken back, the mark stays for a resume.
take_back() {
	is_gone || xl_unpause || die "container $id: xl can neither pause its domain $domid nor unpause it (xl list shows whether it is there; if so, runX resume)"
	rm -f "$dir/paused"
	die "container $id: xl cannot pause its domain $domid (xl list shows whether it is there)"
}

# Whether xl's $problem has Xen's error for a domain that is not there, of which nothing can be paused (ESRCH; seen with Xen
# 4.17 and 4.20).
is_gone() {
	case $problem in
	*'No such process'*) ;;
	*) return 1 ;;
	esac
}

check_pausable() {
	read_status
	need_vm
	case $status in
	running) ! is_starting || die "container $id: container not running yet: a runX start is at work on it (wait for its end)" ;;
	paused) die "container $id: container paused already" ;;
	*) die "container $id: container not running" ;;
	esac
}

# Whether a start or run is at work, which record themselves in `started` and `creator`. It unpauses the VM once, and would
# wait in vain for the process of a VM that is paused again.
is_starting() {
	local starter='' start=''
	{ read -r _ starter start <"$dir/started"; } 2>/dev/null || :
	! lives "$starter" "$start" || return 0
	{ read -r starter start <"$dir/creator"; } 2>/dev/null || return 1
	lives "$starter" "$start"
}
