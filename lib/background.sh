# SPDX-License-Identifier: Apache-2.0
# A process that we leave in the background: its terminal's way to the caller, and its pid's.

# Checks $console_socket against $terminal. In the foreground (lib/foreground.sh) there is one for us.
check_terminal() {
	if [ -n "${RUNX_FOREGROUND:-}" ]; then
		console_socket=''
		[ "$terminal" = false ] || take_foreground_terminal
	elif [ "$terminal" = true ] && [ -z "$console_socket" ]; then
		die "cannot allocate tty if runX will detach without setting console socket (--console-socket)"
	elif [ "$terminal" = false ] && [ -n "$console_socket" ]; then
		die "cannot use console socket if runX will not detach or allocate tty (process.terminal is false)"
	fi
}

# Its size is ours from the first moment on, also in the guest's records, $guest.
take_foreground_terminal() {
	console_socket=$RUNX_FOREGROUND/console
	[ -n "${RUNX_FOREGROUND_SIZE:-}" ] || return 0
	console_size=$RUNX_FOREGROUND_SIZE
	guest=${guest}rows=${console_size%x*}\\0000columns=${console_size#*x}\\0000
}

# Writes $pid to $pid_file, if that is set, and to who waits in the foreground.
announce_pid() {
	[ -z "${RUNX_FOREGROUND:-}" ] || write_pid "$RUNX_FOREGROUND/pid"
	[ -z "$pid_file" ] || write_pid "$pid_file"
}

# Whole and without a newline: engines take its appearance for the end of the command.
write_pid() {
	{ printf %s "$pid" >"$1.$$" && mv -f "$1.$$" "$1"; } 2>/dev/null || die "cannot write the pid file $1"
}
