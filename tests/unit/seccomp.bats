#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp: from config.json to the program that the guest installs. Here it is installed on this machine.

load helpers

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/../.." out/tests/filtered
}

# profile PROGRAM: sets config.json's profile to tests/seccomp.json, changed by a jq program
profile() {
	[ -f "$BATS_TEST_TMPDIR/profile" ] || cp "$top/tests/seccomp.json" "$BATS_TEST_TMPDIR/profile"
	jq --slurpfile profile "$BATS_TEST_TMPDIR/profile" ".linux.seccomp = (\$profile[0] | $1)" \
		"$bundle/config.json" >"$bundle/config.new"
	mv "$bundle/config.new" "$bundle/config.json"
}

# create PROGRAM: creates a container with that profile; $description is the guest's description
create() {
	profile "$1"
	runX create --bundle "$bundle" c1
	succeeds
	description=$RUNX_ROOT/c1/container
}

# filtered NUMBER [ARGUMENT…] or COMMAND…: runs it on this machine, under the filter of the container created last
filtered() {
	run "$top/out/tests/filtered" "$description" "$@"
}

# number NAME: prints the number of a system call on this machine
number() {
	printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" | gcc -E -P - | tail -n 1
}

bad() {
	profile "$1"
	runX create --bundle "$bundle" c1
	fails_with "config.json: linux.seccomp$2"
	nothing_left
}

@test "seccomp: without a profile the helper does not run, and there is no record" {
	printf '#!/bin/sh\necho seccomp >>"$FAKE/calls"\n' >"$FAKE/helper"
	chmod 755 "$FAKE/helper"
	ln -sf "$FAKE/helper" "$FAKE/libexec/seccomp"
	runX create --bundle "$bundle" c1
	succeeds
	runX create --bundle "$bundle" c2
	config '.linux.seccomp = {}'
	runX create --bundle "$bundle" c3
	succeeds
	[ "$(calls seccomp)" -eq 0 ]
	profile .
	runX create --bundle "$bundle" c4
	succeeds
	[ "$(calls seccomp)" -eq 1 ]
}

@test "seccomp: the profile is one record of the guest's description, the last one" {
	create .
	[ "$(tr '\0' '\n' <"$description" | grep -c '^seccomp=0:\([0-9a-f]\{16\}\)*$')" -eq 1 ]
	tr '\0' '\n' <"$description" | tail -n 1 | grep -q '^seccomp='
	[ "$(tail -c 1 "$description" | od -An -tx1 | xargs)" = 00 ]
}

@test "seccomp: under a default profile programs run, and denied calls fail" {
	create .
	filtered sh -c 'mkdir -p "$1/a/b" && (cd "$1" && ls a && find . | wc -l)' sh "$BATS_TEST_TMPDIR/d"
	succeeds
	[ "$output" = "$(printf '%s\n' b 3)" ]
	filtered "$(number mount)"
	[ "$output" = EPERM ]
	filtered "$(number clone3)"
	[ "$output" = ENOSYS ]
}

@test "seccomp: conditions on arguments" {
	create .
	filtered "$(number personality)" 0xffffffff
	[ "$output" = allowed ]
	filtered "$(number personality)" 1
	[ "$output" = EPERM ]
	filtered "$(number socket)" 1 1 0
	[ "$output" = allowed ]
	filtered "$(number socket)" 40 1 0
	[ "$output" = EPERM ]
	# CLONE_NEWUTS
	filtered "$(number clone)" 0x04000000
	[ "$output" = EPERM ]
}

@test "seccomp: a call that is newer than all names in the profile gives ENOSYS, even one that libseccomp does not know" {
	create .
	filtered 4000
	[ "$output" = ENOSYS ]
	runX delete --force c1
	create '.defaultErrnoRet = 22'
	filtered 4000
	[ "$output" = ENOSYS ]
	filtered "$(number mount)"
	[ "$output" = EINVAL ]
}

@test "seccomp: a denied call gives errnoRet, and unknown names are ignored" {
	create '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["nosuchcall", "mkdir", "mkdirat", ""], action: "SCMP_ACT_ERRNO", errnoRet: 30},
		{names: ["rmdir"], action: "SCMP_ACT_ERRNO"}]}'
	filtered mkdir "$BATS_TEST_TMPDIR/d"
	[[ $output == *'Read-only file system' ]]
	filtered "$(number rmdir)" 0
	[ "$output" = EPERM ]
	filtered "$(number getpid)"
	[ "$output" = allowed ]
	# Only named calls are denied. This one does not exist.
	filtered 4000
	[ "$output" = ENOSYS ]
}

