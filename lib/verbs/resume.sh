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

	# If a pause or resume was killed halfway, only the mark is left.
	xl_unpause || die "container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)"
	rm -f "$dir/paused"
}

check_paused() {
	read_status
	need_vm
	[ "$status" = paused ] || die "container $id: container not paused"
}
