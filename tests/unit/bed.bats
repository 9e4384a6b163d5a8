#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which settings the test bed has for which release and architecture, and where apt gets its packages; apt-get is a stand-in.

load helpers
bats_require_minimum_version 1.5.0

# settings [WORD…]: what `bed` knows after it has read its settings with these variables
settings() {
	run env -u ARCH -u BED_RELEASE "$@" dash -euc 'here=$0/tests/bed && . "$here/lib.sh" && bed_settings &&
		echo "$BED_RELEASE $ARCH $debarch $xen_version"' "$top"
}

@test "bed: each release and architecture has its settings" {
	settings BED_RELEASE=bookworm ARCH=x86_64
	[ "$output" = 'bookworm x86_64 amd64 4.17' ]
	settings BED_RELEASE=trixie ARCH=aarch64
	[ "$output" = 'trixie aarch64 arm64 4.20' ]
}

@test "bed: without variables it is this machine's architecture, and the default release" {
	settings
	[[ $output == "$(sed -n 's/^default_release=//p' "$top/tests/bed/lib.sh") $(uname -m) "* ]]
}

@test "bed: what there is no bed for is refused" {
	settings ARCH=riscv64
	[ "$status" -eq 1 ]
	[ "$output" = 'bed: ARCH=riscv64: there is no test bed for it, only for x86_64 and aarch64' ]
	settings BED_RELEASE=../lib
	[ "$status" -eq 1 ]
	[ "$output" = 'bed: BED_RELEASE=../lib: there is no test bed of it, only of bookworm and trixie' ]
}

# sources RELEASE: the sources that apt then gets, on a machine with these lines of `apt-get indextargets` on stdin
sources() {
	cat >"$BATS_TEST_TMPDIR/targets"
	printf '%s\n' '#!/bin/sh' "case \$* in indextargets*) cat '$BATS_TEST_TMPDIR/targets' ;; esac" >"$FAKE/bin/apt-get"
	chmod +x "$FAKE/bin/apt-get"
	work=$BATS_TEST_TMPDIR/work debarch=amd64 run dash -euc '. "$0/debian.sh" && apt_private_update deb "$@"' "$top" "$@"
	[ "$status" -eq 0 ]
	cat "$BATS_TEST_TMPDIR/work/apt/sources.list"
}

@test "bed: another release comes from the mirrors of this machine's" {
	local targets='http://a/debian-security/ bookworm-security main
http://a/debian/ bookworm main
http://a/debian/ bookworm main
http://a/debian/ bookworm-updates main'
	[ "$(sources trixie <<<"$targets")" = 'deb http://a/debian-security/ trixie-security main
deb http://a/debian/ trixie main
deb http://a/debian/ trixie-updates main' ]
	[ "$(sources <<<"$targets")" = 'deb http://a/debian-security/ bookworm-security main
deb http://a/debian/ bookworm main
deb http://a/debian/ bookworm-updates main' ]
	[ "$(sources bookworm <<<'http://a/debian/ stable main')" = 'deb http://a/debian/ bookworm main' ]
}
