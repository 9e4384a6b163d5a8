# SPDX-License-Identifier: Apache-2.0
# runX resume: lets the VM of a paused container run on.

cmd_resume() {
	# shellcheck source=lib/claim.sh
	. "$RUNX_LIBDIR/claim.sh"

	parse_words no_option '' '' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "resume: too many arguments: $*"

	# A pause that is at work has its mark, but the VM may run yet.
	claim_after check_paused

	xl_domain unpause || case $problem in
	# This is Xen's error for a domain that is not paused. A pause or resume was killed halfway, so only the mark is left.
	*'Invalid argument'*) ;;
	*) die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)" ;;
	esac
	rm -f "$dir/paused"
}

check_paused() {
	read_status
	need_vm
	[ "$status" = paused ] || die "container $id: container not paused"
}
