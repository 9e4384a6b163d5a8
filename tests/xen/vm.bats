#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container may ask of its VM: the vm section, annotations, RUNX_KERNEL, RUNX_RAMDISK and XLCONF.

load helpers
bats_require_minimum_version 1.5.0

# Most tests run this. It prints the kernel's command line from runX's part on, the number of CPUs, and the memory in units
# of 10 MiB.
look='.process.args = ["sh", "-c", "grep -o \"console=.*\" /proc/cmdline; grep -c ^processor /proc/cpuinfo; awk \"/MemTotal/ { print int(\\$2 / 10240) }\" /proc/meminfo"]'

# looks PARAMETERS CPUS TENS: the last container saw these; its kernel takes up to 30 MiB of the memory for itself
looks() {
	[ "$status" -eq 0 ] && [ "${lines[0]}" = "console=hvc0 quiet panic=-1$1" ] && [ "${lines[1]}" -eq "$2" ] &&
		[ "${lines[2]}" -le "$3" ] && [ "${lines[2]}" -ge $(($3 - 3)) ] && return
	printf 'wanted:%s, %s CPUs, %s0 MiB\nstatus %s, got:\n%s\n%s\n' "$1" "$2" "$3" "$status" "$output" "$stderr"
	return 1
}

# own_root: makes a root file system for this test, with a kernel and an initrd in it
own_root() {
	"$bed" sh "mkdir -p /b/$id && cp -a /bundles/busybox/rootfs /b/$id/ && mkdir /b/$id/rootfs/boot &&
		cp /usr/share/runX/kernel /usr/share/runX/initrd /b/$id/rootfs/boot/"
}

# not_created TEXT: create fails with one line that has this text, and leaves nothing (teardown checks that)
not_created() {
	dom0 runX create --bundle "/b/$id" "$id"
	[ "$status" -eq 1 ] && [ "${#stderr_lines[@]}" -eq 1 ] && [[ $stderr == *"$1"* ]] && return
	printf 'wanted: %s\nstatus %s, said: %s\n' "$1" "$status" "$stderr"
	return 1
}

@test "vm: kernel, parameters and hwConfig" {
	container "$look | .vm = {kernel: {path: \"/usr/share/runX/kernel\", parameters: [\"runx.a=1\", \"runx.b=\\\"x y\\\"\"]},
		hwConfig: {vcpus: 2, memory: 201326592}}"
	looks ' runx.a=1 runx.b="x y"' 2 19
}

@test "vm: hwconfig, the spelling of the Go types, and an initrd that is not padded" {
	"$bed" sh "cat /usr/share/runX/initrd >/b/initrd && printf '\0' >>/b/initrd"
	container "$look | .vm = {kernel: {path: \"/usr/share/runX/kernel\", initrd: \"/b/initrd\"}, hwconfig: {vcpus: 2}}"
	looks '' 2 12
}

