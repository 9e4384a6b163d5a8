#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A 32-bit container of runX for arm: kernel, initrd and its programs, as a guest of the arm64 hypervisor, whose dom0
# is of 64 bits.

load helpers
bats_require_minimum_version 1.5.0

@test "arm: a 32-bit VM, as the arm64 hypervisor's guest" {
	[ "$ARCH" = aarch64 ] || skip "the hypervisor of $ARCH runs no guest of 32-bit Arm"
	ARCH=arm "$top/build" 2>&1
	mkdir -p "$BATS_TEST_TMPDIR/tree/b/arm/rootfs/bin"
	cp "$top/out/arm/kernel" "$top/out/arm/initrd" "$BATS_TEST_TMPDIR/tree/b/arm/"
	cp "$top/out/arm/busybox" "$BATS_TEST_TMPDIR/tree/b/arm/rootfs/bin/busybox"
	ln -s busybox "$BATS_TEST_TMPDIR/tree/b/arm/rootfs/bin/sh"
	"$bed" put "$BATS_TEST_TMPDIR/tree"
	conf 'kernel = /b/arm/kernel' 'initrd = /b/arm/initrd'

	# The hypervisor's own word, for the record.
	dom0 sh -c 'echo "$(uname -m) under $(xl info xen_version), $(cat /sys/hypervisor/properties/capabilities)"'
	echo "# $output" >&3
	[[ $output == 'aarch64 under '*xen-3.0-armv7l* ]]

	bundle '.root.path = "/b/arm/rootfs" | .process.args = ["sh", "-c", "uname -m; echo err >&2; cat; exit 5"]'
	dom0 sh -c "head -c 1000000 /dev/urandom >/b/$id/in
		supervise /b/$id $id </b/$id/in >/b/$id/out; echo \$?; head -n 1 /b/$id/out
		tail -n +2 /b/$id/out | cmp - /b/$id/in; runX delete $id"
	says 0 "$(printf '5\narmv7l')" err
}
