#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which compiler ./build uses on which machine; make and uname are stand-ins.

load helpers
bats_require_minimum_version 1.5.0

# makes MACHINE ARCH WORDS: on such a machine, ./build of a kernel for ARCH (empty: unset) calls make with these words
makes() {
	[ -e "$BATS_TEST_TMPDIR/linux" ] || mkdir "$BATS_TEST_TMPDIR/linux"
	printf '#!/bin/sh\necho %s\n' "$1" >"$FAKE/bin/uname"
	printf '%s\n' '#!/bin/sh' "echo \"\$@\" >>$FAKE/calls" 'case $* in *kernelversion) echo 6 ;; *) exit 1 ;; esac' >"$FAKE/bin/make"
	chmod +x "$FAKE/bin/uname" "$FAKE/bin/make"
	run env ARCH="$2" KERNEL_SRC="$BATS_TEST_TMPDIR/linux" XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache" "$top/build" kernel
	[[ $(tail -n 1 "$FAKE/calls") == *" $3 "* ]] || { echo "wanted: $3" "$output" && tail -n 1 "$FAKE/calls" && return 1; }
}

@test "build: for this machine's architecture it uses the machine's own compiler" {
	makes aarch64 '' 'ARCH=arm64 CROSS_COMPILE= -j'
	makes aarch64 aarch64 'ARCH=arm64 CROSS_COMPILE= -j'
	makes armv7l '' 'ARCH=arm CROSS_COMPILE= -j'
	makes armv8l arm 'ARCH=arm CROSS_COMPILE= -j'
	makes x86_64 '' 'ARCH=x86_64 CROSS_COMPILE= -j'
}

@test "build: for another architecture it uses Debian's cross compiler" {
	makes x86_64 aarch64 'ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -j'
	makes aarch64 arm 'ARCH=arm CROSS_COMPILE=arm-linux-gnueabihf- -j'
	makes aarch64 x86_64 'ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- -j'
}

@test "build: CROSS_COMPILE overrides both" {
	export CROSS_COMPILE=armv7-
	makes x86_64 arm 'ARCH=arm CROSS_COMPILE=armv7- -j'
	makes armv7l '' 'ARCH=arm CROSS_COMPILE=armv7- -j'
}

@test "build: the kernel of KERNEL_SRC is built without runX's patches" {
	mkdir "$BATS_TEST_TMPDIR/linux-5"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/linux" linux-5
	makes x86_64 '' 'ARCH=x86_64 CROSS_COMPILE= -j'
	[[ $output != *patch* ]]
}

# all MACHINE WANTED [SETTING…]: on such a machine, make all gives ./build this ARCH and CROSS_COMPILE
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

@test "build: make all passes on the architecture, and CROSS_COMPILE only if it was given" {
	all x86_64 'x86_64 unset'
	all aarch64 'aarch64 unset'
	all armv7l 'arm unset'
	all armv8l 'arm unset'
	all x86_64 'aarch64 unset' ARCH=aarch64
	all x86_64 'arm armv7-' ARCH=arm CROSS_COMPILE=armv7-
	all aarch64 'arm ' ARCH=arm CROSS_COMPILE=
}

@test "build: an unknown architecture" {
	ARCH=foo run "$top/build"
	[ "$status" -eq 1 ] && [ "$output" = 'build: unknown ARCH foo (known: x86_64 aarch64 arm uml)' ]
}

@test "build: make does not put programs of another machine into an architecture's folder" {
	run make -s -C "$top" helpers ARCH=sparc
	[ "$status" -eq 2 ]
	[[ $output =~ gcc[^:]*' is not for sparc: run ARCH=sparc ./build helpers' ]]
	[ ! -e "$top/out/sparc/proxy" ]
}
