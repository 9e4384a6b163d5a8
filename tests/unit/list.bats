#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX list with several containers; with stand-ins for xl and the proxy.

load helpers

# four_containers: c1 is running, c2 created, c3 stopped and c4 paused.
four_containers() {
	local name
	for name in c1 c2 c3 c4; do
		runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/$name.pid" $name
		succeeds
	done
	runX start c1 && succeeds
	runX start c4 && succeeds
	runX pause c4 && succeeds
	end_process "$(cat "$BATS_TEST_TMPDIR/c3.pid")"
}

# no_process COMMAND: from now on each start of this command is recorded in $FAKE/calls
no_process() {
	printf '%s\n' '#!/bin/sh' "echo $1 >>\"\$FAKE/calls\"" 'exit 1' >"$FAKE/bin/$1"
	chmod 755 "$FAKE/bin/$1"
	: >"$FAKE/calls"
}

@test "list: no containers, and no state directory" {
	runX list
	succeeds
	[ "$(xargs <<<"$output")" = 'ID PID STATUS BUNDLE CREATED OWNER' ]
	runX list -f json
	succeeds
	[ "$output" = null ]
	runX list -q
	succeeds
	[ -z "$output" ]
	[ ! -e "$RUNX_ROOT" ]
}

@test "list: as a table with aligned columns" {
	local line
	four_containers
	runX list
	succeeds
	[ "${#lines[@]}" -eq 5 ]
	[ "$(awk 'NR > 1 { print $1, $2, $3, $4 }' <<<"$output")" = "c1 $(cat "$BATS_TEST_TMPDIR/c1.pid") running $bundle
c2 $(cat "$BATS_TEST_TMPDIR/c2.pid") created $bundle
c3 0 stopped $bundle
c4 $(cat "$BATS_TEST_TMPDIR/c4.pid") paused $bundle" ]
	for line in "${lines[@]}"; do
		[[ ${line:0:12} =~ ^[^\ ]+\ +$ && ${line:12:12} =~ ^[^\ ]+\ +$ && ${line:24:12} =~ ^[^\ ]+\ +$ ]]
	done
	jq -ne --arg time "$(awk 'NR == 2 { print $5 }' <<<"$output")" '$time | fromdate > 0'
}

@test "list: as JSON, with the objects of runX state" {
	local words name states=''
	four_containers
	for name in c1 c2 c3 c4; do
		runX state $name
		succeeds
		states=$states$output
	done
	for words in '--format json' '-f json' '--format=json'; do
		# shellcheck disable=SC2086 # an option and its value
		runX list $words
		succeeds
		[ "$(jq -c . <<<"$output")" = "$(jq -cs . <<<"$states")" ]
	done
}

@test "list: ids alone, without a process" {
	local words
	four_containers
	no_process jq
	for words in -q --quiet '-q -f json'; do
		# shellcheck disable=SC2086 # options
		runX list $words
		succeeds
		[ "$(xargs <<<"$output")" = 'c1 c2 c3 c4' ]
	done
	[ ! -s "$FAKE/calls" ]
}

@test "list: an id that begins with a dot" {
	runX create --bundle "$bundle" .c1
	succeeds
	runX list -q
	[ "$output" = .c1 ]
}

@test "list: unfinished and half-written containers are left out" {
	four_containers
	mkdir "$RUNX_ROOT/c5" "$RUNX_ROOT/c6"
	head -c -20 "$RUNX_ROOT/c1/state" >"$RUNX_ROOT/c6/state"
	: >"$RUNX_ROOT/a-file"
	runX list -f json
	succeeds
	[ "$(jq -r '.[].id' <<<"$output" | xargs)" = 'c1 c2 c3 c4' ]
}

@test "list: control characters in a bundle's path do not reach the terminal" {
	config ".root.path = \"$bundle/rootfs\""
	mkdir "$bundle"$'\e[31m\n'
	cp "$bundle/config.json" "$bundle"$'\e[31m\n/'
	runX create --bundle "$bundle"$'\e[31m\n' c1
	succeeds
	runX list
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *"/bundle?[31m? "* ]]
	runX delete --force c1
	# C1, and a mark of direction
	mkdir "$bundle"$'\u009b\u202eä'
	cp "$bundle/config.json" "$bundle"$'\u009b\u202eä/'
	runX create --bundle "$bundle"$'\u009b\u202eä' c1
	succeeds
	runX list
	[[ ${lines[1]} == *'/bundle??ä '* ]]
}

@test "list: a failing jq is reported in one line" {
	four_containers
	no_process jq
	runX list
	fails_with "cannot read the states in $RUNX_ROOT"
}

# xl may hang for a minute, and so may a guardian, which calls it.
@test "list: many containers whose VM may live: one time-out, and one xl" {
	local name
	for name in c1 c2 c3; do
		runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/$name.pid" $name
		succeeds
		end_process "$(cat "$BATS_TEST_TMPDIR/$name.pid")"
	done
	# Each wait takes its time, on this clock: the second all that is left.
	export RUNX_HOST=$BATS_TEST_TMPDIR/host
	mkdir -p "$RUNX_HOST/proc"
	echo 100.25 0 >"$RUNX_HOST/proc/uptime"
	rm "$FAKE/libexec/control"
	cat >"$FAKE/libexec/control" <<-'END'
		#!/bin/sh
		echo "control $2 $3" >>"$FAKE/calls"
		[ "$3" -gt 4 ] && echo 106.00 0 >"$RUNX_HOST/proc/uptime" || echo 110.00 0 >"$RUNX_HOST/proc/uptime"
		exit 3
	END
	chmod 755 "$FAKE/libexec/control"
	: >"$FAKE/calls"
	cp "$RUNX_ROOT/c2/uuid" "$FAKE/domains"
	runX list
	succeeds
	[ "$(awk 'NR > 1 { print $1, $3 }' <<<"$output" | xargs)" = 'c1 stopped c2 running c3 stopped' ]
	[ "$(xargs <"$FAKE/calls")" = 'control wait 10 xl list -v control wait 4' ]
	# Without an answer, each of them may run.
	: >"$FAKE/calls"
	XL_FAIL=list runX list
	succeeds
	[ "$(awk 'NR > 1 { print $1, $3 }' <<<"$output" | xargs)" = 'c1 running c2 running c3 running' ]
	[ "$(calls 'xl list')" -eq 1 ]
}

@test "list: an unknown format, and an extra argument" {
	runX list -f xml
	fails_with 'list: unknown format: xml (table or json)'
	runX list c1
	fails_with 'list: too many arguments: c1'
}
