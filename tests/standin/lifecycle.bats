#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container does over the stand-in of Xen, with real programs in its guest, and runX's own under ASan and UBSan.
bats_require_minimum_version 1.5.0

load cases

@test "standin: hello, on stdout" {
	begin echo hello
	ended 'exited with status 0'
	[ "$(cat "$work/out")" = hello ]
	[ ! -s "$work/err" ]
}

@test "standin: the exit status is the process's, in the foreground too" {
	command_is sh -c 'exit 42'
	run runX run --bundle "$bundle" c1 </dev/null 3>&-
	[ "$status" -eq 42 ]
	[ ! -e "$RUNX_ROOT/c1" ]
}

@test "standin: stdout and stderr stay apart" {
	begin sh -c 'echo out; echo err >&2'
	ended 'exited with status 0'
	[ "$(cat "$work/out") $(cat "$work/err")" = 'out err' ]
}

@test "standin: 1 MiB of bytes in and out is the same, and its end is seen" {
	command_is cat
	head -c 1048576 /dev/urandom >"$work/in"
	runX run --bundle "$bundle" c1 <"$work/in" >"$work/out" 3>&-
	cmp "$work/in" "$work/out"
}

@test "standin: 32 KiB through a slow console" {
	faults slow
	command_is cat
	head -c 32768 /dev/urandom >"$work/in"
	runX run --bundle "$bundle" c1 <"$work/in" >"$work/out" 3>&-
	cmp "$work/in" "$work/out"
}

@test "standin: TERM reaches the process" {
	begin sh -c 'trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	shown ready
	runX kill c1
	ended 'exited with status 3'
	[ "$(tail -n 1 "$work/out")" = caught ]
}

@test "standin: KILL ends it, and all that it has started" {
	begin sh -c 'sleep 1000 & echo $!; exec sleep 1000'
	runX kill c1 KILL
	ended 'killed by signal 9'
}

@test "standin: exec has its own status, stdin and streams" {
	begin sleep 1000
	run --separate-stderr runX exec c1 sh -c 'cat; echo err >&2; exit 5' <<<'from stdin' 3>&-
	[ "$status" -eq 5 ]
	[ "$output" = 'from stdin' ]
	# shellcheck disable=SC2154 # run's
	[ "$stderr" = err ]
}

@test "standin: exec of what is not there" {
	begin sleep 1000
	run runX exec c1 nosuch </dev/null 3>&-
	[ "$status" -eq 255 ]
	[[ $output == *'exec: "nosuch": executable file not found in $PATH'* ]]
}

@test "standin: an exec ends with 137 where its container does" {
	local execed
	begin sleep 1000
	runX exec --detach --pid-file "$work/pid" c1 sleep 1000 </dev/null >/dev/null 2>&1 3>&-
	execed=$(cat "$work/pid")
	runX kill c1 KILL
	await "$execed"
	ended 'killed by signal 9'
}

@test "standin: 1 MB through an exec of cat" {
	begin sleep 1000
	head -c 1000000 /dev/urandom >"$work/in"
	runX exec c1 cat <"$work/in" >"$work/execed" 3>&-
	cmp "$work/in" "$work/execed"
}

@test "standin: two containers at once" {
	command_is cat
	printf one >"$work/in1"
	printf two >"$work/in2"
	runX create --bundle "$bundle" c1 <"$work/in1" >"$work/out1" 3>&-
	runX create --bundle "$bundle" c2 <"$work/in2" >"$work/out2" 3>&-
	runX start c2
	runX start c1
	gone c1
	gone c2
	[ "$(cat "$work/out1") $(cat "$work/out2")" = 'one two' ]
	runX delete c2
}

@test "standin: a terminal, of the caller's size" {
	config '.process.terminal = true'
	command_is sh -c 'tty; stty size; read -r line; echo "got $line"'
	# stdin stays open: at its end script(1) would write the end-of-file character.
	mkfifo "$work/in"
	exec 4<>"$work/in"
	echo typed >&4
	script -qec "stty rows 20 cols 60; dash '$top/runX' run --bundle '$bundle' c1" /dev/null <&4 >"$work/out" 3>&- 4>&-
	exec 4>&-
	tr -d '\r' <"$work/out" | grep -x '20 60'
	tr -d '\r' <"$work/out" | grep -x 'got typed'
}

