#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What state prints and costs, with stand-ins for xl and the proxy. states.bats has its output in each state.

load helpers

@test "state: stopped, if it was killed while it was paused" {
	in_state paused
	end_process "$(cat "$BATS_TEST_TMPDIR/pid")"
	state_is stopped
}

@test "state: stopped, with pid 0" {
	in_state stopped
	state_is stopped
	[ "$(jq .pid <<<"$output")" -eq 0 ]
}

@test "state: a pid that now belongs to another process does not count" {
	in_state running
	cp "$RUNX_ROOT/c1/proxy" "$BATS_TEST_TMPDIR/proxy"
	sed 's/[0-9]*$/1/' "$BATS_TEST_TMPDIR/proxy" >"$RUNX_ROOT/c1/proxy"
	: >"$RUNX_ROOT/c1/destroyed"
	state_is stopped
	cp "$BATS_TEST_TMPDIR/proxy" "$RUNX_ROOT/c1/proxy"
}

@test "state: starts no process" {
	in_state running
	printf '#!/bin/sh\necho jq >>"$FAKE/calls"\n' >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	: >"$FAKE/calls"
	runX state c1
	succeeds
	[ ! -s "$FAKE/calls" ]
}

@test "state, events, list: what cannot be written to stdout is an error with a sentence" {
	local words
	in_state running
	for words in 'state c1' 'events --stats c1' list; do
		# shellcheck disable=SC2086 # words
		run bash -c '"$@" 2>&1 >/dev/full' bash "$top/runX" $words </dev/null 3>&-
		[ "$status" -eq 1 ]
		[[ $output == 'runX: '*'cannot write '*' to stdout' ]]
	done
}