@test "vm: annotations override the vm section" {
	container "$look | .vm.hwConfig = {vcpus: 3, memory: 201326592}
		| .annotations = {\"org.lfedge.runx.vcpus\": \"2\", \"org.lfedge.runx.memory\": \"96\", \"org.lfedge.runx.kernel_parameters\": \"runx.c\"}"
	looks ' runx.c' 2 9
}

@test "vm: RUNX_KERNEL and RUNX_RAMDISK are the container's own" {
	own_root
	container "$look | .root.path = \"rootfs\" | .process.env += [\"RUNX_KERNEL=/boot/kernel\", \"RUNX_RAMDISK=/boot/initrd\"]"
	looks '' 1 12
}

@test "vm: RUNX_KERNEL that is not a kernel, or whose link leads out of the root" {
	own_root
	"$bed" sh "ln -s /usr/share/runX/kernel /b/$id/rootfs/boot/out; echo text >/b/$id/rootfs/boot/text"
	bundle '.root.path = "rootfs" | .process.env += ["RUNX_KERNEL=/boot/out"]'
	not_created 'kernel /boot/out: No such file or directory'
	bundle '.root.path = "rootfs" | .process.env += ["RUNX_KERNEL=/boot/text"]'
	not_created 'xl cannot create the VM: '
}

@test "vm: XLCONF changes defaults, adds to the command line, and reaches xl; an annotation overrides it" {
	"$bed" sh "printf '%s\n' 'memory = 160' 'vcpus = 2' 'cpu_weight = 300' 'extra = \"runx.d\"' >/root/test.cfg"
	bundle "$look | .process.args[2] |= \"cat /proc/cmdline; \" + . | .process.env += [\"XLCONF=/root/test.cfg\"]
		| .annotations = {\"org.lfedge.runx.memory\": \"96\"}"
	dom0 sh -c "cd /b/$id && runX create --bundle . $id </dev/null >out 2>&1 && xl sched-credit2 -d rx-$id | tail -n 1 &&
		runX start $id && /usr/libexec/runX/control /run/runX/$id wait 60; runX delete $id; cat out"
	[[ ${lines[0]} == *" 300 "* ]] && [ "${lines[1]}" = 'runx.d console=hvc0 quiet panic=-1' ] || { echo "$output" && return 1; }
	lines=("${lines[@]:2}")
	looks '' 2 9
}

@test "vm: hostile and unsafe XLCONF files" {
	bundle '.process.env += ["XLCONF=/root/test.cfg"]'
	"$bed" sh "echo 'disk = [ \"/dev/vda,raw,xvdz,w\" ]' >/root/test.cfg"
	not_created 'XLCONF /root/test.cfg, line 1: runX sets disk itself'
	"$bed" sh "echo 'vcpus = [' >/root/test.cfg"
	not_created 'XLCONF /root/test.cfg is not as xl.cfg(5) says'
	"$bed" sh "echo 'vcpus = 2' >/root/test.cfg; chmod 666 /root/test.cfg"
	not_created 'must belong to root, and nobody else may write it'
	"$bed" sh "rm /root/test.cfg; echo 'vcpus = 2' >/b/test.cfg; ln -s /b/test.cfg /root/test.cfg"
	not_created 'is not in a directory of host_files (runX.conf)'
}

# bats test_tags=core
@test "vm: 32-bit Arm: runX's kernel, initrd and programs run as a guest of the arm64 hypervisor" {
	local tree="$BATS_TEST_TMPDIR/tree" rootfs="$BATS_TEST_TMPDIR/tree/b/$id/rootfs"
	[ "$ARCH" = aarch64 ] || skip "the hypervisor of $ARCH runs no guests of 32-bit Arm"
	ARCH=arm "$top/build"
	mkdir -p "$rootfs/bin" "$rootfs/boot"
	cp "$top/out/arm/kernel" "$top/out/arm/initrd" "$rootfs/boot/"
	cp "$top/out/arm/busybox" "$rootfs/bin/sh"
	"$bed" put "$tree"
	dom0 sh -c 'echo "dom0 is $(uname -m), its hypervisor $(cat /sys/hypervisor/properties/capabilities)"'
	echo "# $output" >&3
	[[ $output == 'dom0 is aarch64, its hypervisor '*xen-3.0-armv7l* ]]

	# The VM is pinned to one CPU. When an exception leads from AArch32 to an AArch64 hypervisor, QEMU 7.2 leaves the SPSR
	# of the mode that it came from in the emulated CPU (env->spsr). If Xen moves the VM to the other CPU during an
	# exception's first instructions, the VM goes on with that CPU's old value, and crashes. 4 of 49 boots did; on one CPU
	# none of 105 did.
	bundle '.root.path = "rootfs" | .process.env += ["RUNX_KERNEL=/boot/kernel", "RUNX_RAMDISK=/boot/initrd"]
		| .process.args = ["sh", "-c", "uname -m; echo err >&2; cat; exit 5"] | .linux.resources.cpu.cpus = "1"'
	dom0 sh -c "head -c 1000000 /dev/urandom >/b/$id/in
		supervise /b/$id $id </b/$id/in >/b/$id/out; echo \$?
		head -n 1 /b/$id/out; tail -n +2 /b/$id/out | cmp - /b/$id/in; runX delete $id"
	says 0 "$(printf '5\narmv7l')" err
}
