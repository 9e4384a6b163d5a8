#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.resources and linux.cgroupsPath on real Xen: their effect on the VM, on Xen's scheduler and on the host.

load helpers
bats_require_minimum_version 1.5.0

@test "resources: the container can have as many processes as pids.limit allows, and no more" {
	container '.process.args = ["sh", "-c", "for i in 1 2 3; do sleep 1000 & done; echo three; sleep 1000 & sleep 1000 & echo five"]
		| .linux.resources.pids.limit = 4'
	[ "$status" -ne 0 ]
	[ "$output" = three ]
	[[ $stderr == *"can't fork: Resource temporarily unavailable"* ]]
}

@test "resources: the container sees its cgroup as the root, and cannot raise the limit" {
	container '.process.args = ["sh", "-c", "cat /proc/self/cgroup; cd /sys/fs/cgroup; echo max >pids.max; cat pids.max"]
		| .linux.resources.pids.limit = 42 | .mounts[-1].options = ["nosuid"]'
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '0::/\n42')" ]
	[[ $stderr == *'Operation not permitted'* ]]
}

@test "resources: without a limit of processes there is no cgroup" {
	container '.process.args = ["sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup | grep -c pids.max"] | .linux.resources.pids.limit = -1'
	says 1 "$(printf '0::/\n0')" ''
}

@test "resources: a quota gives virtual CPUs" {
	container '.process.args = ["grep", "-c", "^processor", "/proc/cpuinfo"] | .linux.resources.cpu = {quota: 150000, period: 100000}'
	says 0 2 ''
}

@test "resources: memory, weight, cap and pinning of the domain" {
	bundle '.linux.resources += {memory: {limit: 100663296}, cpu: {quota: 25000, period: 100000, shares: 512, cpus: "1"}}'
	create
	says 0 '' ''
	[ "$("$bed" sh "xl sched-credit2 -d rx-$id | awk 'END { print \$3, \$4 }'")" = '128 25' ]
	[ "$("$bed" sh "xl list rx-$id | awk 'END { print \$3, \$4 }'")" = '128 1' ]
	[ "$("$bed" sh "xl vcpu-list rx-$id | awk 'END { print \$(NF - 2) }'")" = 1 ]
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "resources: the proxy is in its control group, and delete removes the group" {
	local pid
	bundle '.linux.cgroupsPath = "/rxtest/../rxtest/c1"'
	create
	pid=$("$bed" run cut -d ' ' -f 2 "/run/runX/$id/proxy")
	dom0 cat "/proc/$pid/cgroup"
	says 0 0::/rxtest/c1 ''
	# The guardian is not in it.
	dom0 cat /sys/fs/cgroup/rxtest/c1/cgroup.procs
	says 0 "$pid" ''
	dom0 runX delete "$id"
	says 0 '' ''
	dom0 find /sys/fs/cgroup -name 'rxtest*'
	says 0 '' ''
}

@test "resources: when all processes in the control group are killed, the VM ends too" {
	bundle '.linux.cgroupsPath = "/rxtest/c1"'
	create
	dom0 sh -c "echo 1 >/sys/fs/cgroup/rxtest/c1/cgroup.kill && /usr/libexec/runX/control /run/runX/$id wait 60 && ! xl domid rx-$id"
	[ "$status" -eq 0 ]
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "resources: a cgroupsPath in systemd's notation" {
	bundle '.linux.cgroupsPath = "rxtest-a.slice:test:c1"'
	dom0 sh -c "runX --systemd-cgroup create --bundle /b/$id $id </dev/null >/dev/null 2>&1
		cut -d ' ' -f 2 /run/runX/$id/proxy | cmp - /sys/fs/cgroup/rxtest.slice/rxtest-a.slice/test-c1.scope/cgroup.procs"
	says 0 '' ''
	dom0 runX delete "$id"
	says 0 '' ''
	dom0 find /sys/fs/cgroup -name 'rxtest*'
	says 0 '' ''
}

@test "resources: the proxy is in the control group where containerd looks for it" {
	dom0 ctr run -d --runc-binary=/usr/sbin/runX --memory-limit 67108864 runx.test/busybox:latest "$id" sleep 1000
	says 0 '' ''
	dom0 sh -c "cat /proc/\$(ctr task ls | awk '\$1 == \"$id\" { print \$2 }')/cgroup"
	says 0 "0::/default/$id" ''
	dom0 ctr task metrics "$id"
	[ "$status" -eq 0 ]
	dom0 sh -c "ctr task rm -f $id; ctr container rm $id; ls /sys/fs/cgroup/default/$id 2>/dev/null || :"
	[ "$status" -eq 0 ]
	[[ $output != *cgroup.procs* ]]
}

# Without kernel-config/vmscan.patch, Linux without swap would read the last pages of files again and again, for ever.
# This test is known to fail one time in 25: then seq is killed too. The defect is open (docs/limitations.md).
@test "resources: a process that takes all memory is killed, and the others go on" {
	local how
	for how in $roots; do
		conf "rootfs = $how" 'memory = 32'
		id=t$BATS_TEST_NUMBER-$how
		container "$(runs 'seq 1000000 | sort -n; echo $?')"
		says 0 137 Killed
	done
}
