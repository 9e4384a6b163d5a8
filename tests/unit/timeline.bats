#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RUNX_TRACE writes when each part of a command began. runX timeline draws that.

load helpers

trace() {
	export RUNX_TRACE=$BATS_TEST_TMPDIR/trace
}

# traced VERB: prints the parts that the verb wrote, in order
traced() {
	awk -F '\t' -v verb="$1" '$2 == "c1" && $3 == verb { printf "%s%s", sep, $5; sep = "," }' "$BATS_TEST_TMPDIR/trace"
}

# lines LINE…: makes a trace; a blank stands for a tab, and _ for a blank
lines() {
	printf '%s\n' "$@" | tr ' _' '\t ' >"$BATS_TEST_TMPDIR/trace"
}

@test "timeline: create, start, kill and delete write their parts in order, with one clock; other verbs write nothing" {
	local last=0 time
	trace
	in_state running
	runX kill c1 TERM
	succeeds
	runX delete --force c1
	succeeds
	[ "$(traced create)" = 'options,settings,plan,network,root,boot,xl create,proxy,publish,end' ]
	[ "$(traced start)" = 'options,network,xl unpause,wait for process,end' ]
	[ "$(traced kill)" = 'options,signal,end' ]
	[ "$(traced delete)" = 'options,wait for guardian,remove,end' ]
	while read -r time _; do
		awk "BEGIN { exit !($time >= $last) }" || { cat "$RUNX_TRACE" && return 1; }
		last=$time
	done <"$RUNX_TRACE"
	time=$(wc -l <"$RUNX_TRACE")
	runX list
	runX --version
	runX timeline "$RUNX_TRACE"
	succeeds
	[ "$(wc -l <"$RUNX_TRACE")" -eq "$time" ]
}

@test "timeline: hooks are parts, and a failed command has no end" {
	trace
	creates '.hooks = {prestart: [{path: "/bin/true"}], poststart: [{path: "/bin/true"}]}'
	runX start c1
	[ "$(traced create)" = 'options,settings,plan,network,root,boot,xl create,proxy,publish,prestart hooks,createRuntime hooks,createContainer hooks,end' ]
	[ "$(traced start)" = 'options,network,xl unpause,wait for process,poststart hooks,end' ]
	runX delete --force c1
	rm "$RUNX_TRACE"
	XL_FAIL=create runX create --bundle "$bundle" c1
	[[ $(traced create) == *'xl create,wait for guardian,remove' ]]
}

@test "timeline: a trace costs no process" {
	local without
	[ "$(id -u)" -eq 0 ] || skip 'they are counted in a PID namespace, which only root makes'
	without=$("$top/tests/bench/host" --count | head -n 5)
	trace
	[ "$("$top/tests/bench/host" --count | head -n 5)" = "$without" ]
	[ -s "$RUNX_TRACE" ]
}

@test "timeline: a relative path begins at the caller's directory" {
	cd "$BATS_TEST_TMPDIR"
	RUNX_TRACE=here runX state c1
	[ -s here ]
}

@test "timeline: if the trace cannot be written, the command fails before it does anything" {
	RUNX_TRACE=/nowhere/trace runX create --bundle "$bundle" c1
	fails_with 'cannot write the trace /nowhere/trace (RUNX_TRACE)'
	nothing_left
}

@test "timeline: the bars are sorted by time, not by the order of lines" {
	lines '10.000000 c1 create 5 options' '11.000000 c1 create 5 xl_create' '15.000000 c1 create 5 end' \
		'14.000000 c1 guest - kernel' '16.000000 c1 guest - running'
	runX timeline "$BATS_TEST_TMPDIR/trace"
	succeeds
	diff - <(printf '%s\n' "$output") <<-'END'
		c1: 6.000 s from the first line to the last
		   begins     takes
		    0.000     1.000  create    options               |########                                          |
		    1.000     4.000  create    xl create             |        ##################################        |
		    4.000     2.000  guest     kernel                |                                 #################|
		    6.000         …  guest     running               |                                                 >|
	END
}

@test "timeline: a second container with the same id has its own bars; run in the foreground writes its beginning twice" {
	lines '1.0 c1 create 5 options' '2.0 c1 create 5 plan' '3.0 c1 create 5 end' '5.0 c1 create 6 options' '6.0 c1 create 6 plan' \
		'6.5 c2 run 7 options' '6.6 c2 run 8 options' '6.7 c2 run 8 plan' '7.5 c1 create 6 end'
	runX timeline "$BATS_TEST_TMPDIR/trace"
	succeeds
	[ "$(grep -o '^c.*: [0-9.]*' <<<"$output" | xargs)" = 'c1: 2.000 c1: 2.500 c2: 0.200' ]
	runX timeline "$BATS_TEST_TMPDIR/trace" c2
	succeeds
	[ "$(grep -o '^c.*: [0-9.]*' <<<"$output" | xargs)" = 'c2: 0.200' ]
	[ "${#lines[@]}" -eq 5 ]
}

@test "timeline: --svg draws a bar for each part, in well-formed XML" {
	lines '1.0 c1 create 5 options' '2.0 c1 create 5 plan' '2.5 c1 create 5 end'
	runX timeline --svg "$BATS_TEST_TMPDIR/trace"
	succeeds
	[ "$(grep -c '<rect x=' <<<"$output")" -eq 2 ]
	perl -0777 -ne '
		@open = ();
		while (m{<(/?)([a-z]+)[^<>]*?(/?)>}g) {
			if ($1) { pop(@open) eq $2 or exit 1 } elsif (!$3) { push @open, $2 }
		}
		exit @open ? 1 : 0' <<<"$output"
}

@test "timeline: a bad trace or bad arguments give one sentence" {
	runX timeline
	fails_with 'timeline: no trace file given'
	runX timeline a b c
	fails_with 'timeline: too many arguments: a b c'
	runX timeline /nowhere/trace
	fails_with 'timeline: /nowhere/trace: no such file (RUNX_TRACE=/nowhere/trace runX … writes it)'
	: >"$BATS_TEST_TMPDIR/trace"
	runX timeline "$BATS_TEST_TMPDIR/trace"
	fails_with "$BATS_TEST_TMPDIR/trace: it has no lines"
	lines '1.0 c1 create 5 options'
	runX timeline "$BATS_TEST_TMPDIR/trace" 'c\061'
	fails_with 'it has no lines about container c\061'
	lines '1.0 c1 create 5 options' '2.0 c1 create 5 <script>'
	runX timeline --svg "$BATS_TEST_TMPDIR/trace"
	fails_with "line 2 is not a line of a RUNX_TRACE"
	lines '1.0 ../c1 create 5 options'
	runX timeline "$BATS_TEST_TMPDIR/trace"
	fails_with "line 1 is not a line of a RUNX_TRACE"
	head -c 5000 /dev/urandom >"$BATS_TEST_TMPDIR/trace"
	runX timeline "$BATS_TEST_TMPDIR/trace"
	fails_with "is not a line of a RUNX_TRACE"
}
