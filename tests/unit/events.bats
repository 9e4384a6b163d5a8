#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX events: what it prints about a container, how often, and until when.

load helpers

@test "events: --stats prints once what Xen counts" {
	config '.linux.resources += {memory: {limit: 268435456}, pids: {limit: 42}}'
	in_state running
	runX events --stats c1
	succeeds
	[ "${#lines[@]}" -eq 1 ]
	[ "$(jq -c . <<<"$output")" = '{"type":"stats","id":"c1","data":{"cpu":{"usage":{"total":100000000},"throttling":{}},"memory":{"usage":{"limit":301989888,"usage":134217728}},"pids":{"limit":42}}}' ]
	[ "$(calls 'control wait')" -eq 0 ]
}

@test "events: large CPU times, and no limit of processes" {
	in_state running
	XL_TIME=12345678.9 runX events --stats c1
	succeeds
	[ "$(jq -c '.data.cpu.usage, .data.pids' <<<"$output")" = $'{"total":12345678900000000}\n{}' ]
}

@test "events: it prints at every interval until the container ends" {
	in_state running
	printf '%s\n' 1 2 >"$FAKE/waits"
	: >"$FAKE/calls"
	runX events c1
	succeeds
	[ "${#lines[@]}" -eq 3 ]
	[ "$(jq -r .type <<<"$output" | xargs)" = 'stats stats stats' ]
	[ "$(calls 'control wait 5$')" -eq 3 ]
}

@test "events: intervals in Go's notation" {
	local pair
	in_state running
	for pair in 5s=5 1m30s=90 1h=3600 100ms=1 1500ms=2 1ns=1 2s1ms=3 08s=8; do
		: >"$FAKE/calls"
		runX events --interval "${pair%=*}" c1
		succeeds
		[ "$(calls "control wait ${pair#*=}$")" -eq 1 ]
	done
}

@test "events: bad intervals" {
	local interval
	in_state running
	for interval in 0 0s ''; do
		runX events --interval "$interval" c1
		fails_with 'duration interval must be greater than 0'
	done
	for interval in 5 s -5s 5x '5 s' 1s2 99999999999s; do
		runX events "--interval=$interval" c1
		fails_with 'events: not a duration'
	done
}

@test "events: a container that ends meanwhile is no error; a missing domain is one" {
	in_state running
	: >"$FAKE/domains"
	XL_FAIL=list runX events c1
	fails_with 'container c1: xl list does not show its domain 7'
	printf '%s\n' '#!/bin/bash' "$(declare -f end_process)" "end_process $(cat "$BATS_TEST_TMPDIR/pid")" 'exit 1' >"$FAKE/bin/end"
	chmod 755 "$FAKE/bin/end"
	ln -sf end "$FAKE/bin/xl"
	runX events c1
	succeeds
	[ -z "$output" ]
}
