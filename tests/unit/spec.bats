#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX spec: writes a first config.json for a bundle.

load helpers

@test "spec: it writes a config.json for a shell on a terminal, and create takes it" {
	rm "$bundle/config.json"
	runX spec --bundle "$bundle"
	succeeds
	[ -z "$output" ]
	jq -e '.process.terminal and .process.args == ["sh"] and (.ociVersion | startswith("1."))
		and ([.mounts[].type] | index("proc") and index("devpts") and index("sysfs"))' "$bundle/config.json"
	config '.process.terminal = false'
	runX create --bundle "$bundle" c1
	succeeds
}

@test "spec: it writes to the working directory, and needs no Xen" {
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here"
	RUNX_XENBUS=/nowhere runX spec
	succeeds
	cmp config.json "$top/lib/json/spec.json"
}

@test "spec: a config.json that exists is kept" {
	cp "$bundle/config.json" "$BATS_TEST_TMPDIR/before"
	runX spec -b "$bundle"
	fails_with 'File config.json exists. Remove it first'
	cmp "$bundle/config.json" "$BATS_TEST_TMPDIR/before"
}

@test "spec: a link is not written through" {
	rm "$bundle/config.json"
	ln -s ../target "$bundle/config.json"
	runX spec --bundle "$bundle"
	fails_with 'File config.json exists. Remove it first'
	[ ! -e "$BATS_TEST_TMPDIR/target" ]
}

@test "spec: --rootless gives a warning" {
	rm "$bundle/config.json"
	runX spec --rootless --bundle "$bundle"
	succeeds
	[[ $output == *'warning: spec --rootless: xl needs root'* ]]
	[ -s "$bundle/config.json" ]
}

@test "spec: no such bundle" {
	runX spec --bundle "$BATS_TEST_TMPDIR/none"
	fails_with 'no such directory'
}

@test "spec: an extra argument" {
	runX spec c1
	fails_with 'spec: too many arguments: c1'
}
