#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Input and output of a container: all bytes arrive, in order and unchanged.

load helpers
bats_require_minimum_version 1.5.0

# bats test_tags=core
@test "io: stdin arrives, and so does its end" {
	# Only a missing stdin is a device, /dev/null.
	bundle '.process.args = ["sh", "-c", "test -c /dev/stdin || wc -c; echo end"]'
	dom0 sh -c "head -c 300000 /dev/zero | supervise /b/$id $id; runX delete $id"
	says 0 "$(printf '300000\nend')" ''
}

# bats test_tags=core
@test "io: 4 MiB of random bytes go in and out unchanged, and get no newline at their end" {
	bundle '.process.args = ["cat"]'
	dom0 sh -c "{ head -c 4194304 /dev/urandom; printf 'a\\r\\n\\000\\377\\033b'; } >/b/$id/in
		supervise /b/$id $id </b/$id/in >/b/$id/out && cmp /b/$id/in /b/$id/out; runX delete $id"
	says 0 '' ''
}

@test "io: when the reader is gone, the writer gets SIGPIPE, as with a pipe" {
	bundle '.process.args = ["sh", "-c", "yes; echo $? >&2"]'
	dom0 sh -c "supervise /b/$id $id | head -n 1; runX delete $id"
	says 0 y 141 # 128 + SIGPIPE
}

# bats test_tags=core
@test "io: a reader that pauses loses nothing, takes no memory, and does not stop signals or exec" {
	bundle '.process.args = ["sh", "-c", "trap \"echo got it >&2\" USR1; head -c 1000000 /dev/zero & wait; wait; echo end"]'
	dom0 sh -c "cd /b/$id; mkfifo out err; supervise /b/$id $id >out 2>err & exec 3<out 4<err
		head -c 1 <&3 >/dev/null; runX kill $id USR1; head -n 1 <&4; runX exec $id sh -c 'echo beside it; exit 6'; echo \$?
		awk '/^Pss:/ && \$2 > 1024' /proc/\$(cut -d ' ' -f 2 /run/runX/$id/proxy)/smaps_rollup
		wc -c <&3; runX delete $id 2>&1"
	says 0 "$(printf '%s\n' 'got it' 'beside it' 6 1000003)" ''
}

@test "io: with stdout and stderr that cannot be written, all output is dropped" {
	bundle '.process.args = ["sh", "-c", "echo out; echo err >&2; exit 5"]'
	dom0 sh -c "supervise /b/$id $id </dev/null 1</dev/null 2</dev/null; echo \$? >/b/$id/rc; runX delete $id; cat /b/$id/rc"
	says 0 5 ''
}

# bats test_tags=core
@test "io: a terminal is a terminal in the guest too, with the size that it was given" {
	bundle '.process.args = ["sh", "-c", "test -t 0 && test -t 1 && test -t 2 && tty && stty size"]
		| .process.terminal = true | .process.consoleSize = {height: 33, width: 101}'
	dom0 sh -c "supervise -t /b/$id $id </dev/null | tr -d '\r'; runX delete $id"
	says 0 "$(printf '/dev/pts/0\n33 101')" ''
}

# bats test_tags=core
@test "io: a terminal's new size reaches the process, with SIGWINCH" {
	bundle '.process.args = ["sh", "-c", "trap \"stty size; exit\" WINCH; stty size; while :; do sleep 1000 & wait; done"]
		| .process.terminal = true'
	dom0 sh -c "supervise -t -w 40x120 /b/$id $id </dev/null | tr -d '\r'; runX delete $id"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = '40 120' ]
}

@test "io: input to a terminal is echoed once, and control characters become signals" {
	bundle '.process.args = ["sh", "-c", "trap \"echo interrupted; exit 9\" INT; read -r line; echo got $line; read -r line"]
		| .process.terminal = true'
	# Ctrl-C comes only after the answer: an interrupt drops input that is typed but not read yet.
	dom0 sh -c "cd /b/$id; : >out
		{ echo hello; tail -n +1 -f out | sed '/got hello/q' >/dev/null; printf '\003'; } |
			{ supervise -t /b/$id $id >out; echo \$?; }
		runX delete $id; tr -d '\r' <out"
	says 0 "$(printf '9\nhello\ngot hello\n^Cinterrupted')" ''
}

# A shell ends when its terminal is hung up, and its VM with it. nothing_left checks that.
@test "io: when the terminal of runX run is hung up, the process's is too" {
	bundle '.process.args = ["sh"] | .process.terminal = true'
	"$bed" sh 'cat >/tmp/terminal.bash' <"$BATS_TEST_DIRNAME/terminal.bash"
	dom0 bash -c ". /tmp/terminal.bash
		terminal 24x80 runX run --bundle /b/$id $id
		see '/ # '
		types 'stty size; tty\r'
		shows 'stty size; tty\n24 80\n/dev/pts/0\n'
		hang_up"
	says 0 '' ''
}
