#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What each verb does to a container, with stand-ins for xl and the proxy. states.bats tests which verb works in which state.

load helpers

state_is() {
	runX state c1
	succeeds
	[ "$(jq -r .status <<<"$output")" = "$1" ]
}

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

# control_ends STATUS: the helper control says nothing but this, except that it waits
control_ends() {
	rm "$FAKE/libexec/control"
	printf '#!/bin/sh\n[ "$2" = wait ] || exit %s\n' "$1" >"$FAKE/libexec/control"
	chmod 755 "$FAKE/libexec/control"
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

@test "kill: TERM by default, a number, a name" {
	local words
	in_state created
	for words in :15 9:9 SIGUSR1:10; do
		# shellcheck disable=SC2086 # an empty one is no word
		runX kill c1 ${words%:*}
		succeeds
		[ "$(tail -n 1 "$FAKE/calls")" = "control signal ${words#*:}" ]
	done
}

@test "kill: signal 0 asks whether there is a process, and sends nothing" {
	in_state running
	runX kill c1 0
	succeeds
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
	for name in FOO 65 -1; do
		runX kill c1 $name
		fails_with "unknown signal: $name"
	done
	[ "$(calls 'control signal')" -eq 0 ]
}

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

# xl_that SAYS: makes an xl that prints an error on stderr but ends with 0, as xl pause and unpause do
xl_that() {
	rm "$FAKE/bin/xl"
	printf '%s\n' '#!/bin/sh' 'echo "xl $*" >>"$FAKE/calls"' "echo '$1' >&2" >"$FAKE/bin/xl"
	chmod 755 "$FAKE/bin/xl"
}

@test "pause, resume: they call xl" {
	in_state paused
	[ "$(calls 'xl pause 7')" -eq 1 ]
	: >"$FAKE/calls"
	runX resume c1
	succeeds
	[ "$(cat "$FAKE/calls")" = 'xl unpause 7' ]
}

@test "pause: if xl fails, the container is not paused" {
	in_state running
	XL_FAIL=pause XL_SAYS='libxl: some noise' runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "pause: an error of xl counts even if xl ends with 0" {
	in_state running
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_pause: Domain 7:Pausing domain: No such process'
	runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "resume: if xl fails, the container stays paused" {
	in_state paused
	XL_FAIL=unpause runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Permission denied'
	runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	state_is paused
}

@test "resume: it removes the mark of a pause that was killed before it reached Xen" {
	in_state paused
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Invalid argument'
	runX resume c1
	succeeds
	state_is running
}

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
