#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What ps prints of a container, with stand-ins for xl and the proxy. states.bats tests in which states it works.

load helpers

# no_processes COMMAND…: from now on each start of these commands is recorded in $FAKE/calls, and fails
no_processes() {
	local name
	for name; do
		rm -f "$FAKE/bin/$name"
		printf '%s\n' '#!/bin/sh' "echo $name >>\"\$FAKE/calls\"" 'exit 1' >"$FAKE/bin/$name"
		chmod 755 "$FAKE/bin/$name"
	done
	: >"$FAKE/calls"
}

@test "ps: as JSON it prints the proxy's pid, starts no process, and prints nothing on stderr" {
	local words pid
	in_state running
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	no_processes ps jq xl
	for words in '--format json' '--format=json' '-f json'; do
		# shellcheck disable=SC2086 # an option and its value
		runX ps $words c1
		succeeds
		[ "$output" = "[$pid]" ]
	done
	[ ! -s "$FAKE/calls" ]
}

@test "ps: a stopped container has no process: the header, and null as JSON" {
	in_state stopped
	runX ps c1
	succeeds
	[ "${#lines[@]}" -eq 1 ]
	[[ $output =~ ^UID\ +PID\ .*CMD ]]
	runX ps --format json c1
	succeeds
	[ "$output" = null ]
}

@test "ps: an unknown format is refused" {
	in_state running
	runX ps --format xml c1
	fails_with 'ps: unknown format: xml (table or json)'
}

@test "ps: as a table it prints the header and the proxy's line" {
	in_state running
	runX ps c1
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^UID\ +PID\ .*CMD ]]
	[[ ${lines[1]} =~ ^[^\ ]+\ +$(cat "$BATS_TEST_TMPDIR/pid")\ .*sleep\ 300 ]]
}

@test "ps: words after the id are options of ps" {
	in_state running
	runX ps c1 -e -o pid,comm
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} =~ ^\ *$(cat "$BATS_TEST_TMPDIR/pid")\ sleep$ ]]
}

@test "ps: options of ps without a PID column, and options that ps refuses" {
	in_state running
	runX ps c1 -e -o comm
	fails_with 'container c1: ps -e -o comm prints no column PID'
	runX ps c1 --nonsense
	fails_with 'container c1: ps --nonsense failed on the host'
}
