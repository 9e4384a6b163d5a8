# SPDX-License-Identifier: Apache-2.0
# How the caller gets the terminal and the pid of a process that runX leaves in the background.

# Takes what the helper foreground tells this command out of the environment, for the functions below. Nobody else may get it: a
# runX in a hook would take it for its own, and write its pid over this one's.
take_foreground() {
	foreground=${RUNX_FOREGROUND:-} foreground_size=${RUNX_FOREGROUND_SIZE:-} foreground_failed=${RUNX_FOREGROUND_FAILED:-}
	unset RUNX_FOREGROUND RUNX_FOREGROUND_SIZE RUNX_FOREGROUND_FAILED
}

# Checks that $console_socket and $terminal fit together, and ends with an error if they do not. In the foreground,
# lib/foreground.sh provides a console socket, and this sets $console_socket to it. If it could not, this ends with its reason.
check_terminal() {
	[ -z "$foreground_failed" ] || die "$foreground_failed"
	if [ -n "$foreground" ]; then
		console_socket=''
		[ "$terminal" = false ] || take_foreground_terminal
	elif [ "$terminal" = true ] && [ -z "$console_socket" ]; then
		die "cannot allocate tty if runX will detach without setting console socket (--console-socket)"
	elif [ "$terminal" = false ] && [ -n "$console_socket" ]; then
		die "cannot use console socket if runX will not detach or allocate tty (process.terminal is false)"
	fi
}

# The terminal has the size of the caller's terminal from the start. So the guest's records in $guest get it too. It does not
# make CR LF of a newline (ONLCR). The caller's terminal does that, if the output is a terminal at all. runc clears the flag for
# the same case, and for no other (tty.go).
take_foreground_terminal() {
	console_socket=$foreground/console
	guest=${guest}terminal.bare_newline=true\\0000
	[ -n "$foreground_size" ] || return 0
	console_size=$foreground_size
	guest=${guest}rows=${console_size%x*}\\0000columns=${console_size#*x}\\0000
}

# Tells the guest which of the streams is /dev/null here: the process then has /dev/null there, too, and not a pipe that is
# at its end. With a terminal these streams are not the process's.
null_streams() {
	local fd=0 name
	[ "$terminal" = false ] || return 0
	for name in stdin stdout stderr; do
		# shellcheck disable=SC3013 # dash and busybox ash know -ef, and POSIX does since 2024
		[ ! /proc/self/fd/$fd -ef /dev/null ] || guest=$guest$name=null\\0000
		fd=$((fd + 1))
	done
}

# Writes $pid to $pid_file, if that is set, and to the file that the foreground program reads once this command has ended.
# Ends with an error if a file cannot be written.
announce_pid() {
	[ -z "$foreground" ] || { printf %s "$pid" >"$foreground/pid"; } 2>/dev/null ||
		die 'cannot tell the pid of the process to the program foreground (was it killed?)'
	[ -z "$pid_file" ] || write_pid "$pid_file"
}

# The file appears with its whole content, by a rename, and has no newline. An engine takes its appearance as the end of
# the command.
write_pid() {
	[ ! -d "$1" ] || die "cannot write the pid file $1: it is a directory"
	{ printf %s "$pid" >"$1.$$" && mv -f "$1.$$" "$1"; } 2>/dev/null && return 0
	rm -f "$1.$$"
	die "cannot write the pid file $1 (does its directory exist, and is the disk full?)"
}
