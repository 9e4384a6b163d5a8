#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults of runX that were found over the stand-in of Xen, and are mended. Each test fails without its mend.
bats_require_minimum_version 1.5.0
load cases

@test "standin: two execs at once, each with 1 MB through cat" {
	local n
	begin sleep 1000
	head -c 1000000 /dev/urandom >"$work/in"
	for n in 1 2; do
		PATIENCE=5 runX exec c1 cat <"$work/in" >"$work/out.$n" 3>&- &
	done
	wait
	for n in 1 2; do
		cmp "$work/in" "$work/out.$n"
	done
}

@test "standin: eight execs at once, each with 1 MB through cat" {
	local n
	begin sleep 1000
	head -c 1000000 /dev/urandom >"$work/in"
	for n in 1 2 3 4 5 6 7 8; do
		PATIENCE=10 runX exec c1 cat <"$work/in" >"$work/out.$n" 3>&- &
	done
	wait
	for n in 1 2 3 4 5 6 7 8; do
		cmp "$work/in" "$work/out.$n"
	done
}

@test "standin: a guest that boots at once is heard, 60 times" {
	local n
	for ((n = 0; n < 60; n++)); do
		PATIENCE=30 begin true
		gone c1
		runX delete c1
	done
}

@test "standin: another domain ends just when the guest's console appears" {
	faults race
	PATIENCE=30 begin true
	ended 'exited with status 0'
}

# The guest's PONG would have spared the question.
@test "standin: while an xl hangs that was asked whether the guest lives, the proxy hears a kill" {
	local asked
	faults no-pong
	begin sleep 1000
	xl_fault list hang
	"$top/out/standin/bin/xl" release
	timeout 20 sh -c 'while [ -s "$1" ]; do sleep 0.05; done' sh "$STANDIN/fault.list"
	asked=$(pgrep -P "$(proxy c1)" -x xl)
	PATIENCE=5 runX kill c1 KILL
	ended 'killed by signal 9'
	kill "$asked"
}

@test "standin: whichever standard stream of the caller is closed, a container is made, runs, and ends" {
	local closed
	command_is sleep 1000
	for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
		eval "runX create --bundle '$bundle' c1 3>&- $closed"
		eval "runX start c1 $closed"
		eval "runX exec c1 true 3>&- $closed"
		eval "runX kill c1 KILL $closed"
		ended 'killed by signal 9'
		eval "runX delete c1 $closed"
		nothing_left
	done
}

@test "standin: an xl destroy that fails once is tried again" {
	begin sleep 1000
	xl_fault destroy fail
	runX kill c1 KILL
	gone c1
	[ "$("$top/out/standin/bin/xl" list | wc -l)" -eq 1 ]
}

@test "standin: of two starts one wins, and its container runs" {
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	xl_fault unpause 'slow 100' 'slow 100'
	runX start c1 3>&- &
	run runX start c1 3>&-
	wait $! || [ "$status" -eq 0 ]
	[ "$(runX state c1 | jq -r .status)" = running ]
}

@test "standin: a stdin that cannot be read: the process sees its end, and stderr says why" {
	command_is sh -c 'cat; echo end'
	run --separate-stderr runX run --bundle "$bundle" c1 </tmp 3>&-
	[ "$status" -eq 0 ]
	[ "$output" = end ]
	# shellcheck disable=SC2154 # run's
	[ "$stderr" = "runX: cannot read the process's stdin (Is a directory), so it ends here" ]
}

