#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container process as config.json describes it: what it may do, and what it sees.

load helpers
bats_require_minimum_version 1.5.0

@test "process: capabilities, limits, no_new_privs and oom_score_adj" {
	container '.process.args = ["sh", "-c", "grep -E \"^(Cap|NoNew)\" /proc/self/status | tr -d \"\\t\"; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj"]
		| .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
			inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}
		| .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}]
		| .process.user = {uid: 1000, gid: 1000} | .process.oomScoreAdj = 77'
	says 0 "$(printf '%s\n' CapInh:0000000000000020 CapPrm:0000000000000020 CapEff:0000000000000020 \
		CapBnd:0000000000000021 CapAmb:0000000000000020 NoNewPrivs:1 100 200 77)" ''
}

@test "process: without a capabilities object even root has none" {
	container 'del(.process.capabilities) | .process.args = ["grep", "CapEff", "/proc/self/status"]'
	says 0 "$(printf 'CapEff:\t0000000000000000')" ''
}

@test "process: HOME comes from /etc/passwd if it is not set" {
	container '.process.args = ["sh", "-c", "echo $HOME"] | .process.user = {uid: 1000, gid: 1000}'
	[ "$output" = "$("$bed" run sed -n 's/^user:[^:]*:1000:[^:]*:[^:]*:\([^:]*\):.*/\1/p' /bundles/busybox/rootfs/etc/passwd)" ]
	id=$id-2
	container '.process.args = ["sh", "-c", "echo $HOME"] | .process.env += ["HOME=/own"]'
	says 0 /own ''
}

@test "process: limits without rlimits, and one above what the kernel allows" {
	container 'del(.process.rlimits) | .process.args = ["sh", "-c", "ulimit -Sn; ulimit -Hn; grep processes /proc/self/limits | tr -s \" \""]'
	says 0 "$(printf '%s\n' 1048576 1048576 'Max processes unlimited unlimited processes ')" ''
	id=$id-2
	container '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 2000000, hard: 2000000}] | .process.args = ["sh", "-c", "ulimit -n; cat /proc/sys/fs/nr_open"]'
	says 0 "$(printf '2000000\n2000000')" ''
}

@test "process: without a hostname it has that of dom0" {
	container 'del(.hostname) | del(.linux.namespaces[] | select(.type == "uts")) | .process.args = ["hostname"]'
	says 0 "$("$bed" run hostname)" ''
}

@test "process: without stdin it has /dev/null" {
	bundle '.process.args = ["sh", "-c", "test -c /dev/stdin && cat && readlink /proc/self/fd/0"]'
	dom0 sh -c "runX run --bundle /b/$id $id </dev/null"
	says 0 /dev/null ''
	dom0 sh -c "echo word | runX run --bundle /b/$id $id"
	says 1 '' ''
}

@test "process: masked and read-only paths" {
	container '.process.args = ["sh", "-c", "wc -c </proc/meminfo; ls /proc/fs; echo 1 >/proc/sys/kernel/panic; ls /bin | wc -l"]
		| .linux.maskedPaths = ["/proc/meminfo", "/proc/fs", "/nowhere", "/bin/nosuch/x"] | .linux.readonlyPaths = ["/proc/sys"]'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *'/proc/sys/kernel/panic: Read-only file system' ]]
}

@test "process: sysctl, domain name and devices" {
	container '.process.args = ["sh", "-c", "cat /proc/sys/kernel/msgmax /proc/sys/kernel/domainname; stat -c \"%t:%T %a %u %F\" /dev/sub/fuse"]
		| .linux.sysctl = {"kernel.msgmax": "4242"} | .domainname = "example"
		| .linux.devices = [{type: "c", path: "/dev/sub/fuse", major: 10, minor: 229, fileMode: 420, uid: 1000}]'
	says 0 "$(printf '%s\n' 4242 example 'a:e5 644 1000 character special file')" ''
}
