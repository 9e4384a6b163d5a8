# SPDX-License-Identifier: Apache-2.0
# runX timeline: draws a trace that RUNX_TRACE has written.

timeline_option() {
	form=svg
}

cmd_timeline() {
	local drawn
	form=text
	parse_words timeline_option '' svg "$@"
	eval "set -- $words"
	[ $# -gt 0 ] || usage_error "timeline: no trace file given"
	[ $# -le 2 ] || usage_error "timeline: too many arguments: $*"

	[ -f "$1" ] || die "timeline: $1: no such file (RUNX_TRACE=$1 runX … writes it)"
	[ -r "$1" ] || die "timeline: $1: cannot read it"
	command -v awk >/dev/null || die "awk is not installed, and runX draws with it (install the package mawk)"
	# The values go through the environment, because awk -v takes backslashes as escapes.
	drawn=$(FORM=$form WANTED=${2:-} awk -f "$RUNX_LIBDIR/verbs/timeline.awk" <"$1" 2>&1) || die "timeline: $1: $drawn"
	printf '%s\n' "$drawn"
}