@test "seccomp: all conditions must hold, but several on the same argument are alternatives" {
	create '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 11,
			args: [{index: 0, value: 1, op: "SCMP_CMP_EQ"}, {index: 1, value: 2, op: "SCMP_CMP_GE"}]},
		{names: ["alarm"], action: "SCMP_ACT_ERRNO", errnoRet: 11,
			args: [{index: 0, value: 5, op: "SCMP_CMP_EQ"}, {index: 0, value: 7, op: "SCMP_CMP_EQ"}]},
		{names: ["umask"], action: "SCMP_ACT_ERRNO", errnoRet: 11,
			args: [{index: 0, value: 240, valueTwo: 16, op: "SCMP_CMP_MASKED_EQ"}]}]}'
	filtered "$(number socket)" 1 1 0
	[ "$output" = allowed ]
	filtered "$(number socket)" 1 2 0
	[ "$output" = EAGAIN ]
	for seconds in 5 7; do
		filtered "$(number alarm)" $seconds
		[ "$output" = EAGAIN ]
	done
	filtered "$(number alarm)" 6
	[ "$output" = allowed ]
	filtered "$(number umask)" 0x1f
	[ "$output" = EAGAIN ]
	filtered "$(number umask)" 0x2f
	[ "$output" = allowed ]
}

@test "seccomp: an action can kill the process" {
	create '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	filtered "$(number mkdir)" 0
	[ "$status" -eq $((128 + 31)) ]
}

@test "seccomp: flags are passed on, and flags for threads are left out" {
	create '.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	[[ $(tr '\0' '\n' <"$description" | grep '^seccomp=') == seccomp=6:* ]]
	filtered true
	succeeds
}

@test "seccomp: architectures of other machines are left out" {
	local size
	create '.architectures = []'
	size=$(wc -c <"$description")
	runX delete --force c1
	create '.architectures = ["SCMP_ARCH_S390X", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_MIPSEL"]'
	[ "$(wc -c <"$description")" -eq "$size" ]
}

@test "seccomp: a program that is too long for the kernel is refused" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [.syscalls[0].names[:200] | to_entries[] | .key as $n | {names: [.value],
		action: "SCMP_ACT_ERRNO", errnoRet: $n, args: [range(6) | {index: ., value: ($n + 4294967296), op: "SCMP_CMP_EQ"}]}]}'
	runX create --bundle "$bundle" c1
	fails_with 'linux.seccomp: the profile is too long: the kernel takes 4096 instructions'
	nothing_left
}

@test "seccomp: without libseccomp a profile is refused, unless runX.conf turns seccomp off" {
	rm "$FAKE/libexec/seccomp"
	profile .
	runX create --bundle "$bundle" c1
	fails_with 'linux.seccomp needs '"$FAKE/libexec/seccomp"' and libseccomp (package libseccomp2): install them, or set seccomp = no'
	nothing_left
	echo 'seccomp = no' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(grep -zc '^seccomp=' "$RUNX_ROOT/c1/container")" -eq 0 ]
}

@test "seccomp: a helper without its library counts as missing" {
	printf '#!/bin/sh\necho "seccomp: error while loading shared libraries: x" >&2\nexit 127\n' >"$FAKE/helper"
	chmod 755 "$FAKE/helper"
	ln -sf "$FAKE/helper" "$FAKE/libexec/seccomp"
	profile .
	runX create --bundle "$bundle" c1
	fails_with 'linux.seccomp needs '
	nothing_left
}

# The helper alone: it names every record that it does not understand.

helper_says() {
	run "$top/out/$(uname -m)/seccomp" < <(printf "$1")
	[ "$status" -eq 125 ]
	[ "$output" = "linux.seccomp: $2" ]
}

@test "seccomp: the helper refuses an incomplete or malformed profile" {
	helper_says '' 'the profile is empty or cannot be read'
	helper_says 'default=0\0flags=0' 'the profile is incomplete'
	helper_says 'default=0\0flags\0' 'the profile is incomplete'
	helper_says 'flags=0\0' 'the profile does not begin with a default action'
	helper_says 'default=0\0colour=blue\0' 'the profile has an unknown record: colour'
	helper_says 'default=0\0name=read\0' 'the profile has an unknown record: name'
	helper_says 'default=0\0action=2147418112\0arg=x\0' 'not a 64-bit number: x'
	helper_says 'default=0\0action=2147418112\0arg=0:4:18446744073709551616:0\0' 'not a 64-bit number: 18446744073709551616:0'
	helper_says 'default=0\0action=2147418112\0arg=0:4\0' 'not INDEX:OPERATOR:VALUE:VALUE: 0:4'
	helper_says 'default=0\0action=2147418112\0arg=0:4:1:2:3\0' 'not INDEX:OPERATOR:VALUE:VALUE: 0:4:1:2:3'
	helper_says 'default=0\0action=2147418112\0arg=6:4:1:2\0' 'no system call has an argument with this index: 6:4:1:2'
	helper_says 'default=2143289344\0' 'libseccomp does not accept the default action'
}

