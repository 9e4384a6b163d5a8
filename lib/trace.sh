# SPDX-License-Identifier: Apache-2.0
# Writes the trace of RUNX_TRACE: when each step of a container's life began. runX timeline draws it (lib/verbs/timeline.sh).
#
# A line has these fields, with tabs between them. helpers/shared/trace.c writes such lines too.
#   seconds of dom0's CLOCK_MONOTONIC
#   the container's id
#   who writes the line: a command, proxy, guest or guardian
#   the writer's process id, or -
#   the step that begins now, and lasts until the same writer's next line

# Makes $RUNX_TRACE an absolute path, because the proxy's working directory is /. Ends with an error if the file cannot be
# written.
trace_open() {
	absolute_path "$RUNX_TRACE"
	RUNX_TRACE=$absolute trace_id=''
	export RUNX_TRACE
	{ printf %s '' >>"$RUNX_TRACE"; } 2>/dev/null || die "cannot write the trace $RUNX_TRACE (RUNX_TRACE)"
	trace_clock
	trace_begun=$now
}

# Sets $now, without a process. /proc/timer_list has nanoseconds, and only root can read it. Otherwise $now is from
# /proc/uptime, in steps of 10 ms. That is CLOCK_BOOTTIME, which is equal if dom0 was never suspended. Under emulation dash
# needs 3 ms for the first and 0.8 ms for the second. date(1) would need 83 ms.
trace_clock() {
	now=''
	{ read -r _ && read -r _ && read -r _ _ now _; } 2>/dev/null </proc/timer_list || :
	case $now in
	'' | *[!0-9]*) read -r now _ </proc/uptime ;;
	*) now=${now%?????????}.${now#"${now%?????????}"} ;;
	esac
}

# trace STEP: writes a line. Each line is one write, so lines of other processes cannot mix with it.
trace() {
	local now="$trace_begun"
	case $1 in
	options) trace_id=$id ;;
	*) trace_clock ;;
	esac
	[ -n "$trace_id" ] || return 0
	{ printf '%s\t%s\t%s\t%s\t%s\n' "$now" "$trace_id" "$verb" $$ "$1" >>"$RUNX_TRACE"; } 2>/dev/null || :
}

trace_open
