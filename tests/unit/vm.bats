#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The vm section of config.json: what reaches xl's configuration, and what is refused.

load helpers

@test "vm: kernel and its parameters" {
	: >"$BATS_TEST_TMPDIR/my \"kernel"
	creates ".vm.kernel = {path: \"$BATS_TEST_TMPDIR/my \\\"kernel\", parameters: [\"a=b\", \"c \\\"d\\\"\"]}"
	has "kernel = \"$BATS_TEST_TMPDIR/my \\\"kernel\""
	has 'extra += " console=hvc0 quiet panic=-1 a=b c \"d\""'
}

@test "vm: runX pads the container's own initrd, and appends the description" {
	keep_boot
	printf 12345 >"$BATS_TEST_TMPDIR/initrd"
	: >"$BATS_TEST_TMPDIR/kernel"
	creates ".vm.kernel = {path: \"$BATS_TEST_TMPDIR/kernel\", initrd: \"$BATS_TEST_TMPDIR/initrd\"}"
	has "ramdisk = \"$RUNX_ROOT/c1/initrd\""
	[ "$(head -c 14 "$boot/initrd" | tr '\0' .)" = 12345...070701 ]
	# Then come a header of 110 bytes, and the name.
	tail -c +129 "$boot/initrd" | cmp -n "$(wc -c <"$RUNX_ROOT/c1/container")" - "$RUNX_ROOT/c1/container"
}

@test "vm: a kernel without an initrd gets the common initrd" {
	keep_boot
	: >"$BATS_TEST_TMPDIR/kernel"
	creates ".vm.kernel.path = \"$BATS_TEST_TMPDIR/kernel\""
	head -c 1024 "$boot/initrd" | cmp - "$FAKE/initrd"
}

@test "vm: hwConfig" {
	creates '.vm.hwConfig = {deviceTree: "/dt \"b", vcpus: 3, memory: 300000000, dtdevs: ["/soc/uart@ff000000", "/a,b#c"],
		iomems: [{firstMFN: 12288, nrMFNs: 1}, {firstGFN: 12544, firstMFN: 1099511627775, nrMFNs: 18}], irqs: [11, 4294967295]}
		| .linux.resources.memory.limit = 1073741824'
	has 'device_tree = "/dt \"b"'
	has 'vcpus = 3'
	has 'memory = 287'
	has 'dtdev = [ "/soc/uart@ff000000", "/a,b#c" ]'
	has 'iomem = [ "3000,1", "ffffffffff,12@3100" ]'
	has 'irqs = [ 11, 4294967295 ]'
}

@test "vm: hwconfig, the spelling of the Go types" {
	creates '.vm.hwconfig = {vcpus: 2, memory: 67108864}'
	has 'vcpus = 2'
	has 'memory = 64'
	runX delete --force c1
	creates '.vm.hwConfig = .vm.hwconfig'
	has 'vcpus = 2'
}

@test "vm: both spellings with different values" {
	bad '.vm = {hwConfig: {vcpus: 1}, hwconfig: {vcpus: 2}}' 'vm.hwConfig: differs from vm.hwconfig: remove one of the two'
}

@test "vm: a hypervisor is checked, then ignored with a warning" {
	creates '.vm.hypervisor = {path: "/usr/bin/qemu", parameters: ["-x"]}'
	[[ $output == *'warning: vm.hypervisor is ignored: the hypervisor is Xen, and it already runs'* ]]
	[ "$(jq -r .level "$log")" = warning ]
}

@test "vm: an image is refused" { bad '.vm.image = {path: "/i", format: "raw"}' 'vm.image: runX does not support it: the VM boots from its initrd'; }
@test "vm: no object" { bad '.vm = []' 'vm: must be an object'; }
@test "vm: a hypervisor without a path" { bad '.vm.hypervisor = {}' 'vm.hypervisor.path: must be a string'; }
@test "vm: a kernel without a path" { bad '.vm.kernel = {}' 'vm.kernel.path: must be a string'; }
@test "vm: a relative kernel" { bad '.vm.kernel.path = "k"' 'vm.kernel.path: must be an absolute path'; }
@test "vm: a kernel that is missing" { bad '.vm.kernel.path = "/nowhere"' 'vm.kernel.path: /nowhere is not a file'; }
@test "vm: an initrd that is missing" {
	: >"$BATS_TEST_TMPDIR/kernel"
	bad ".vm.kernel = {path: \"$BATS_TEST_TMPDIR/kernel\", initrd: \"/nowhere\"}" '/nowhere: No such file'
}
@test "vm: a parameter with a newline" {
	bad '.vm.kernel = {path: "/k", parameters: ["a\nb"]}' 'vm.kernel.parameters[0]: must not contain control characters'
}
@test "vm: parameters that are a text" { bad '.vm.kernel = {path: "/k", parameters: "a"}' 'vm.kernel.parameters: must be an array'; }
@test "vm: more parameters than a PV guest can have" {
	: >"$BATS_TEST_TMPDIR/kernel"
	bad ".vm.kernel = {path: \"$BATS_TEST_TMPDIR/kernel\", parameters: [\"a\" * 1000]}" 'Xen cuts those of a PV guest at 1023 bytes'
}
@test "vm: no vcpus" { bad '.vm.hwConfig.vcpus = 0' 'vm.hwConfig.vcpus: must be a whole number from 1'; }
@test "vm: vcpus as a text" { bad '.vm.hwConfig.vcpus = "2"' 'vm.hwConfig.vcpus: must be a whole number from 1'; }
@test "vm: half a byte" { bad '.vm.hwConfig.memory = 0.5' 'vm.hwConfig.memory: must be a whole number from 1'; }
@test "vm: a device with a quote" { bad '.vm.hwConfig.dtdevs = ["/a", "/b\"c"]' 'vm.hwConfig.dtdevs[1]: must be a path in the device tree'; }
@test "vm: a relative device" { bad '.vm.hwConfig.dtdevs = ["a"]' 'vm.hwConfig.dtdevs[0]: must be an absolute path'; }
@test "vm: pages without a first" { bad '.vm.hwConfig.iomems = [{nrMFNs: 1}]' 'vm.hwConfig.iomems[0].firstMFN: must be a whole number'; }
@test "vm: no pages" { bad '.vm.hwConfig.iomems = [{firstMFN: 1, nrMFNs: 0}]' 'vm.hwConfig.iomems[0].nrMFNs: must be a whole number from 1'; }
@test "vm: an interrupt below zero" { bad '.vm.hwConfig.irqs = [-1]' 'vm.hwConfig.irqs[0]: must be a whole number from 0'; }
@test "vm: interrupts that are no array" { bad '.vm.hwConfig.irqs = 5' 'vm.hwConfig.irqs: must be an array'; }
