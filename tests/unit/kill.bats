#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What kill does to a container, with stand-ins for xl and the proxy. states.bats tests in which states it works.

load helpers

@test "kill: a proxy that is gone means that the container does not run" {
	in_state running
	control_ends 2
	runX kill c1
	fails_with 'container c1: container not running'
}

@test "kill, start: a helper that gives no reason is named, with its container" {
	in_state created
	control_ends 7
	runX kill c1
	[ "$output" = 'runX: container c1: control ended with status 7 and gave no reason (run it again with --debug)' ]
	runX start c1
	fails_with 'runX start failed: container c1: control ended with status 7 and gave no reason (run it again with --debug)'
}

@test "kill: TERM by default, a number, a name" {
	local words
	in_state created
	for words in :15 9:9 SIGUSR1:10 015:15 +9:9 +0009:9 00000000000000000000064:64; do
		# shellcheck disable=SC2086 # an empty one is no word
		runX kill c1 ${words%:*}
		succeeds
		[ "$(tail -n 1 "$FAKE/calls")" = "control signal ${words#*:}" ]
	done
}

@test "kill: signal 0 asks whether there is a process, and sends nothing" {
	local zero
	in_state running
	for zero in 0 000 +0; do
		runX kill c1 $zero
		succeeds
	done
	end_container
	runX kill c1 0
	fails_with 'container c1: container not running'
	runX kill --all c1 0
	succeeds
	[ "$(calls 'control signal')" -eq 0 ]
}

@test "kill: unknown signals" {
	local name
	in_state running
	for name in FOO 65 065 100 999999999999999999999 -1 + ++1 +-1 +TERM; do
		runX kill c1 $name
		fails_with "unknown signal: $name"
	done
	[ "$(calls 'control signal')" -eq 0 ]
}

@test "kill: names and numbers of all signals" {
	local name number=0
	in_state running
	for name in HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT \
		STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS; do
		number=$((number + 1))
		runX kill c1 "$name"
		succeeds
		[ "$(tail -n 1 "$FAKE/calls")" = "control signal $number" ]
	done
	for name in rtmin:34 SIGRTMIN+1:35 RTMAX-2:62 sigrtmax:64 cld:17 50:50; do
		runX kill c1 "${name%:*}"
		succeeds
		[ "$(tail -n 1 "$FAKE/calls")" = "control signal ${name#*:}" ]
	done
}
