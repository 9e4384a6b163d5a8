#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What start does to a container, with stand-ins for xl and the proxy. states.bats tests in which states it works.

load helpers

@test "start: it calls xl unpause, and tells the proxy" {
	in_state created
	runX start c1
	succeeds
	[ "$(calls 'xl unpause 7')" -eq 1 ]
	[ "$(calls 'control start')" -eq 1 ]
}

@test "start: if the guest cannot execute the program, the error has the guest's words" {
	in_state created
	export CONTROL_SAYS='exec: "/bin/sh": exec format error'
	runX start c1
	fails_with 'runX start failed: exec: "/bin/sh": exec format error'
}

@test "start: a process that has ended before start asks the proxy counts as started" {
	in_state created
	export CONTROL_SAYS=gone
	echo 'exited with status 3' >"$RUNX_ROOT/c1/ended"
	runX start c1
	succeeds
	echo 'the VM crashed while it booted' >"$RUNX_ROOT/c1/ended"
	rm "$RUNX_ROOT/c1/started"
	runX start c1
	fails_with 'runX start failed: the VM crashed while it booted'
}

@test "start: a VM that ended before its proxy was asked tells its reason" {
	in_state created
	control_ends 2
	runX start c1
	fails_with 'runX start failed: the proxy of container c1 died before the process ran'
	echo 'the VM crashed while it booted' >"$RUNX_ROOT/c1/ended"
	rm "$RUNX_ROOT/c1/started"
	runX start c1
	fails_with 'runX start failed: the VM crashed while it booted'
}

@test "start: a failed start ends the container, a refused one does not" {
	in_state created
	export XL_FAIL=unpause
	runX start c1
	fails_with 'container c1: xl cannot unpause its domain 7'
	[ "$(tail -n 2 "$FAKE/calls" | xargs)" = 'control signal 9 control wait 60' ]
	: >"$FAKE/calls"
	runX start c1
	fails_with 'cannot start an already running container'
	[ "$(calls control)" -eq 0 ]
}
