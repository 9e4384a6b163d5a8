#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX list, ps, features and check on real Xen.

load helpers
bats_require_minimum_version 1.5.0

@test "list: a container as a table, as JSON, and as its id" {
	local pid
	bundle '.process.args = ["sleep", "1000"]'
	create
	pid=$("$bed" run cut -d ' ' -f 2 "/run/runX/$id/proxy")
	dom0 runX list
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(awk '{ print $1, $2, $3, $4 }' <<<"$output")" = "ID PID STATUS BUNDLE
$id $pid created /b/$id" ]
	dom0 runX list --format json
	[ "$(jq -r '.[] | .id, .pid, .status' <<<"$output" | xargs)" = "$id $pid created" ]
	dom0 runX list -q
	says 0 "$id" ''
	dom0 runX delete --force "$id"
	says 0 '' ''
	dom0 runX list -f json
	says 0 null ''
}

@test "ps: it shows the proxy" {
	local pid
	bundle '.process.args = ["sleep", "1000"]'
	create
	pid=$("$bed" run cut -d ' ' -f 2 "/run/runX/$id/proxy")
	dom0 runX ps --format json "$id"
	says 0 "[$pid]" ''
	dom0 runX ps "$id"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(awk '{ print $2 }' <<<"$output" | xargs)" = "PID $pid" ]
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "features: it needs no tools of Xen" {
	dom0 env PATH=/usr/bin:/bin /usr/sbin/runX features
	[ "$status" -eq 0 ]
	jq -e '.ociVersionMax == "1.3.0"' <<<"$output"
}

@test "check: this dom0 can run containers, and check says what it has" {
	conf
	dom0 runX check
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	[[ $output == *'This machine can run runX.' ]]
	grep -E '^ok +xen +Xen 4[.][0-9.]+(-[a-z0-9]+)?, and this is its dom0$' <<<"$output"
	grep -E '^ok +memory +[0-9]+ MiB free: [0-9]+ VMs of 128$' <<<"$output"
	! grep -E '^error' <<<"$output" || return 1
	dom0 runX check --json
	[ "$(jq -r '.ok, (.checks | length > 12)' <<<"$output" | xargs)" = 'true true' ]
	# check finds a missing part.
	dom0 sh -c 'mv /usr/share/runX/kernel /usr/share/runX/kernel.away; runX check; echo $?; mv /usr/share/runX/kernel.away /usr/share/runX/kernel'
	grep -E '^error +parts +missing: /usr/share/runX/kernel$' <<<"$output"
	[ "${lines[-1]}" = 1 ]
}
