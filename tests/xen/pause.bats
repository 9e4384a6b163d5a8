#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX pause and resume on real Xen.

load helpers
bats_require_minimum_version 1.5.0

# started SCRIPT: starts a container whose shell runs SCRIPT, prints "ready" and then waits; its status goes to
# /b/$id/status
started() {
	bundle '.process.args = ["sh", "-c", "'"$1"'; echo ready; while :; do sleep 1000 & wait; done"]'
	"$bed" sh "cd /b/$id && mkfifo out
		{ supervise /b/$id $id >out 2>err </dev/null; echo \$? >status; } </dev/null >/dev/null 2>&1 &
		read -r line <out && [ \"\$line\" = ready ]"
}

# ended STATUS: waits for supervise's end, which must have this status
ended() {
	dom0 sh -c "until [ -s /b/$id/status ]; do /usr/libexec/runX/control /run/runX/$id wait 100; done; cat /b/$id/status"
	says 0 "$1" ''
}

state_is() {
	dom0 runX state "$id"
	[ "$(jq -r .status <<<"$output")" = "$1" ] || { echo "wanted $1, got: $output" && return 1; }
}

# flags_of_domain: prints the flags from xl list, for example --p---
flags_of_domain() {
	"$bed" sh "xl list rx-$id | sed -n '2s/.* \([a-z-]\{6\}\) .*/\1/p'"
}

@test "pause: the VM stands still, and goes on after resume" {
	started 'trap \"exit 33\" TERM'
	dom0 runX pause "$id"
	says 0 '' ''
	state_is paused
	[[ $(flags_of_domain) == ??p* ]]
	dom0 runX pause "$id"
	says 1 '' "runX: container $id: container paused already"
	dom0 runX start "$id"
	says 1 '' "runX: container $id: cannot start a container that is paused"

	# The signal waits in the console's ring until the VM runs again.
	dom0 runX kill "$id" TERM
	says 0 '' ''
	state_is paused
	dom0 runX resume "$id"
	says 0 '' ''
	ended 33
	dom0 runX resume "$id"
	says 1 '' "runX: container $id: container not paused"
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "pause: after two pauses, each with a resume, the VM runs; KILL ends it when it is paused" {
	started :
	dom0 sh -c "runX pause $id && runX resume $id && runX pause $id && runX resume $id"
	says 0 '' ''
	state_is running
	[[ $(flags_of_domain) != ??p* ]]
	dom0 sh -c "runX pause $id && runX kill $id KILL"
	says 0 '' ''
	ended 137
	state_is stopped
	dom0 runX pause "$id"
	says 1 '' "runX: container $id: container not running"
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "resume: it removes the mark of a pause that never reached Xen; pause: if xl does not find the domain, it fails; delete --force of a paused one" {
	started :
	dom0 sh -c ": >/run/runX/$id/paused; runX resume $id"
	says 0 '' ''
	state_is running
	"$bed" sh "cd /run/runX/$id && cp proxy kept && sed 's/^[0-9]*/32000/' kept >proxy"
	dom0 runX pause "$id"
	says 1 '' "runX: container $id: xl cannot pause its domain 32000 (xl list shows whether it is there)"
	"$bed" sh "cd /run/runX/$id && mv kept proxy"
	state_is running
	dom0 sh -c "runX pause $id && runX delete --force $id"
	says 0 '' ''
}
