#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX exec and run: processes that join a running VM, and commands that wait in the foreground.

load helpers
bats_require_minimum_version 1.5.0

# Most tests use one container, whose process sleeps and has no capabilities. Each has a directory of its own.
setup_file() {
	fresh_bed
	"$bed" sh 'mkdir -p $(seq -f /b/t%g 50)'
	id=shared
	bundle '.process.args = ["sleep", "1000000"] | .process.env += ["COLOUR=blue"] | .process.user = {uid: 7, gid: 8} | .process.capabilities = {}'
	create
	dom0 runX start "$id"
	[ "$status" -eq 0 ] || { echo "$stderr" && return 1; }
	share
}

teardown_file() {
	local rc=0
	{ rm "$BATS_FILE_TMPDIR/shared" && "$bed" run runX delete --force shared && nothing_left; } || rc=1
	"$bed" down
	return $rc
}

# scripted COMMAND: runs the command on a new terminal, and shows each CR as "~". stdin stays open: at its end script(1) would
# write the end-of-file character, and the terminal could echo it.
scripted() {
	dom0 sh -c 'mkfifo /run/in && exec 4<>/run/in && rm /run/in
		script -qec "$1" /dev/null <&4 | tr "\r" "~"' sh "$1"
}

# bats test_tags=core
@test "exec: the process runs in the container, with its user and environment, beside its first process" {
	# shellcheck disable=SC2016 # variables of the shell inside
	dom0 runX exec --env SHAPE=round --cwd /tmp shared sh -c \
		'echo $COLOUR $SHAPE; id -u; id -g; pwd; cat /proc/1/cmdline | tr "\0" " "; hostname; echo err >&2; exit 3'
	says 3 "$(printf '%s\n' 'blue round' 7 8 /tmp 'sleep 1000000 runc')" err
	dom0 runX exec --user 1:2 -g 3 shared id
	says 0 'uid=1 gid=2 groups=3' ''
}

# bats test_tags=core
@test "exec: bytes go in and out unchanged, and the end of stdin arrives" {
	dom0 sh -c "head -c 1048576 /dev/urandom >/b/$id/in
		runX exec shared cat </b/$id/in >/b/$id/out && cmp /b/$id/in /b/$id/out && echo same"
	says 0 same ''
}

@test "exec: a program that cannot be executed is reported in runc's words, with status 255" {
	dom0 runX exec shared nosuch
	says 255 '' 'runX: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
	dom0 runX exec shared /etc/passwd
	says 255 '' 'runX: exec failed: unable to start container process: exec: "/etc/passwd": permission denied'
	dom0 runX exec --cwd /tmp/x shared true
	says 255 '' 'runX: exec failed: unable to start container process: chdir to cwd ("/tmp/x") set in config.json failed: no such file or directory'
}

@test "exec: --detach leaves a process that engines can wait for, with a pid file" {
	dom0 sh -c "runX exec --detach --pid-file /b/$id/pid shared sleep 500 </dev/null >/dev/null 2>&1
		ps -o args= -p \$(cat /b/$id/pid); runX exec shared ps -o args | grep -c '^sleep 500'; kill -9 \$(cat /b/$id/pid)"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == */libexec/runX/exec\ * ]]
	[ "${lines[1]}" = 1 ]
}

# bats test_tags=core
@test "exec: a signal to its host process reaches the process, and KILL of the host process kills it" {
	dom0 sh -c "cd /b/$id; mkfifo out; runX exec shared sh -c 'trap \"echo got it; exit 9\" USR1; echo ready; sleep 1000 & wait' >out &
		exec 3<out; head -n 1 <&3; kill -USR1 \$!; cat <&3; wait \$!; echo \$?"
	says 0 "$(printf 'ready\ngot it\n9')" ''
	dom0 sh -c "runX exec --detach --pid-file /b/$id/pid shared sleep 600 </dev/null >/dev/null 2>&1
		kill -9 \$(cat /b/$id/pid); runX exec shared sh -c 'while ps -o args | grep -q \"^sleep 600\"; do usleep 50000; done'"
	says 0 '' ''
}

@test "exec: a process that a signal kills gives 128 and the number" {
	# shellcheck disable=SC2016 # variables of the shell inside
	dom0 runX exec shared sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
}

@test "exec: it does not wait for processes that the process leaves behind" {
	dom0 sh -c "runX exec shared sh -c 'sleep 800 & echo started' && runX exec shared ps -o args | grep '^sleep 8'"
	says 0 "$(printf 'started\nsleep 800')" ''
}

