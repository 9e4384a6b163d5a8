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
		PATIENCE=5 begin true
		gone c1
		runX delete c1
	done
}

@test "standin: another domain ends just when the guest's console appears" {
	faults race
	PATIENCE=5 begin true
	ended 'exited with status 0'
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
