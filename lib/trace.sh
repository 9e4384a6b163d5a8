# SPDX-License-Identifier: Apache-2.0
# RUNX_TRACE: when what happened in a container's life, a line each, for runX timeline (lib/verbs/timeline.sh).
#
# A line is SECONDS, of dom0's CLOCK_MONOTONIC, the container's id, who says it, its pid or -, and what begins there,
# until the same one's next line; tabs between them. helpers/shared/trace.c writes such lines, too.

# Made absolute, as the proxy lives in /; and said at once where it cannot be written.
trace_open() {
	absolute_path "$RUNX_TRACE"
	RUNX_TRACE=$absolute trace_id=''
	export RUNX_TRACE
	{ printf %s '' >>"$RUNX_TRACE"; } 2>/dev/null || die "cannot write the trace $RUNX_TRACE (RUNX_TRACE)"
	trace_clock
	trace_begun=$now
}

# Sets $now without a process: by a file that has nanoseconds and is root's alone, else in 10 ms of /proc/uptime (of
# CLOCK_BOOTTIME, the same where dom0 was never suspended). Emulated, these take dash 3 ms and 0.8, and date(1) would 83.
trace_clock() {
	now=''
	{ read -r _ && read -r _ && read -r _ _ now _; } 2>/dev/null </proc/timer_list || :
	case $now in
	'' | *[!0-9]*) read -r now _ </proc/uptime ;;
	*) now=${now%?????????}.${now#"${now%?????????}"} ;;
	esac
}

# The line of a write each, so that those of others come between, not into it.
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