@test "exec: --process inherits nothing from the container process, and has its own capabilities" {
	dom0 sh -c "jq -n '{args: [\"sh\", \"-c\", \"grep CapEff /proc/self/status; env; id -u\"], cwd: \"/\", env: [\"PATH=/bin\", \"A=b\"],
		user: {uid: 0, gid: 0}, capabilities: {bounding: [\"CAP_CHOWN\"], effective: [\"CAP_CHOWN\"], permitted: [\"CAP_CHOWN\"]}}' >/b/$id/p
		runX exec --process /b/$id/p shared | sort"
	[ "$status" -eq 0 ]
	[[ $output == *'A=b'*'CapEff:'*'0000000000000001'* ]]
	[[ $output != *COLOUR* ]]
	dom0 runX exec --user 0:0 --cap CAP_SYS_TIME shared grep -c 'Cap[PEB].*0000000002000000' /proc/self/status
	says 0 3 ''
}

# bats test_tags=core
@test "exec: --tty gives a new terminal with the size of the caller's" {
	scripted "stty rows 31 cols 77; runX exec --tty shared sh -c 'tty; stty size'"
	says 0 "$(printf '/dev/pts/0~\n31 77~')" ''
}

@test "exec: a new size of the caller's terminal reaches the new terminal" {
	# stty sets rows and columns one after the other, so two signals come.
	"$bed" sh "cat >/b/$id/cmd" <<-END
		stty rows 20 cols 60
		tty >/b/$id/tty
		exec runX exec --tty shared sh -c 'trap "stty size | grep 61 && exit" WINCH; echo ready; while :; do sleep 1000 & wait; done'
	END
	dom0 sh -c "cd /b/$id; mkfifo in out; exec 4<>in; script -qefc 'sh ./cmd' /dev/null <&4 >out & exec 3<out
		until read -r line <&3; [ \"\${line%?}\" = ready ]; do :; done; stty -F \$(cat tty) rows 21 cols 61; cat <&3; wait"
	[ "$status" -eq 0 ]
	[[ $output == *'21 61'* ]]
}

@test "exec: on a terminal a process that first writes, then reads, gets all input that came meanwhile" {
	# During the sleep the buffers between dom0 and the guest fill.
	"$bed" sh "cat >/b/$id/cmd" <<-END
		stty raw -echo
		echo ready
		dd bs=1 count=1 of=/dev/null 2>/dev/null
		sleep 1
		head -c 300000 /dev/zero
		head -c 600000 | wc -c
	END
	dom0 sh -c "cd /b/$id; mkfifo in out; runX exec --tty shared sh -c \"\$(cat cmd)\" <in >out & exec 4>in 3<out; head -n 1 <&3
		head -c 600001 /dev/zero >&4 & exec 4>&-; head -c 300000 <&3 | wc -c; cat <&3; wait"
	says 0 "$(printf 'ready\n300000\n600000')" ''
}

# bats test_tags=core
@test "exec: twenty at the same time" {
	dom0 sh -c "for i in \$(seq 20); do runX exec shared sh -c \"echo \$i; exit \$i\" >/b/$id/o\$i & p=\"\$p \$!\"; done
		for q in \$p; do wait \$q; s=\"\$s \$?\"; done; echo \$s; cat /b/$id/o* | sort -n | tr '\n' ' '"
	says 0 "$(printf '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ')" ''
}

# bats test_tags=core
@test "run: in the foreground it has the process's streams and status, a signal to it reaches the process, and it leaves nothing" {
	bundle '.process.args = ["sh", "-c", "trap \"exit 5\" TERM; read x; echo err >&2; echo out $x; sleep 1000 & wait"]'
	dom0 sh -c "cd /b/$id; mkfifo out; echo word >in; runX run --bundle . $id <in >out & exec 3<out; head -n 1 <&3; kill \$!; wait \$!; echo \$?"
	says 0 "$(printf 'out word\n5')" err
}

# As with runc, only the caller's terminal makes CR LF of a newline, and a file gets LF.
@test "run: with a terminal, of the caller's size" {
	bundle '.process.args = ["sh", "-c", "tty; stty size; exit 6"] | .process.terminal = true'
	scripted "stty rows 32 cols 78; runX run --bundle /b/$id $id >/b/$id/out; tr '\n' ';' </b/$id/out"
	says 0 '/dev/pts/0;32 78;' ''
}

@test "run: --detach and --keep leave the container" {
	bundle '.process.args = ["true"]'
	dom0 runX run --keep --bundle "/b/$id" "$id"
	says 0 '' ''
	dom0 sh -c "runX state $id | jq -r .status; runX delete $id"
	says 0 stopped ''
	dom0 sh -c "runX run --detach --pid-file /b/$id/pid --bundle /b/$id $id </dev/null >/dev/null 2>&1; tail --pid=\$(cat /b/$id/pid) -f /dev/null; runX delete $id"
	says 0 '' ''
}

@test "run: a container that cannot be started leaves nothing" {
	bundle '.process.args = ["nosuch"]'
	dom0 runX run --bundle "/b/$id" "$id"
	says 1 '' 'runX: runX run failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
}

# bats test_tags=core
@test "exec: dom0's clock is set two hours forward and back, and the clock of a running container follows" {
	# shellcheck disable=SC2016 # variables of the shell inside
	dom0 sh -c 'ahead=no
		trap "[ \$ahead = no ] || date -s \"-7200 seconds\" >/dev/null" EXIT
		trap "exit 1" HUP INT TERM
		compare() {
			set -- "$(date +%s)" "$(runX exec shared date +%s)" "$(date +%s)"
			[ "$2" -ge $(($1 - 1)) ] && [ "$2" -le $(($3 + 1)) ] && echo same || echo "$1 $2 $3"
		}
		compare
		ahead=yes && date -s "+7200 seconds" >/dev/null && compare
		date -s "-7200 seconds" >/dev/null && ahead=no && compare
		ahead=yes && date -s "+7200 seconds" >/dev/null && runX pause shared && date -s "-7200 seconds" >/dev/null &&
			ahead=no && sleep 2 && runX resume shared && compare'
	says 0 "$(printf 'same\nsame\nsame\nsame')" ''
}

# The last test, because it ends the container of the others.
@test "exec: it ends with 137 when its container ends" {
	dom0 sh -c "cd /b/$id; mkfifo out; runX exec shared sh -c 'echo ready; exec sleep 700' >out & exec 3<out; head -n 1 <&3 >/dev/null
		runX kill shared KILL; wait \$!; echo \$?"
	says 0 137 ''
	dom0 runX delete --force shared
	says 0 '' ''
}