@test "seccomp: conditions that would keep libseccomp busy for ever" {
	local rule
	rule='action=2147418112\0'$(printf 'arg=%d:1:RULE%d:0\\0' 0 1 1 2 2 3 3 4 4 5 5 6)'name=read\0'
	ulimit -S -t 1
	helper_says "default=327681\0flags=0\0$(for n in 1 2 3 4 5 6 7 8; do printf %s "${rule//RULE/$n}"; done)" \
		'libseccomp needs too much time for the conditions (args) of the profile: use fewer'
}

@test "seccomp: more names than a program has instructions" {
	profile '.syscalls[0].names = [range(4097) | "read"]'
	runX create --bundle "$bundle" c1
	fails_with 'linux.seccomp.syscalls: has '
	[[ $output == *'and the kernel takes a program of 4096 instructions' ]]
	nothing_left
}

@test "seccomp: a full disk is an error" {
	run sh -c "printf 'default=2147418112\0' | '$top/out/$(uname -m)/seccomp' >/dev/full"
	[ "$status" -eq 125 ]
	[ "$output" = "cannot write the container's seccomp program: No space left on device" ]
}

@test "seccomp: no object" { bad '[]' ': must be an object'; }
@test "seccomp: no default action" { bad 'del(.defaultAction)' '.defaultAction: must be a string'; }
@test "seccomp: an unknown default action" { bad '.defaultAction = "X"' '.defaultAction: unknown action: X'; }
@test "seccomp: a default action without an errno" {
	bad '.defaultAction = "SCMP_ACT_KILL"' '.defaultErrnoRet: SCMP_ACT_KILL has no errno'
}
@test "seccomp: an unknown action" { bad '.syscalls[3].action = "SCMP_ACT_FOO"' '.syscalls[3].action: unknown action: SCMP_ACT_FOO'; }
@test "seccomp: an errno for an action that has none" { bad '.syscalls[0].errnoRet = 1' '.syscalls[0].errnoRet: SCMP_ACT_ALLOW has no errno'; }
@test "seccomp: an errno that is negative" { bad '.syscalls[8].errnoRet = -1' '.syscalls[8].errnoRet: must be a whole number'; }
@test "seccomp: an unknown architecture" { bad '.architectures[1] = "SCMP_ARCH_VAX"' '.architectures[1]: unknown architecture: SCMP_ARCH_VAX'; }
@test "seccomp: an unknown flag" { bad '.flags = ["X"]' '.flags[0]: unknown flag: X'; }
@test "seccomp: a flag for SCMP_ACT_NOTIFY" {
	bad '.flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' '.flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for SCMP_ACT_NOTIFY'
}
@test "seccomp: calls that are no array" { bad '.syscalls = {}' '.syscalls: must be an array'; }
@test "seccomp: a rule without names" { bad '.syscalls[2].names = []' '.syscalls[2].names: must not be empty'; }
@test "seccomp: a name that is a number" { bad '.syscalls[2].names = [7]' '.syscalls[2].names[0]: must be a string'; }
@test "seccomp: an argument that no call has" { bad '.syscalls[1].args[0].index = 6' '.syscalls[1].args[0].index: must be a whole number from 0 to 5'; }
@test "seccomp: a condition without a value" { bad 'del(.syscalls[1].args[0].value)' '.syscalls[1].args[0].value: must be a whole number of 64 bits'; }
@test "seccomp: an unknown operator" { bad '.syscalls[1].args[0].op = "EQ"' '.syscalls[1].args[0].op: unknown operator: EQ'; }
@test "seccomp: SCMP_ACT_NOTIFY" { bad '.syscalls[1].action = "SCMP_ACT_NOTIFY"' '.syscalls[1].action: SCMP_ACT_NOTIFY is not supported'; }

# The number is written as text, because the jq that writes config.json here may round it too.
@test "seccomp: a number that this jq rounds is refused; a jq that does not round takes it" {
	profile '.syscalls[1].args[0].value = 12345'
	sed -i 's/12345/18446744073709551614/' "$bundle/config.json"
	runX create --bundle "$bundle" c1
	if [ "$(echo 9007199254740993 | jq .)" = 9007199254740993 ]; then
		succeeds
	else
		fails_with 'linux.seccomp.syscalls[1].args[0].value: this version of jq rounds such a large number: install jq 1.7 or later'
		nothing_left
	fi
}
