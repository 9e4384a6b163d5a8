#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container process as config.json describes it: what it may do, and what it sees.

load helpers
bats_require_minimum_version 1.5.0

@test "process: user, groups, umask, working directory, host name, capabilities, limits, no_new_privs, oom_score_adj, and HOME from /etc/passwd" {
	container "$(runs "id -u; id -g; id -G; umask; pwd; hostname; touch /tmp/f-$id && stat -c %u:%g:%a /tmp/f-$id"'
			grep -E "^(Cap|NoNew)" /proc/self/status | tr -d "\t"; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; echo $HOME')
		| .process.user = {uid: 1000, gid: 1001, additionalGids: [5, 60], umask: 7} | .process.cwd = \"/tmp\" | .hostname = \"somehost\""'
		| .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
			inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}
		| .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}] | .process.oomScoreAdj = 77'
	says 0 "$(printf '%s\n' 1000 1001 '1001 5 60' 0007 /tmp somehost 1000:1001:660 \
		CapInh:0000000000000020 CapPrm:0000000000000020 CapEff:0000000000000020 \
		CapBnd:0000000000000021 CapAmb:0000000000000020 NoNewPrivs:1 100 200 77)
$("$bed" run sed -n 's/^user:[^:]*:1000:[^:]*:[^:]*:\([^:]*\):.*/\1/p' /bundles/busybox/rootfs/etc/passwd)" ''
}

@test "process: without a capabilities object, rlimits and a hostname root has no capability, high limits and the host name of dom0" {
	container 'del(.process.capabilities) | del(.process.rlimits) | del(.hostname) | del(.linux.namespaces[] | select(.type == "uts"))
		| .process.args = ["sh", "-c", "grep CapEff /proc/self/status; ulimit -Sn; ulimit -Hn; grep processes /proc/self/limits | tr -s \" \"; hostname"]'
	says 0 "$(printf '%s\n' $'CapEff:\t0000000000000000' 1048576 1048576 'Max processes unlimited unlimited processes ')
$("$bed" run hostname)" ''
}

@test "process: a limit above what the kernel allows, and a HOME of its own" {
	container '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 2000000, hard: 2000000}] | .process.env += ["HOME=/own"]
		| .process.args = ["sh", "-c", "ulimit -n; cat /proc/sys/fs/nr_open; echo $HOME"]'
	says 0 "$(printf '%s\n' 2000000 2000000 /own)" ''
}

# io.bats tests that another stdin is none.
@test "process: without stdin it has /dev/null" {
	bundle '.process.args = ["sh", "-c", "test -c /dev/stdin && cat && readlink /proc/self/fd/0"]'
	dom0 sh -c "runX run --bundle /b/$id $id </dev/null"
	says 0 /dev/null ''
}

@test "process: masked and read-only paths, sysctl, domain name and devices" {
	container '.process.args = ["sh", "-c", "wc -c </proc/meminfo; ls /proc/fs; echo 1 >/proc/sys/kernel/panic; ls /bin | wc -l
			cat /proc/sys/kernel/msgmax /proc/sys/kernel/domainname; stat -c \"%t:%T %a %u %F\" /dev/sub/fuse"]
		| .linux.maskedPaths = ["/proc/meminfo", "/proc/fs", "/nowhere", "/bin/nosuch/x"] | .linux.readonlyPaths = ["/proc/sys"]
		| .linux.sysctl = {"kernel.msgmax": "4242"} | .domainname = "example"
		| .linux.devices = [{type: "c", path: "/dev/sub/fuse", major: 10, minor: 229, fileMode: 420, uid: 1000}]'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${#lines[@]}" -eq 5 ]
	[ "$(printf '%s\n' "${lines[@]:2}")" = "$(printf '%s\n' 4242 example 'a:e5 644 1000 character special file')" ]
	[[ $stderr == *'/proc/sys/kernel/panic: Read-only file system' ]]
}
