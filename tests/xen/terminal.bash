# SPDX-License-Identifier: Apache-2.0
# A terminal that is driven from dom0: what is typed, and what is shown. Sourced there.
# shellcheck shell=bash

# terminal ROWSxCOLUMNS COMMAND…: runs it on a terminal of its own, of a size unless that is empty
terminal() {
	rm -rf /tmp/terminal
	mkdir /tmp/terminal
	cd /tmp/terminal && mkfifo in out over
	{
		echo 'tty >tty; stty -onlcr' # ctr leaves it on: \r\r\n would be its
		[ -z "$1" ] || echo "stty rows ${1%x*} cols ${1#*x}"
		shift
		# over closes when the last of them has ended.
		echo "{ $*; echo \$? >status; } 5>over"
	} >run
	socat 'EXEC:sh /tmp/terminal/run,pty,setsid,ctty,stderr,sane' - <in >out &
	terminal=$!
	disown
	cat over &
	over=$!
	exec 4>in 3<out
	shown=''
}

# resize ROWS COLUMNS
resize() {
	stty -F "$(cat tty)" rows "$1" cols "$2"
}

# types TEXT: as printf has it
types() {
	# shellcheck disable=SC2059
	printf -- "$1" >&4
}

# see TEXT: waits until it is shown; $before is what was shown since the last
see() {
	local text c
	# shellcheck disable=SC2059
	printf -v text -- "$1"
	until [[ $shown == *"$text"* ]]; do
		IFS= read -r -t 60 -N 1 c <&3 || {
			printf 'not shown: %q, but %q\n' "$text" "$shown"
			exit 1
		}
		shown+=$c
	done
	before=${shown%%"$text"*}
	before=${before//$'\033[6n'/} # the shell asks where the cursor is
	shown=${shown#*"$text"}
}

# shows TEXT: that, and nothing else before the next prompt
shows() {
	local text
	# shellcheck disable=SC2059
	printf -v text -- "$1"
	see '/ # '
	[ "$before" = "$text" ] || printf 'wanted: %q\nshown:  %q\n' "$text" "$before"
}

# ends STATUS: its command
ends() {
	wait "$over"
	[ "$(cat status)" -eq "$1" ] || echo "its status was $(cat status)"
}

# hang_up: closes it; returns when nobody has it any more
hang_up() {
	kill -KILL "$terminal"
	exec 3<&- 4>&-
	wait "$over"
}
