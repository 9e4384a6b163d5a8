# SPDX-License-Identifier: Apache-2.0
# Drives a terminal in dom0: types text, and checks what is shown. Scripts in dom0 source it.
# shellcheck shell=bash

# terminal ROWSxCOLUMNS COMMAND…: runs the command on a new terminal; an empty size leaves the default
terminal() {
	rm -rf /tmp/terminal
	mkdir /tmp/terminal
	cd /tmp/terminal && mkfifo in out over
	{
		echo 'tty >tty; stty -onlcr' # ctr leaves onlcr on, and would show \r\r\n
		[ -z "$1" ] || echo "stty rows ${1%x*} cols ${1#*x}"
		shift
		# The pipe closes when the last process of the command has ended.
		echo "{ $*; echo \$? >status; } 5>over"
	} >run
	# Debian 13's socat warns that it has no terminal of its own.
	socat -lf log 'EXEC:sh /tmp/terminal/run,pty,setsid,ctty,stderr,sane' - <in >out &
	terminal=$!
	disown
	cat over &
	over=$!
	exec 4>in 3<out
	shown=''
}

# resize ROWS COLUMNS: gives the terminal a new size
resize() {
	stty -F "$(cat tty)" rows "$1" cols "$2"
}

# types TEXT: types the text, in printf's notation
types() {
	# shellcheck disable=SC2059
	printf -- "$1" >&4
}

# see TEXT: waits until the text is shown; $before is what was shown before it, since the last see
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
	before=${before//$'\033[6n'/} # the shell asks for the cursor's position
	shown=${shown#*"$text"}
}

# shows TEXT: exactly this text is shown before the next prompt
shows() {
	local text
	# shellcheck disable=SC2059
	printf -v text -- "$1"
	see '/ # '
	[ "$before" = "$text" ] || printf 'wanted: %q\nshown:  %q\n' "$text" "$before"
}

# ends STATUS: waits for the command's end, and checks its status
ends() {
	wait "$over"
	[ "$(cat status)" -eq "$1" ] || echo "its status was $(cat status)"
}

# hang_up: closes the terminal; returns when no process has it open
hang_up() {
	kill -KILL "$terminal"
	exec 3<&- 4>&-
	wait "$over"
}
