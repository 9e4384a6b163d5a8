#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX features: what engines may ask for.

load helpers

@test "features: needs no root, no xl, no PATH, and leaves nothing" {
	run env -i RUNX_ROOT="$RUNX_ROOT" "$(command -v dash)" "$top/runX" features
	succeeds
	jq -e '.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0" and (.hooks | length == 6)' <<<"$output"
	[ ! -e "$RUNX_ROOT" ]
	[ "$(calls xl)" -eq 0 ]
}

@test "features: it names what runX does not have" {
	runX features
	succeeds
	jq -e '.linux | [.apparmor, .selinux] | all(.enabled == false)' <<<"$output"
	jq -e '.linux.namespaces | index("pid") and (index("user") | not)' <<<"$output"
}

@test "features: control groups of both versions, which systemd does not manage" {
	runX features
	jq -e '.linux.cgroup | .v1 and .v2 and (.systemd | not)' <<<"$output"
}

@test "features: it has the version of --version" {
	runX --version
	version=${lines[0]##* }
	runX features
	[ "$(jq -r '.annotations["org.lfedge.runx.version"]' <<<"$output")" = "$version" ]
}

@test "features: mountOptions are the flags that the guest knows" {
	local flags
	flags=$(sed -n '/} flags\[\] = {/,/^};/s/^[[:space:]]*{"\([a-z]*\)",.*/\1/p' "$top/guest/mounts/mounts.c" | sort)
	[ "$(wc -l <<<"$flags")" -gt 20 ]
	runX features
	[ "$(jq -r '.mountOptions[]' <<<"$output")" = "$flags" ]
}

@test "features: seccomp lists what config.json may ask for, if the helper is installed" {
	local names
	runX features
	succeeds
	names='(seccomp_actions, seccomp_operators, seccomp_architectures, seccomp_flags) | if type == "object" then keys else sort end'
	jq '.linux.seccomp | select(.enabled) | .actions, .operators, .archs, .knownFlags' <<<"$output" >"$BATS_TEST_TMPDIR/said"
	jq -n "$(sed -n '/^def seccomp_/,/;$/p' "$top/lib/json/seccomp.jq" | sed '/^def seccomp_action(/,$d') $names" >"$BATS_TEST_TMPDIR/known"
	cmp "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/known"
	jq -e '.linux.seccomp | .knownFlags == .supportedFlags' <<<"$output"
	rm "$FAKE/libexec/seccomp"
	runX features
	jq -e '.linux.seccomp == {"enabled": false}' <<<"$output"
}

@test "features: an extra argument" {
	runX features c1
	fails_with 'features: too many arguments: c1'
}
