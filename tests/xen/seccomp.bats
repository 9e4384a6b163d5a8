#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp, as the guest's kernel enforces it. tests/unit/seccomp.bats tests everything that a profile can contain.

load helpers
bats_require_minimum_version 1.5.0

@test "seccomp: denied calls fail with their errno, all others work, and a call that kills ends the process by SIGSYS" {
	container '.process.args = ["sh", "-c", "grep Seccomp: /proc/self/status | tr -d \"\\t\"; mkdir /tmp/d; rmdir /tmp/d; echo on; exec ln -s x /tmp/d"]
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			{names: ["nosuchcall", "mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 30},
			{names: ["rmdir", "unlinkat"], action: "SCMP_ACT_ERRNO"},
			{names: ["symlink", "symlinkat"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	says $((128 + 31)) "$(printf '%s\n' Seccomp:2 on)" "$(printf '%s\n' \
		"mkdir: can't create directory '/tmp/d': Read-only file system" \
		"rmdir: '/tmp/d': Operation not permitted")"
}

@test "seccomp: without no_new_privileges, and for a user who is not root" {
	container '.process.args = ["sh", "-c", "grep -E \"^(CapEff|NoNewPrivs|Seccomp):\" /proc/self/status | tr -d \"\\t\"; id -u; mkdir /tmp/d"]
		| .process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000} | del(.process.capabilities)
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	says 1 "$(printf '%s\n' CapEff:0000000000000000 NoNewPrivs:0 Seccomp:2 1000)" \
		"mkdir: can't create directory '/tmp/d': Operation not permitted"
}

# The process has CAP_SYS_ADMIN, so only the profile can deny the mount.
@test "seccomp: under an engine's default profile programs run, and mounts are denied" {
	container '.process.args = ["sh", "-c", "ls / | grep -x proc; (sleep 0; echo sub) | cat; mount -t tmpfs none /proc 2>/dev/null || echo denied"]
		| .process.capabilities = ({bounding: ["CAP_SYS_ADMIN"]} | .effective = .bounding | .permitted = .bounding)
		| .linux.seccomp = '"$(cat "$top/tests/seccomp.json")"
	says 0 "$(printf '%s\n' proc sub denied)" ''
}
