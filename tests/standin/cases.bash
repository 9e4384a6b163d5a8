# SPDX-License-Identifier: Apache-2.0
# What the tests over the stand-in of Xen share: one stand-in for each test, whose container is c1.
# shellcheck shell=bash

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	. "$top/tests/standin/env.bash"
	standin_up "$BATS_TEST_TMPDIR"
}

teardown() {
	local rc=0
	# What a test that failed has left must not befall the calls of xl here.
	rm -f "$STANDIN"/fault.*
	runX delete --force c1 >"$work/deleted" 2>&1 3>&- || { cat "$work/deleted" && rc=1; }
	nothing_left || rc=1
	standin_down
	return $rc
}

# ended WORDS: how c1 ended, once nothing of its VM is left
ended() {
	gone c1
	[ "$(cat "$RUNX_ROOT/c1/ended")" = "$1" ] || { cat "$RUNX_ROOT/c1/ended" && return 1; }
}

# begin WORD…: creates and starts a container that runs this, with stdin from /dev/null, stdout and stderr in files
begin() {
	command_is "$@"
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	runX start c1
}

# shown TEXT [FILE]: waits until $work/out, or this file, has a line of this
shown() {
	timeout 20 sh -c 'tail -n +1 -F "$1" 2>/dev/null | grep -qxm 1 -- "$2"' sh "${2:-$work/out}" "$1" 3>&-
}

# The host's clock is the test's, for what begins from now on (devices.c).
own_clock() {
	mkfifo "$STANDIN/clock.set"
	echo 0 >"$STANDIN/clock"
}

# set_clock SECONDS: sets the host's clock so far from the machine's
set_clock() {
	echo "$1" >"$STANDIN/clock"
	printf '%8s' '' >"$STANDIN/clock.set"
}
