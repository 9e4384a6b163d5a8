#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What ./build builds with, on which machine; make and uname are stand-ins.

load helpers
bats_require_minimum_version 1.5.0

# makes MACHINE ARCH WHAT: ./build of a kernel there tells make WHAT; of ARCH, this machine's where it is empty
makes() {
	[ -e "$BATS_TEST_TMPDIR/linux" ] || mkdir "$BATS_TEST_TMPDIR/linux"
	printf '#!/bin/sh\necho %s\n' "$1" >"$FAKE/bin/uname"
	printf '%s\n' '#!/bin/sh' "echo \"\$@\" >>$FAKE/calls" 'case $* in *kernelversion) echo 6 ;; *) exit 1 ;; esac' >"$FAKE/bin/make"
	chmod +x "$FAKE/bin/uname" "$FAKE/bin/make"
	run env ARCH="$2" KERNEL_SRC="$BATS_TEST_TMPDIR/linux" XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache" "$top/build" kernel
	[[ $(tail -n 1 "$FAKE/calls") == *" $3 "* ]] || { echo "wanted: $3" "$output" && tail -n 1 "$FAKE/calls" && return 1; }
}

@test "build: on a machine of that architecture, its own compiler" {
	makes aarch64 '' 'ARCH=arm64 CROSS_COMPILE= -j'
	makes aarch64 aarch64 'ARCH=arm64 CROSS_COMPILE= -j'
	makes armv7l '' 'ARCH=arm CROSS_COMPILE= -j'
	makes armv8l arm 'ARCH=arm CROSS_COMPILE= -j'
	makes x86_64 '' 'ARCH=x86_64 CROSS_COMPILE= -j'
}

@test "build: for another one, Debian's cross compiler" {
	makes x86_64 aarch64 'ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -j'
	makes aarch64 arm 'ARCH=arm CROSS_COMPILE=arm-linux-gnueabihf- -j'
	makes aarch64 x86_64 'ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- -j'
}

@test "build: CROSS_COMPILE is stronger" {
	export CROSS_COMPILE=armv7-
	makes x86_64 arm 'ARCH=arm CROSS_COMPILE=armv7- -j'
	makes armv7l '' 'ARCH=arm CROSS_COMPILE=armv7- -j'
}

@test "build: a kernel that is named is built as it is, without a patch that may not be for it" {
	mkdir "$BATS_TEST_TMPDIR/linux-5"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/linux" linux-5
	makes x86_64 '' 'ARCH=x86_64 CROSS_COMPILE= -j'
	[[ $output != *patch* ]]
}

# all MACHINE WANTED [SETTING…]: what make all tells ./build there
all() {
	local wanted="$2"
	mkdir -p "$BATS_TEST_TMPDIR/tree"
	cp "$top/Makefile" "$BATS_TEST_TMPDIR/tree/"
	printf '#!/bin/sh\necho %s\n' "$1" >"$FAKE/bin/uname"
	printf '%s\n' '#!/bin/sh' 'echo "$ARCH ${CROSS_COMPILE-unset}"' >"$BATS_TEST_TMPDIR/tree/build"
	chmod +x "$FAKE/bin/uname" "$BATS_TEST_TMPDIR/tree/build"
	shift 2
	run env -u MAKEFLAGS -u ARCH -u CROSS_COMPILE "$@" make -s -C "$BATS_TEST_TMPDIR/tree" all
	[ "${lines[-1]}" = "$wanted" ] || { echo "wanted: $wanted" "got: $output" && return 1; }
}

@test "build: make says the architecture, and leaves the compiler to ./build unless it is told" {
	all x86_64 'x86_64 unset'
	all aarch64 'aarch64 unset'
	all armv7l 'arm unset'
	all armv8l 'arm unset'
	all x86_64 'aarch64 unset' ARCH=aarch64
	all x86_64 'arm armv7-' ARCH=arm CROSS_COMPILE=armv7-
	all aarch64 'arm ' ARCH=arm CROSS_COMPILE=
}

@test "build: an architecture that it does not know" {
	ARCH=foo run "$top/build"
	[ "$status" -eq 1 ] && [ "$output" = 'build: unknown ARCH foo (known: x86_64 aarch64 arm)' ]
}

@test "build: make alone does not put another machine's programs where an architecture's belong" {
	run make -s -C "$top" helpers ARCH=sparc
	[ "$status" -eq 2 ] && [[ $output == *'gcc is not for sparc: run ARCH=sparc ./build helpers'* ]]
	[ ! -e "$top/out/sparc/proxy" ]
}
