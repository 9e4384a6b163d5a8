#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX's annotations: what they set, which settings they override, and who may use them.

load helpers

warned() {
	[[ $output == *"warning: $1"* ]] || { echo "no warning: $1" && echo "$output" && return 1; }
}

@test "annotations: memory, vcpus, guest_type, kernel_parameters" {
	creates '.annotations = {"org.lfedge.runx.memory": "300", "org.lfedge.runx.vcpus": "2", "org.lfedge.runx.guest_type": "pvh",
		"org.lfedge.runx.kernel_parameters": "x=\"1\" y"}'
	[ -z "$output" ]
	has 'memory = 300'
	has 'vcpus = 2'
	has 'type = "pvh"'
	has 'extra += " console=hvc0 quiet panic=-1 x=\"1\" y"'
}

@test "annotations: rootfs and start_timeout" {
	creates '.annotations = {"org.lfedge.runx.rootfs": "disk", "org.lfedge.runx.start_timeout": "7"}'
	grep -q '^disk = ' "$FAKE/xl.cfg"
	grep -q '^proxy .*-t 7 ' "$FAKE/calls"
}

@test "annotations: they override the vm section, resources and runX.conf" {
	: >"$BATS_TEST_TMPDIR/kernel"
	printf '%s\n' 'memory = 200' 'vcpus = 4' >>"$RUNX_CONF"
	creates ".annotations = {\"org.lfedge.runx.memory\": \"300\", \"org.lfedge.runx.vcpus\": \"2\", \"org.lfedge.runx.kernel_parameters\": \"b\"}
		| .vm = {hwConfig: {memory: 67108864, vcpus: 3}, kernel: {path: \"$BATS_TEST_TMPDIR/kernel\", parameters: [\"a\"]}}
		| .linux.resources.memory.limit = 1073741824"
	has 'memory = 300'
	has 'vcpus = 2'
	has 'extra += " console=hvc0 quiet panic=-1 a b"'
}

@test "annotations: runX warns of an unknown annotation with its own prefix, and of no other" {
	creates '.annotations = {"org.lfedge.runx.colour\n": "red", "org.lfedge.runx.": "", "org.lfedge.other": "x"}'
	[ "${#lines[@]}" -eq 2 ]
	warned 'annotation "org.lfedge.runx.colour\n" is ignored: runX has no annotation of this name'
	[ "$(jq -r .level "$log" | uniq)" = warning ]
}

@test "annotations: one that runX.conf does not list is ignored with a warning" {
	echo 'annotations = vcpus' >>"$RUNX_CONF"
	creates '.annotations = {"org.lfedge.runx.memory": "no number", "org.lfedge.runx.vcpus": "2"}'
	[ "${#lines[@]}" -eq 1 ]
	warned 'annotation "org.lfedge.runx.memory" is ignored: annotations in runX.conf does not list memory'
	has 'memory = 128'
	has 'vcpus = 2'
}

@test "annotations: runX.conf can forbid them all" {
	echo 'annotations =' >>"$RUNX_CONF"
	creates '.annotations = {"org.lfedge.runx.vcpus": "2"}'
	warned 'annotation "org.lfedge.runx.vcpus" is ignored'
	has 'vcpus = 1'
}

# Annotations that name files of the host

own_files() {
	printf '%s\n' 'annotations = kernel initrd' "host_files = /nowhere $BATS_TEST_TMPDIR/host" >>"$RUNX_CONF"
	mkdir "$BATS_TEST_TMPDIR/host"
	echo kernel >"$BATS_TEST_TMPDIR/host/kernel"
	printf 1234567 >"$BATS_TEST_TMPDIR/host/initrd"
}

@test "annotations: files of the host are off by default" {
	creates '.annotations = {"org.lfedge.runx.kernel": "/etc/shadow", "org.lfedge.runx.initrd": "/etc/shadow"}'
	warned 'annotation "org.lfedge.runx.initrd" is ignored'
	warned 'annotation "org.lfedge.runx.kernel" is ignored'
	has 'kernel = "/kernel"'
}

@test "annotations: kernel and initrd are copied after they are checked" {
	keep_boot
	own_files
	creates ".annotations = {\"org.lfedge.runx.kernel\": \"$BATS_TEST_TMPDIR/host/kernel\", \"org.lfedge.runx.initrd\": \"$BATS_TEST_TMPDIR/host/initrd\"}"
	has "kernel = \"$RUNX_ROOT/c1/kernel\""
	cmp "$BATS_TEST_TMPDIR/host/kernel" "$boot/kernel"
	[ "$(head -c 7 "$boot/initrd")" = 1234567 ]
}

@test "annotations: a kernel that kernels in runX.conf lists needs no word in annotations, and is not copied" {
	own_files
	printf '%s\n' 'annotations =' "kernels = /nowhere $BATS_TEST_TMPDIR/host/kernel" >>"$RUNX_CONF"
	creates ".annotations = {\"org.lfedge.runx.kernel\": \"$BATS_TEST_TMPDIR/host/kernel\"}"
	has "kernel = \"$BATS_TEST_TMPDIR/host/kernel\""
	[[ $stderr != *ignored* ]]
}

@test "annotations: a kernel that is not in that list, or is missing" {
	echo 'kernels = /nowhere /boot/k' >>"$RUNX_CONF"
	creates '.annotations = {"org.lfedge.runx.kernel": "/now"}'
	warned 'annotation "org.lfedge.runx.kernel" is ignored: kernels in runX.conf does not list it'
	has 'kernel = "/kernel"'
	runX delete --force c1
	bad '.annotations = {"org.lfedge.runx.kernel": "/nowhere"}' 'kernels in runX.conf: /nowhere is not a file'
}

@test "annotations: a list of kernels that are not paths" {
	echo 'kernels = /a full' >>"$RUNX_CONF"
	bad . 'kernels must be absolute paths with blanks between them, not /a full'
	echo 'kernels = /boot/*' >"$RUNX_CONF"
	bad . 'kernels must be files, not patterns, and has /boot/*'
}

@test "annotations: a kernel that other users can write" {
	own_files
	chmod 664 "$BATS_TEST_TMPDIR/host/kernel"
	bad ".annotations = {\"org.lfedge.runx.kernel\": \"$BATS_TEST_TMPDIR/host/kernel\"}" 'must belong to root, and nobody else may write it'
}

@test "annotations: memory that is no number" { bad '.annotations = {"org.lfedge.runx.memory": "1G"}' 'annotations.org.lfedge.runx.memory: must be a whole number from 1 to'; }
@test "annotations: no memory" { bad '.annotations = {"org.lfedge.runx.memory": ""}' 'annotations.org.lfedge.runx.memory: must be a whole number from 1 to'; }
@test "annotations: no vcpus" { bad '.annotations = {"org.lfedge.runx.vcpus": "0"}' 'annotations.org.lfedge.runx.vcpus: must be a whole number from 1 to'; }
@test "annotations: vcpus that are a number of JSON" { bad '.annotations = {"org.lfedge.runx.vcpus": 1}' 'annotations.org.lfedge.runx.vcpus: must be a string'; }
@test "annotations: a type of guest that runX has not" { bad '.annotations = {"org.lfedge.runx.guest_type": "hvm"}' 'must be one of auto, pv, pvh'; }
@test "annotations: a root that runX cannot make" { bad '.annotations = {"org.lfedge.runx.rootfs": "nfs"}' 'must be one of auto, 9p, disk, overlay'; }
@test "annotations: a parameter with a newline" {
	bad '.annotations = {"org.lfedge.runx.kernel_parameters": "a\ndisk"}' 'annotations.org.lfedge.runx.kernel_parameters: must not contain control characters'
}
@test "annotations: that are no object" { bad '.annotations = ["a"]' 'annotations: must be an object'; }

@test "annotations: runX.conf lists an annotation that does not exist" {
	echo 'annotations = memory colour' >>"$RUNX_CONF"
	bad . 'annotations: colour is not one of disk_headroom'
}

@test "annotations: features lists them as potentially unsafe" {
	runX features
	jq -e '.potentiallyUnsafeConfigAnnotations == ["org.lfedge.runx."]' <<<"$output"
}
