#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Failures of real Xen, of xl and of a full disk: runX says one sentence, and leaves nothing.

load helpers
bats_require_minimum_version 1.5.0

# refused TEXT: create failed, its only line has this text, and the log has the same message
refused() {
	[ "$status" -eq 1 ] && [ "${#stderr_lines[@]}" -eq 1 ] && [[ $stderr == *"$1"* ]] ||
		{ printf 'wanted: %s\nstatus %s, said: %s\n' "$1" "$status" "$stderr" && return 1; }
	dom0 cat "/b/$id/log"
	[ "runX: $(jq -r .msg <<<"$output")" = "$(printf '%s' "$stderr_before")" ]
}

create_logged() {
	dom0 "$@" runX --log "/b/$id/log" --log-format json create --bundle "/b/$id" "$id"
	stderr_before=$stderr
}

@test "errors: runX without root's rights" {
	bundle .
	"$bed" run chmod 777 "/b/$id"
	create_logged setpriv --reuid 1000 --clear-groups
	refused 'runX must run as root'
}

@test "errors: more memory than Xen has" {
	bundle '.linux.resources.memory.limit = 64 * 1073741824'
	create_logged
	refused 'not enough free memory in Xen for a VM of 6'
}

@test "errors: a full state directory" {
	bundle .
	"$bed" sh "mkdir /b/$id/root && mount -t tmpfs -o size=100k tmpfs /b/$id/root"
	dom0 runX --log "/b/$id/log" --log-format json --root "/b/$id/root" create --bundle "/b/$id" "$id"
	stderr_before=$stderr
	"$bed" run umount "/b/$id/root"
	refused 'root/'"$id"'/initrd: No space left on device'
}

@test "errors: a state directory without room for a byte" {
	bundle .
	"$bed" sh "mkdir /b/$id/root && mount -t tmpfs -o size=4k,nr_inodes=100 tmpfs /b/$id/root; head -c 4096 /dev/zero >/b/$id/root/full"
	dom0 runX --log "/b/$id/log" --log-format json --root "/b/$id/root" create --bundle "/b/$id" "$id"
	stderr_before=$stderr
	"$bed" run umount "/b/$id/root"
	refused 'is the disk full?'
}

@test "errors: a kernel that is not a kernel" {
	bundle .
	conf 'kernel = /bin/true'
	create_logged
	refused 'xl cannot create the VM: '
}

@test "errors: a missing initrd" {
	bundle .
	conf 'initrd = /nowhere'
	create_logged
	refused "the guest's initrd /nowhere: No such file or directory"
}

@test "errors: a kernel that crashes at once fails start" {
	bundle .
	conf 'initrd = /b/initrd'
	"$bed" sh "head -c 4096 /dev/zero >/b/initrd"
	dom0 sh -c "runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1"
	says 0 '' ''
	dom0 runX start "$id"
	[ "$status" -eq 1 ]
	[ "$stderr" = 'runX: runX start failed: the VM crashed while it booted' ]
	dom0 runX delete "$id"
	says 0 '' ''
}