# As runc does it: the container's terminal leaves CR LF to the caller's.
@test "standin: in the foreground a newline is LF in a file, and CR LF on the caller's terminal" {
	config '.process.terminal = true'
	command_is sh -c 'echo one; echo two'
	mkfifo "$work/in"
	exec 4<>"$work/in"
	timeout 30 script -qec "dash '$top/runX' run --bundle '$bundle' c1 >'$work/file'" /dev/null <&4 >/dev/null 3>&- 4>&-
	timeout 30 script -qec "dash '$top/runX' run --bundle '$bundle' c1" /dev/null <&4 >"$work/terminal" 3>&- 4>&-
	exec 4>&-
	cmp "$work/file" - <<<$'one\ntwo'
	cmp "$work/terminal" - <<<$'one\r\ntwo\r'
}

@test "standin: pause stops all, and resume lets it go on" {
	begin sleep 1000
	runX pause c1
	[ "$(runX state c1 | jq -r .status)" = paused ]
	runX resume c1
	run --separate-stderr runX exec c1 echo on </dev/null 3>&-
	[ "$output" = on ]
}

@test "standin: the guest's clock is the host's from its HELLO on" {
	faults clock=7200
	begin sleep 1000
	shown 0 "$STANDIN/guest-clock"
}

@test "standin: the host's clock is set: the guest's clock follows before the next exec, back too" {
	local seconds
	own_clock
	begin sleep 1000
	for seconds in 7200 0 -7200; do
		set_clock $seconds
		runX exec c1 true </dev/null 3>&-
		# A machine that is busy takes a moment between the time and its setting.
		[ $(($(tail -n 1 "$STANDIN/guest-clock") - seconds)) -ge -5 ]
		shown $seconds "$STANDIN/guest-clock"
	done
}

@test "standin: a VM that is paused while the host's clock is set has the right time soon after resume" {
	own_clock
	begin sleep 1000
	runX pause c1
	set_clock 7200
	sleep 1.6 # the time that it finds is as old
	runX resume c1
	shown 7200 "$STANDIN/guest-clock"
	grep -xE '719[0-8]' "$STANDIN/guest-clock"
}

@test "standin: a clock that is set 200 times while the VM is paused ends up right, by a few frames" {
	local n
	own_clock
	begin sleep 1000
	runX exec c1 true </dev/null 3>&-
	runX pause c1
	for ((n = 1; n <= 200; n++)); do
		set_clock $((n * 100))
	done
	runX resume c1
	shown 20000 "$STANDIN/guest-clock"
	[ "$(wc -l <"$STANDIN/guest-clock")" -lt 20 ]
}

@test "standin: output before the process was executed ends the container" {
	faults early
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	run runX start c1
	[ "$status" -eq 1 ]
	ended 'the VM broke the console protocol (see docs/guest-interface.md)'
}

@test "standin: a guest that hears no signal: SIGKILL ends it" {
	faults no-signal
	begin sleep 1000
	runX kill c1 KILL
	ended 'killed by signal 9'
}

@test "standin: a guest that crashes after its start" {
	faults crash
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	run runX start c1
	gone c1
	# The proxy may hear of the crash before it reads what the VM said.
	[[ $(cat "$RUNX_ROOT/c1/ended") == 'the VM crashed '* ]]
}

@test "standin: a guest that cannot start its process: words without control bytes" {
	faults failed
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	run runX start c1
	[ "$status" -eq 1 ]
	[[ $output == *'such thing'* ]]
	[[ $output != *$'\033'* ]]
	gone c1
}

@test "standin: a frame out of order ends the container" {
	faults reorder
	command_is echo hello
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	run runX start c1
	ended 'the VM broke the console protocol (see docs/guest-interface.md)'
}

@test "standin: another domain's end does not disturb" {
	begin sleep 1000
	"$top/out/standin/bin/xl" release
	run --separate-stderr runX exec c1 echo hello </dev/null 3>&-
	[ "$output" = hello ]
}

@test "standin: a domain destroyed from outside" {
	begin sleep 1000
	"$top/out/standin/bin/xl" destroy 1
	ended 'the VM was destroyed from outside'
}

