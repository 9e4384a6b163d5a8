#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is done to a container: each verb in every state, with stand-ins for xl and the proxy.

load helpers

state_is() {
	runX state c1
	succeeds
	[ "$(jq -r .status <<<"$output")" = "$1" ]
}

@test "state: created" { in_state created && state_is created; }
@test "state: running" { in_state running && state_is running; }
@test "state: paused" { in_state paused && state_is paused; }

@test "state: stopped, when it was killed while paused" {
	in_state paused
	end_process "$(cat "$BATS_TEST_TMPDIR/pid")"
	state_is stopped
}

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
@test "start: paused is refused" { expect paused 'start c1' 'cannot start a container that is paused'; }
@test "start: unknown is refused" { runX start c9 && false || fails_with 'container does not exist'; }

@test "start: the guest's own words for what it cannot execute" {
	in_state created
	export CONTROL_SAYS='exec: "/bin/sh": exec format error'
	runX start c1
	fails_with 'runX start failed: exec: "/bin/sh": exec format error'
}

@test "start: a process that ended before its proxy was asked did start" {
	in_state created
	export CONTROL_SAYS=gone
	echo 'exited with status 3' >"$RUNX_ROOT/c1/ended"
	runX start c1
	succeeds
	echo 'the VM crashed while it booted' >"$RUNX_ROOT/c1/ended"
	rm "$RUNX_ROOT/c1/started"
	runX start c1
	fails_with 'runX start failed: gone'
}

@test "kill: created takes a signal" { expect created 'kill c1' '' && [ "$(calls 'control signal 15')" -eq 1 ]; }
@test "kill: running takes KILL by number" { expect running 'kill c1 9' '' && [ "$(calls 'control signal 9')" -eq 1 ]; }
@test "kill: running takes a name" { expect running 'kill c1 SIGUSR1' '' && [ "$(calls 'control signal 10')" -eq 1 ]; }
@test "kill: paused takes KILL" { expect paused 'kill c1 9' '' && [ "$(calls 'control signal 9')" -eq 1 ]; }
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
@test "delete: paused is refused" {
	expect paused 'delete c1' 'that is not stopped: paused'
}
@test "delete: paused goes by force" { expect paused 'delete --force c1' '' && nothing_left; }
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

# xl_that SAYS: an xl that says this on stderr, and succeeds all the same, as xl pause and unpause do
xl_that() {
	rm "$FAKE/bin/xl"
	printf '%s\n' '#!/bin/sh' 'echo "xl $*" >>"$FAKE/calls"' "echo '$1' >&2" >"$FAKE/bin/xl"
	chmod 755 "$FAKE/bin/xl"
}

@test "pause: running" {
	expect running 'pause c1' ''
	[ "$(calls 'xl pause 7')" -eq 1 ]
	state_is paused
}
@test "pause: created is refused" { expect created 'pause c1' 'container not running'; }
@test "pause: stopped is refused" { expect stopped 'pause c1' 'container not running'; }
@test "pause: paused is refused" { expect paused 'pause c1' 'container c1: container paused already'; }
@test "pause: unknown is refused" { runX pause c9 && false || fails_with 'container does not exist'; }

@test "pause: what xl cannot pause is not paused" {
	in_state running
	XL_FAIL=pause XL_SAYS='libxl: some noise' runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "pause: an xl that fails and ends with 0 is believed by its words" {
	in_state running
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_pause: Domain 7:Pausing domain: No such process'
	runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "resume: paused" {
	expect paused 'resume c1' ''
	[ "$(calls 'xl unpause 7')" -eq 1 ]
	state_is running
}
@test "resume: created is refused" { expect created 'resume c1' 'container not paused'; }
@test "resume: running is refused" { expect running 'resume c1' 'container not paused'; }
@test "resume: stopped is refused" { expect stopped 'resume c1' 'container not paused'; }
@test "resume: unknown is refused" { runX resume c9 && false || fails_with 'container does not exist'; }

@test "resume: what xl cannot unpause stays paused" {
	in_state paused
	XL_FAIL=unpause runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Permission denied'
	runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	state_is paused
}

@test "resume: takes the mark of a pause that was killed before Xen knew of it" {
	in_state paused
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Invalid argument'
	runX resume c1
	succeeds
	state_is running
}

# no_processes COMMAND…: makes runX fail where it starts one of them
no_processes() {
	local name
	for name; do
		rm -f "$FAKE/bin/$name"
		printf '%s\n' '#!/bin/sh' "echo $name >>\"\$FAKE/calls\"" 'exit 1' >"$FAKE/bin/$name"
		chmod 755 "$FAKE/bin/$name"
	done
	: >"$FAKE/calls"
}

@test "ps: as JSON the proxy, without a process, and nothing on stderr" {
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
@test "ps: created" { expect created 'ps --format json c1' ''; }
@test "ps: paused" { expect paused 'ps --format json c1' ''; }
@test "ps: stopped is refused" { expect stopped 'ps --format json c1' 'container not running'; }
@test "ps: unknown is refused" { runX ps c9 && false || fails_with 'container does not exist'; }
@test "ps: an unknown format is refused" { expect running 'ps --format xml c1' 'ps: unknown format: xml (table or json)'; }

@test "ps: as a table the header, and the proxy's line alone" {
	in_state running
	runX ps c1
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^UID\ +PID\ .*CMD ]]
	[[ ${lines[1]} =~ ^[^\ ]+\ +$(cat "$BATS_TEST_TMPDIR/pid")\ .*sleep\ 300 ]]
}

@test "ps: options after the id are those of ps" {
	in_state running
	runX ps c1 -e -o pid,comm
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} =~ ^\ *$(cat "$BATS_TEST_TMPDIR/pid")\ sleep$ ]]
}

@test "ps: options without a PID column, and such that ps refuses, are named" {
	in_state running
	runX ps c1 -e -o comm
	fails_with 'container c1: ps -e -o comm prints no column PID'
	runX ps c1 --nonsense
	fails_with 'container c1: ps --nonsense failed on the host'
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