# sweep race --seed 30228: create, and 43 ms later delete --force
@test "standin: a create that is deleted before it has its claim says so" {
	local created
	mkdir "$work/libexec"
	ln -s "$RUNX_LIBEXEC"/* "$work/libexec/"
	rm "$work/libexec/claim"
	mkfifo "$work/came" "$work/go"
	# The first claim is that of create.
	cat >"$work/libexec/claim" <<-END
		#!/bin/sh
		! mkdir "$work/first" 2>/dev/null || { echo >"$work/came" && read -r _ <"$work/go"; }
		exec "$RUNX_LIBEXEC/claim" "\$@"
	END
	chmod 755 "$work/libexec/claim"
	command_is sleep 1000
	RUNX_LIBEXEC=$work/libexec runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&- &
	created=$!
	read -r _ <"$work/came"
	runX delete --force c1
	echo >"$work/go"
	! wait $created || return 1
	grep -qx 'runX: container c1: somebody deleted it while it was created' "$work/err"
}

# sweep kill --seed 8: create, its guardian killed
@test "standin: where a guardian is killed, delete removes the console's nodes" {
	local guardian
	begin sleep 1000
	guardian=$(pgrep -f "/proxy .*$work" | grep -vx "$(proxy c1)")
	kill -9 "$guardian" "$(proxy c1)"
	await "$guardian"
	"$top/out/standin/bin/xl" nodes | grep -q /backend/runx/1/
}

# sweep fault --seed 4: delete, EIO at the wait4 of hook
@test "standin: the program hook ends, whichever of its calls fails" {
	local n=0 rc
	until [ $n -gt 0 ] && [ ! -f "$work/tripped" ]; do
		n=$((n + 1)) rc=0
		rm -f "$work/tripped"
		timeout 10 "$top/out/standin/trip" -r "$work/tripped" fail $n 5 "$RUNX_LIBEXEC/hook" /bin/true true </dev/null 2>&1 3>&- || rc=$?
		[ $rc -ne 124 ]
	done
	[ $n -gt 10 ]
}

# sweep race --seed 130007: start in an engine's namespace, and 33 ms later kill
@test "standin: a hotplug script that works on when its domain is gone leaves no nodes" {
	run env XENBUS_PATH=backend/vbd/77/51712 "$RUNX_LIBEXEC/block" add
	[ "$status" -ne 0 ]
	run env XENBUS_PATH=backend/vif/77/0 vif=vif77.0 "$RUNX_LIBEXEC/vif" online
	[ "$status" -ne 0 ]
	"$top/out/standin/bin/xl" nodes | grep -c 77 | grep -qx 0
}

# sweep kill --seed 1057: start, SIGPIPE to the command as it made its mark
@test "standin: a start that SIGPIPE ends leaves a container that can be started" {
	local n=0 rc=1
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	until [ $rc -eq 0 ]; do
		[ "$(runX state c1 | jq -r .status)" = created ]
		n=$((n + 1)) rc=0
		timeout 30 "$top/out/standin/trip" -s 13 kill $n command dash "$top/runX" start c1 3>&- || rc=$?
	done
	[ $n -gt 5 ]
	[ "$(runX state c1 | jq -r .status)" = running ]
}

# sweep fault --seed 1155: exec in the foreground, EINTR at foreground's signalfd
@test "standin: a run in the foreground that cannot hear signals fails and says why" {
	command_is true
	run timeout 20 "$top/out/standin/trip" fail 1 24 dash "$top/runX" run --bundle "$bundle" c1 </dev/null 3>&-
	[ "$status" -eq 1 ]
	[ "$output" = 'runX: cannot wait for signals: Too many open files' ]
}

# sweep fault --seed 30080: delete, EMFILE as network looks up the engine's interface
@test "standin: an interface that cannot be looked up is not taken for one that is gone" {
	: >"$work/ns"
	unshare --net="$work/ns" true
	nsenter --net="$work/ns" ip link add eth0 type veth peer name peer0
	# Descriptor 3 is for the namespace and then for netlink. None is left for the look at the name.
	run prlimit --nofile=4 "$top/out/$(uname -m)/network" restore "$work/ns" 7 eth0 3>&-
	umount "$work/ns"
	[ "$status" -eq 125 ]
	[[ $output == 'network interface eth0: cannot remove its rules of traffic control: '* ]]
}

# sweep kill --seed 1292 (of then): the xl of a pause is killed after Xen has paused the VM
@test "standin: a pause or resume whose xl fails late leaves no VM that stands still while it counts as running" {
	begin sleep 1000
	xl_fault pause late
	run runX pause c1 3>&-
	[ "$status" -eq 1 ]
	[[ $output == 'runX: container c1: xl cannot pause its domain '* ]]
	[ "$(runX state c1 | jq -r .status)" = running ]
	PATIENCE=10 runX exec c1 true 3>&-

	xl_fault pause late
	xl_fault unpause fail
	run runX pause c1 3>&-
	[ "$status" -eq 1 ]
	[[ $output == 'runX: container c1: xl can neither pause its domain '* ]]
	[ "$(runX state c1 | jq -r .status)" = paused ]

	xl_fault unpause late
	run runX resume c1 3>&-
	[ "$status" -eq 1 ]
	runX resume c1
	PATIENCE=10 runX exec c1 true 3>&-
}

@test "standin: under ulimit -f a verb fails with a sentence, and cleans up" {
	local blocks
	for blocks in 0 1; do
		run bash -c 'ulimit -f $1; shift; exec "$@"' bash $blocks dash "$top/runX" create --bundle "$bundle" c1 </dev/null 3>&-
		[ "$status" -eq 1 ]
		[[ $output == 'runX: '* ]]
		nothing_left
	done
}

@test "standin: an exec whose description has 1 MB" {
	begin sleep 1000
	jq -nc '{args: ["sh", "-c", "echo ${#A9}"], cwd: "/", env: ([range(10) | "A\(.)=" + "x" * 100000] + ["PATH=/bin:/usr/bin"])}' >"$work/process.json"
	# Not by run: where this hangs, the proxy keeps its output open.
	PATIENCE=10 runX exec --process "$work/process.json" c1 </dev/null >"$work/execed" 3>&-
	[ "$(cat "$work/execed")" = 100000 ]
}
