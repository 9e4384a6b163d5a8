#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The result of each operation in every state of a container, with stand-ins for all that needs Xen.
#
# ok: it succeeds, and the state stays. =STATE: it succeeds, and STATE is the new state. Another word: it fails with the
# text that states.bash has for the word, changes nothing of the container, and calls neither xl nor the proxy.
# -: run.bats tests it, because it waits for the container's end.

load helpers
load ../states

STATES='unknown creating created running paused stopped'

#                                                unknown   creating  created   running   paused    stopped
@test "states: create"      { row create         =created  taken     taken     taken     taken     taken; }
@test "states: run -d"      { row 'run -d'       =running  taken     taken     taken     taken     taken; }
@test "states: run"         { row run            -         taken     taken     taken     taken     taken; }
@test "states: start"       { row start          absent    no-start  =running  runs      no-start  ended; }
@test "states: state"       { row state          absent    absent    ok        ok        ok        ok; }
@test "states: kill"        { row kill           absent    not-up    ok        ok        ok        not-up; }
@test "states: kill -a"     { row 'kill -a'      absent    not-up    ok        ok        ok        ok; }
@test "states: delete"      { row delete         absent    no-delete =unknown  no-delete no-delete =unknown; }
@test "states: delete -f"   { row 'delete -f'    ok        =unknown  =unknown  =unknown  =unknown  =unknown; }
@test "states: exec"        { row exec           absent    no-exec   no-exec   ok        held      no-exec; }
@test "states: exec --ign…" { row exec-paused    absent    no-exec   no-exec   ok        ok        no-exec; }
@test "states: ps"          { row ps             absent    not-up    ok        ok        ok        ok; }
@test "states: pause"       { row pause          absent    not-up    not-up    =paused   paused    not-up; }
@test "states: resume"      { row resume         absent    not-held  not-held  not-held  =running  not-held; }
@test "states: update"      { row update         absent    not-up    ok        ok        ok        not-up; }
@test "states: events"      { row events         absent    not-up    ok        ok        ok        not-up; }
@test "states: list"        { row list           ok        ok        ok        ok        ok        ok; }

operate() {
	case $1 in
	create | run*) runX $1 --bundle "$bundle" c1 ;;
	exec) runX exec c1 true ;;
	exec-paused) runX exec --ignore-paused c1 true ;;
	update) runX update --cpu-share 512 c1 ;;
	events) runX events --stats c1 ;;
	list) runX list ;;
	*) runX $1 c1 ;;
	esac
}

# row OPERATION OUTCOME…: tries the operation in each of $STATES; there is one outcome for each
row() {
	local operation="$1" state at='' words
	for state in $STATES; do
		shift
		[ "$1" != - ] || continue
		echo "$operation, $state:"
		bring
		rm -rf "$FAKE/before"
		cp -a "$RUNX_ROOT" "$FAKE/before"
		: >"$FAKE/calls"
		operate "$operation"
		case $1 in
		ok)
			succeeds
			is_now "$state"
			;;
		=*)
			succeeds
			is_now "${1#=}"
			;;
		*)
			words_of "$1" "$state"
			fails_with "$words"
			nothing_done
			;;
		esac
		diff -r "$FAKE/before" "$RUNX_ROOT" >/dev/null || at=''
	done
	[ $# -eq 1 ]
}

# Brings c1 into $state. If c1 is unchanged and in the state before it, $at, this takes one step. Otherwise it begins anew.
bring() {
	case $at,$state in
	created,running) runX start c1 && succeeds ;;
	running,paused) runX pause c1 && succeeds ;;
	paused,stopped) end_container ;;
	*)
		teardown
		rm -rf "$RUNX_ROOT"
		mkdir -p "$RUNX_ROOT"
		: >"$FAKE/domains"
		case $state in
		unknown) ;;
		# A killed create leaves this.
		creating)
			mkdir "$RUNX_ROOT/c1"
			echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
			;;
		*) in_state "$state" ;;
		esac
		;;
	esac
	at=$state
}

is_now() {
	case $1 in
	unknown) nothing_left ;;
	creating) [ ! -f "$RUNX_ROOT/c1/state" ] ;;
	*)
		runX state c1
		[[ $output == *"\"status\": \"$1\""* ]] || { echo "wanted: $1" "got: $output" && return 1; }
		;;
	esac
}

nothing_done() {
	diff -r "$FAKE/before" "$RUNX_ROOT"
	[ ! -s "$FAKE/calls" ] || { cat "$FAKE/calls" && return 1; }
	case $operation in
	exec*) [ "$status" -eq 255 ] ;;
	*) [ "$status" -eq 1 ] ;;
	esac
}

@test "states: every command that takes an id is in the table" {
	local verb
	for verb in $(accepted_verbs); do
		case $verb in
		checkpoint | restore | spec | features | check | timeline | version | help) ;;
		*) grep -q "^@test .*{ row '*$verb\b" "$BATS_TEST_FILENAME" || { echo "not: $verb" && return 1; } ;;
		esac
	done
}
