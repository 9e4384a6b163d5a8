# SPDX-License-Identifier: Apache-2.0
# runX ps: shows the container's process on the host, which is its proxy. The host cannot see the processes in the VM.

ps_option() {
	format=$2
}

cmd_ps() {
	format=table
	parse_options ps_option 'format f' '' "$@"
	shift "$options_used"
	check_id "$@"
	shift
	case $format in
	table | json) ;;
	*) usage_error "ps: unknown format: $format (table or json)" ;;
	esac

	read_status
	case $status in
	created | running | paused | stopped) ;;
	*) die "container $id: container not running" ;;
	esac

	# Engines read this output together with stderr, so nothing else may be printed.
	if [ "$format" = json ]; then
		if [ "$pid" = 0 ]; then echo null; else echo "[$pid]"; fi
		return 0
	fi
	[ $# -gt 0 ] || set -- -ef
	processes=$(ps "$@" 2>/dev/null) || die "container $id: ps $* failed on the host (run it there to see why)"
	print_process "$*"
}

# Prints the header of $processes, and the lines about $pid. $1 is the options that ps got.
print_process() {
	local options="$1" line='' column=0
	# The shell splits the fields. It must not take them as patterns.
	set -f
	while read -r line; do
		# shellcheck disable=SC2086 # fields, to be split
		set -- $line
		if [ $column -eq 0 ]; then
			while [ $# -gt 0 ] && [ "$1" != PID ]; do
				column=$((column + 1))
				shift
			done
			[ $# -gt 0 ] || die "container $id: ps $options prints no column PID (add an option such as -o pid)"
			column=$((column + 1))
		else
			[ $# -ge $column ] || continue
			shift $((column - 1))
			[ "$1" = "$pid" ] || continue
		fi
		printf '%s\n' "$line"
	done <<END
$processes
END
	set +f
}
