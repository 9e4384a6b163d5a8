#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# start, state, kill and delete: each in every state, with stand-ins for xl and the proxy.

load helpers

in_state() {
	local pid
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	case $1 in
	running | stopped) runX start c1 && succeeds ;;
	esac
	[ "$1" != stopped ] || end_process "$pid"
}

# The stand-in's sleep is nobody's child that we could wait for.
end_process() {
	kill -9 "$1"
	tail --pid="$1" -f /dev/null
}

expect() { # STATE VERB-AND-ARGUMENTS WORDS-OF-THE-ERROR-OR-NOTHING
	in_state "$1"
	: >"$FAKE/calls"
	# shellcheck disable=SC2086 # a verb and its words
	runX $2
	if [ -n "$3" ]; then
		fails_with "$3"
		[ "$(calls xl)" -eq 0 ]
	else
		succeeds
	fi
	[ -z "$3" ] || [ -d "$RUNX_ROOT/c1" ]
}

state_is() {
	runX state c1
	succeeds
	[ "$(jq -r .status <<<"$output")" = "$1" ]
}

@test "state: created" { in_state created && state_is created; }
@test "state: running" { in_state running && state_is running; }

@test "state: stopped, with pid 0" {
	in_state stopped
	state_is stopped
	[ "$(jq .pid <<<"$output")" -eq 0 ]
}

@test "state: a pid that belongs to another process by now is not the container's" {
	in_state running
	cp "$RUNX_ROOT/c1/proxy" "$BATS_TEST_TMPDIR/proxy"
	sed 's/[0-9]*$/1/' "$BATS_TEST_TMPDIR/proxy" >"$RUNX_ROOT/c1/proxy"
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

@test "start: created runs" {
	expect created 'start c1' ''
	[ "$(calls 'xl unpause 7')" -eq 1 ]
	[ "$(calls 'control start')" -eq 1 ]
	state_is running
}
@test "start: running is refused" { expect running 'start c1' 'cannot start an already running container'; }
@test "start: stopped is refused" { expect stopped 'start c1' 'cannot start a container that has stopped'; }
@test "start: unknown is refused" { runX start c9 && false || fails_with 'container does not exist'; }

@test "start: the guest's own words for what it cannot execute" {
	in_state created
	export CONTROL_SAYS='exec: "/bin/sh": exec format error'
	runX start c1
	fails_with 'runX start failed: exec: "/bin/sh": exec format error'
}

@test "kill: created takes a signal" { expect created 'kill c1' '' && [ "$(calls 'control signal 15')" -eq 1 ]; }
@test "kill: running takes KILL by number" { expect running 'kill c1 9' '' && [ "$(calls 'control signal 9')" -eq 1 ]; }
@test "kill: running takes a name" { expect running 'kill c1 SIGUSR1' '' && [ "$(calls 'control signal 10')" -eq 1 ]; }
@test "kill: stopped is refused in the words of engines" { expect stopped 'kill c1 9' 'container not running'; }
@test "kill: --all on stopped is done" { expect stopped 'kill --all c1 9' ''; }
@test "kill: unknown container" { runX kill c9 && false || fails_with 'container does not exist'; }
@test "kill: unknown signal" { expect running 'kill c1 FOO' 'unknown signal: FOO'; }
@test "kill: signal 0 and 65" {
	expect running 'kill c1 0' 'unknown signal: 0'
	runX kill c1 65
	fails_with 'unknown signal: 65'
}

@test "delete: created goes, as under runc" { expect created 'delete c1' '' && nothing_left; }
@test "delete: running is refused" { expect running 'delete c1' 'that is not stopped: running'; }
@test "delete: running goes by force" { expect running 'delete --force c1' '' && nothing_left; }
@test "delete: stopped goes" { expect stopped 'delete c1' '' && nothing_left; }
@test "delete: unknown is refused" { runX delete c9 && false || fails_with 'container does not exist'; }
@test "delete: unknown by force is done" { runX delete --force c9 && succeeds; }

@test "delete: what a killed create left goes by force, its domain too" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
	runX delete c1
	fails_with 'that is not stopped: creating'
	runX delete --force c1
	succeeds
	grep -q '^xl destroy 7$' "$FAKE/calls"
	nothing_left
}

@test "delete: a domain of another container with our number is left alone" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 >"$RUNX_ROOT/c1/uuid"
	echo 99999999-2222-3333-4444-555555555555 >"$FAKE/domains"
	runX delete --force c1
	succeeds
	[ "$(calls 'xl destroy')" -eq 0 ]
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