@test "standin: an xl create that fails leaves nothing" {
	command_is echo hello
	xl_fault create fail
	run runX create --bundle "$bundle" c1 </dev/null 3>&-
	[ "$status" -eq 1 ]
	[[ $output == *'Resource temporarily unavailable'* ]]
	[ ! -e "$RUNX_ROOT/c1" ]
}

# left_by PATTERN: ends with 0 if no process of this test with this command line is left, which may take a moment
left_by() {
	timeout 20 sh -c 'while pgrep -f "$1" >/dev/null; do :; done' sh "$1"
}

@test "standin: a start that is told to end while its xl hangs ends at once, and so do its xl and its VM" {
	local rc=0
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	xl_fault unpause hang
	runX start c1 3>&- &
	timeout 20 sh -c 'tail -n +1 -f "$1" | grep -qm 1 "^xl unpause"' sh "$STANDIN/calls" 3>&-
	kill -TERM "$(pgrep -f "^dash .*$work/log start c1")"
	wait $! || rc=$?
	[ "$rc" -eq 143 ]
	ended 'killed by signal 9'
}

@test "standin: an exec that is killed before its process runs leaves no program and no process" {
	begin sleep 1000
	runX pause c1
	runX exec --ignore-paused --detach c1 sleep 2000 </dev/null 3>&- &
	timeout 20 sh -c 'until pgrep -f "^$1/exec .*$2/" >/dev/null; do :; done' sh "$RUNX_LIBEXEC" "$work"
	kill -KILL "$(pgrep -f "^dash .*$work/log exec .* c1")"
	left_by "^$RUNX_LIBEXEC/exec .*$work/"
	runX resume c1
	run --separate-stderr runX exec c1 echo on </dev/null 3>&-
	[ "$output" = on ]
	left_by '^sleep 2000$'
	[ -z "$(cd "$RUNX_ROOT/c1" && ls | grep '^exec')" ]
}

@test "standin: SIGKILL ends a VM whose output nobody reads, and the container is stopped" {
	local unread
	mkfifo "$work/pipe"
	exec {unread}<>"$work/pipe"
	command_is sh -c 'cat /dev/zero'
	runX create --bundle "$bundle" c1 </dev/null >"$work/pipe" 2>"$work/err" 3>&-
	runX start c1
	# FIONREAD: until the pipe is full
	timeout 20 perl -e 'do { ioctl(STDIN, 0x541b, $n) } until unpack("i", $n) >= 65000' <&"$unread" 3>&-
	PATIENCE=10 runX kill c1 KILL
	ended 'killed by signal 9'
	[ "$(runX state c1 | jq -r .status)" = stopped ]
	exec {unread}>&-
}

@test "standin: a create that is killed while nobody accepts its terminal can be deleted at once" {
	local listener
	config '.process.terminal = true'
	command_is sleep 1000
	# One connection fits into the queue, and the proxy waits behind it.
	perl -MSocket -e 'socket(L, AF_UNIX, SOCK_STREAM, 0); bind(L, sockaddr_un($ARGV[0])); listen(L, 0);
		socket(C, AF_UNIX, SOCK_STREAM, 0); connect(C, sockaddr_un($ARGV[0])); open(R, ">$ARGV[0].ready"); sleep 1000' "$work/socket" 3>&- &
	listener=$!
	timeout 20 sh -c 'until [ -f "$1" ]; do :; done' sh "$work/socket.ready"
	runX create --bundle "$bundle" --console-socket "$work/socket" c1 </dev/null 3>&- &
	timeout 20 sh -c 'until [ -f "$1" ]; do :; done' sh "$RUNX_ROOT/c1/proxy"
	kill -KILL "$(pgrep -f "^dash .*$work/log create")"
	PATIENCE=10 runX delete --force c1
	[ ! -e "$RUNX_ROOT/c1" ]
	kill "$listener"
}

@test "standin: clients that say nothing keep nobody waiting" {
	local silent
	begin sh -c 'trap "echo caught" TERM; echo ready; while :; do sleep 0.1; done'
	shown ready
	perl -MSocket -e 'for (1 .. 3) { socket($s[$_], AF_UNIX, SOCK_SEQPACKET, 0); connect($s[$_], sockaddr_un($ARGV[0])) or die }
		open(R, ">$ARGV[1]"); sleep 1000' "$RUNX_ROOT/c1/control" "$work/silent" 3>&- &
	silent=$!
	timeout 20 sh -c 'until [ -f "$1" ]; do :; done' sh "$work/silent"
	# A silent client has 5 s. Nobody waits for that.
	PATIENCE=4 runX kill c1
	shown caught
	kill "$silent"
}

