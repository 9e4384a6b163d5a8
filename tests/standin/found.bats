#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults of runX that the stand-in of Xen has found and that are not mended yet. `make check` does not run this file. A test
# moves to faults.bats together with the mend.
bats_require_minimum_version 1.5.0
load cases

@test "standin: of two starts one wins, and its container runs" {
	command_is sleep 1000
	runX create --bundle "$bundle" c1 </dev/null >"$work/out" 2>"$work/err" 3>&-
	xl_fault unpause 'slow 100' 'slow 100'
	runX start c1 3>&- &
	run runX start c1 3>&-
	wait $! || [ "$status" -eq 0 ]
	[ "$(runX state c1 | jq -r .status)" = running ]
}
