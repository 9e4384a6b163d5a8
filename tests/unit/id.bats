#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Container ids: runX checks them first, because they become paths and names.

load helpers

@test "id: every command needs one" {
	local verb
	for verb in create start state kill delete; do
		runX "$verb"
		fails_with "container id: none given"
	done
}

@test "id: an empty one is refused" {
	runX create ''
	fails_with "container id cannot be empty"
}

@test "id: one that could lead out of the state directory is refused" {
	local id
	mkdir -p "$RUNX_ROOT" "$BATS_TEST_TMPDIR/victim"
	for id in ../victim . .. a/b /etc 'a b' 'a;b' 'ü' "$(printf 'a\nb')"; do
		runX delete --force "$id"
		[ "$status" -ne 0 ]
		[[ $output == *"invalid container ID format"* ]]
	done
	[ -d "$BATS_TEST_TMPDIR/victim" ]
}

@test "id: 300 characters are too many" {
	runX create --bundle "$bundle" "$(printf 'x%.0s' $(seq 300))"
	fails_with "invalid container ID format: 300 characters"
}

@test "id: digits alone are allowed, and xl does not take them as a domid" {
	runX create --bundle "$bundle" 3
	succeeds
	grep -q '^name = "rx-3' "$FAKE/xl.cfg"
}

@test "id: one that is in use is refused, and its container stays" {
	runX create --bundle "$bundle" c1
	succeeds
	runX create --bundle "$bundle" c1
	fails_with "container with given ID already exists"
	runX state c1
	succeeds
}