# kill waits 10 s for the answer of a proxy (CLIENT_SECONDS).
@test "standin: of a proxy that is stopped, state tells what is known, and KILL ends the container" {
	local pid
	begin sleep 1000
	read -r _ pid _ <"$RUNX_ROOT/c1/proxy"
	kill -STOP "$pid"
	[ "$(PATIENCE=5 runX state c1 | jq -r .status)" = running ]
	runX kill c1 KILL
	PATIENCE=20 runX delete c1
	[ ! -e "$RUNX_ROOT/c1" ]
}

# server ID: the pid of its file server
server() {
	local pid
	read -r _ pid _ <"$RUNX_ROOT/$1/files"
	echo "$pid"
}

@test "standin: the file server is confined, and alone" {
	local pid
	begin sleep 1000
	pid=$(server c1)
	runX exec c1 true </dev/null 3>&-
	[ "$(sed -n 's/^\(NoNewPrivs\|Seccomp\|CapEff\|CapBnd\|NSpid\):[^0-9]*//p' "/proc/$pid/status" | xargs)" = \
		"$pid 1 00000000880000df 00000000880000df 1 2" ]
	[ "$(awk '{ print $5 }' "/proc/$pid/mountinfo" | xargs)" = '/ /0' ]
	# Nothing is open but /dev/null, its shares and its own event channels.
	[ "$(readlink "/proc/$pid"/fd/* | grep -cvE '^(/null|/|/0.*|socket:.*)$')" -eq 0 ]
}

@test "standin: a bind mount is a second 9pfs device" {
	config ".mounts += [{destination: \"/data\", type: \"bind\", source: \"$work\", options: [\"rbind\"]}]"
	begin echo hello
	ended 'exited with status 0'
	[ "$(cat "$work/out")" = hello ]
}

@test "standin: a file server that is killed ends its container" {
	begin sleep 1000
	kill -9 "$(server c1)"
	ended 'the file server of the VM crashed or was killed'
}

@test "standin: a file server that is killed before start" {
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	kill -9 "$(server c1)"
	gone c1
	run runX start c1 3>&-
	[ "$status" -eq 1 ]
	[ "$(cat "$RUNX_ROOT/c1/ended")" = 'the file server of the VM crashed or was killed' ]
}

@test "standin: a VM that breaks the rules of a 9P ring" {
	local fault
	command_is sleep 1000
	while IFS=/ read -r fault words; do
		faults "$fault"
		runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
		run runX start c1 3>&-
		[ "$status" -eq 1 ]
		[[ $output == *"$words"* ]]
		ended "$words"
		runX delete c1
		config 'del(.process.env[-1])'
	done <<-END
		nine-size/the VM broke the rules of a 9P ring: the size of a request makes no sense
		nine-index/the VM broke the rules of a 9P ring: an index of it makes no sense
		nine-order/the VM's 9pfs driver wrote what makes no sense to xenstore
	END
}

@test "standin: a file server without a guardian ends with its domain" {
	local pid
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	pid=$(server c1)
	# Both are ended before the guardian can do anything.
	kill -9 $(pgrep -f "^[^ ]*/proxy .*$work")
	"$top/out/standin/bin/xl" destroy 1
	await "$pid"
}

@test "standin: delete ends the file server of a container that has no guardian" {
	local pid
	begin sleep 1000
	pid=$(server c1)
	kill -9 $(pgrep -f "^[^ ]*/proxy .*$work")
	runX delete --force c1
	is_gone "$pid"
}

is_gone() {
	! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

@test "standin: a caller with few descriptors gets a container that takes many execs" {
	local n
	command_is sleep 1000
	(ulimit -S -n 40 && runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-)
	runX start c1
	for n in 1 2 3 4 5 6 7 8; do
		PATIENCE=20 runX exec --detach c1 sleep 1000 </dev/null 3>&-
	done
	PATIENCE=20 runX kill c1 KILL
	ended 'killed by signal 9'
}
