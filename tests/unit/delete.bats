#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What delete does to a container, with stand-ins for xl and the proxy. states.bats tests in which states it works.

load helpers

@test "delete: --force removes what a killed create has left, its domain too" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
	runX delete c1
	fails_with 'that is not stopped: creating'
	runX delete --force c1
	succeeds
	grep -q '^xl destroy 7$' "$FAKE/calls"
	nothing_left
}

@test "delete: a domain that was renamed is found by its UUID" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
	export XL_NAME='my * VM 5'
	runX delete --force c1
	succeeds
	grep -q '^xl destroy 7$' "$FAKE/calls"
	nothing_left
}

@test "delete: a domain of another container is left alone" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 >"$RUNX_ROOT/c1/uuid"
	echo 99999999-2222-3333-4444-555555555555 >"$FAKE/domains"
	runX delete --force c1
	succeeds
	[ "$(calls 'xl destroy')" -eq 0 ]
}

@test "delete: if xl cannot list domains, the rest of a killed create stays; without Xen it is removed" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
	XL_FAIL=list XL_SAYS='libxl: error: no xenstore' runX delete --force c1
	fails_with 'xl cannot list the domains, so container c1 may still have one'
	[ -e "$RUNX_ROOT/c1/uuid" ]
	runX delete --force c1
	succeeds
	grep -q '^xl destroy 7$' "$FAKE/calls"
	nothing_left
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 >"$RUNX_ROOT/c1/uuid"
	RUNX_XENBUS=/nowhere XL_FAIL=list runX delete --force c1
	succeeds
	nothing_left
}

@test "delete: after a run in the foreground it says how a container ended whose process did not end by itself" {
	in_state stopped
	echo 'the VM ended without a word' >"$RUNX_ROOT/c1/ended"
	RUNX_FOREGROUND_ENDED=$(cat "$BATS_TEST_TMPDIR/pid") runX delete c1
	succeeds
	[ "$output" = 'runX: warning: container c1: the VM ended without a word' ]
	logged warning 'container c1: the VM ended without a word'
}

@test "delete: it says nothing of how the container ended where the status of run has told it, and to an engine" {
	local how
	for how in 'exited with status 3' 'killed by signal 9'; do
		in_state stopped
		echo "$how" >"$RUNX_ROOT/c1/ended"
		RUNX_FOREGROUND_ENDED=$(cat "$BATS_TEST_TMPDIR/pid") runX delete c1
		succeeds
		[ -z "$output" ]
	done
	in_state stopped
	echo 'the VM ended without a word' >"$RUNX_ROOT/c1/ended"
	runX delete c1
	succeeds
	[ -z "$output" ]
}

@test "delete: after a run in the foreground it leaves a new container of the name alone, and says nothing" {
	local state
	for state in created running paused stopped; do
		in_state $state
		RUNX_FOREGROUND_ENDED=1 runX delete c1
		succeeds
		[ -z "$output" ]
		state_is $state
		runX delete --force c1
		nothing_left
	done
	RUNX_FOREGROUND_ENDED=1 runX delete c1
	succeeds
	[ -z "$output" ]
	mkdir -p "$RUNX_ROOT/c1"
	RUNX_FOREGROUND_ENDED=1 runX delete c1
	succeeds
	[ -d "$RUNX_ROOT/c1" ]
}

@test "delete: after a run in the foreground no hook hears of that" {
	config ".hooks.poststop = [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"env >$FAKE/env\"]}]"
	in_state stopped
	RUNX_FOREGROUND_ENDED=$(cat "$BATS_TEST_TMPDIR/pid") runX delete c1
	succeeds
	! grep '^RUNX_FOREGROUND' "$FAKE/env" || return 1
	[ -s "$FAKE/env" ]
}
