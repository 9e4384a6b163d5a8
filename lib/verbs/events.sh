# SPDX-License-Identifier: Apache-2.0
# runX events: prints what a container uses, as Xen counts it, until it ends.

events_option() {
	case $1 in
	interval) interval=$2 ;;
	stats) once=$2 ;;
	esac
}

cmd_events() {
	local rc=3
	interval=5s once=false
	parse_words events_option interval stats "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "events: too many arguments: $*"
	interval_seconds

	read_status
	need_vm
	case $status in
	created | running | paused) ;;
	*) die "container $id: container not running" ;;
	esac

	while [ $rc -eq 3 ]; do
		print_stats || return 0
		[ "$once" = false ] || return 0
		rc=0
		helper control "$dir" wait "$seconds" || rc=$?
	done
	[ $rc -eq 0 ] || die "container $id: cannot wait for its end: ${problem#"container $id: "}"
}

# Sets $seconds to $interval, a duration as Go writes it (1m30s). It is rounded up, because 0 would mean no time-out. Ends
# with an error if it is not a duration.
interval_seconds() {
	local rest="$interval" number unit
	seconds=0
	while [ -n "$rest" ]; do
		number=${rest%%[!0-9]*} rest=${rest#"${rest%%[!0-9]*}"}
		# The shell takes a number that begins with a zero as octal.
		[ -z "$number" ] || number=${number#"${number%%[!0]*}"} number=${number:-0}
		unit=${rest%%[0-9]*} rest=${rest#"${rest%%[0-9]*}"}
		case $unit,$number in
		*, | *,??????????*) die "events: not a duration: $interval (write it as 5s or 1m30s)" ;;
		h,*) seconds=$((seconds + number * 3600)) ;;
		m,*) seconds=$((seconds + number * 60)) ;;
		s,*) seconds=$((seconds + number)) ;;
		ms,*) seconds=$((seconds + (number + 999) / 1000)) ;;
		us,* | ns,*) seconds=$((seconds + (number > 0))) ;;
		,0) ;;
		*) die "events: not a duration: $interval (write it as 5s or 1m30s)" ;;
		esac
	done
	[ $seconds -gt 0 ] || die "duration interval must be greater than 0"
}

# Prints one event, from what xl says about the domain. Returns 1 if the container has ended in the meantime.
print_stats() {
	local said limit pids
	said=$(xl_within list "$domid" 2>/dev/null) || said=''
	{ read -r _ limit _ _ _ _ _ pids _ <"$dir/resources"; } 2>/dev/null || limit=0 pids=0
	# The last line has "NAME DOMID MEMORY VCPUS STATE SECONDS.TENTHS".
	# shellcheck disable=SC2086 # fields, to be split; runX's names of domains have no blank
	set -- ${said##*
}
	case ${6:-} in
	*[0-9].[0-9]) ;;
	*)
		find_status
		[ "$status" != stopped ] || return 1
		die "container $id: xl list does not show its domain $domid"
		;;
	esac
	# The number of processes is left out, because nobody outside the VM can count them.
	if [ "$pids" = 0 ]; then pids=''; else pids="\"limit\":$pids"; fi
	{ printf '{"type":"stats","id":"%s","data":{"cpu":{"usage":{"total":%s},"throttling":{}},' \
		"$id" $((${6%.*} * 1000000000 + ${6#*.} * 100000000)) &&
		printf '"memory":{"usage":{"limit":%s,"usage":%s}},"pids":{%s}}}\n' \
			$((limit * 1048576)) $(($3 * 1048576)) "$pids"; } 2>/dev/null || die "container $id: cannot write its statistics to stdout"
}
