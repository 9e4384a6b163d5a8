#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The control group that PID 1 makes in the guest. Here plain files stand for those of cgroup v2.

MIB=1048576

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ "$(id -u)" -eq 0 ] || skip 'only root changes its root'
	make -s -C "$top" out/tests/grouper
	cd "$BATS_TEST_TMPDIR"
	mkdir -p guest/proc guest/cgroup/container
	touch guest/cgroup/cgroup.subtree_control guest/cgroup/container/{cgroup.procs,memory.max,memory.high,pids.max}
	has 65536
}

# has KIB: the guest has so much memory available
has() {
	printf 'MemTotal: %s kB\nMemFree: 1 kB\nMemAvailable: %8s kB\n' $(($1 + 9999)) "$1" >guest/proc/meminfo
}

# group ARGUMENT…: makes the group; see tests/guest/grouper.c
group() {
	[ ! -e guest/cgroup/container ] || : >guest/cgroup/container/memory.max
	ASAN_OPTIONS=detect_leaks=0 run "$top/out/tests/grouper" guest "$@"
}

# limit: prints the group's memory.max
limit() {
	cat guest/cgroup/container/memory.max
}

@test "group: without a limit of config.json the kernel keeps 1 MiB and a 64th" {
	group
	[ "$status" -eq 0 ]
	[ "$(limit)" = $((64 * MIB - MIB - MIB)) ]
}

@test "group: a limit holds as it is, if the VM has so much" {
	group memory.max=33554433
	[ "$(limit)" = 33554433 ]
	group memory.max=$((63 * MIB))
	[ "$(limit)" = $((62 * MIB)) ]
	# Of several values the last one holds.
	group memory.max=1 memory.max=$((20 * MIB))
	[ "$(limit)" = $((20 * MIB)) ]
	group memory.max=1 memory.max=max
	[ "$(limit)" = $((62 * MIB)) ]
}

@test "group: other files get their values, and one that cannot be written is named" {
	group pids.max=42 memory.high=5
	[ "$status" -eq 0 ]
	[ "$(cat guest/cgroup/container/pids.max)" = 42 ]
	[ "$(cat guest/cgroup/container/memory.high)" = 5 ]
	group pids.max=42 cpu.max=max
	[ "$status" -eq 1 ]
	[ "$output" = "cannot set cpu.max of the container's control group: No such file or directory" ]
	group ../pids.max=1
	[ "$output" = "cannot set ../pids.max of the container's control group: Invalid argument" ]
}

@test "group: a kernel without control groups has the VM's memory as the limit, and no other" {
	rm -r guest/cgroup/*
	group memory.max=$((20 * MIB))
	[ "$status" -eq 0 ]
	group pids.max=42
	[ "$output" = "cannot set pids.max of the container's control group: No such file or directory" ]
	rm guest/proc/meminfo
	group
	[ "$status" -eq 0 ]
}

@test "group: its limit follows the VM's memory, never above what was asked for" {
	group memory.max=$((40 * MIB)) -$((10 * MIB))
	[ "$(limit)" = $((30 * MIB)) ]
	group memory.max=$((40 * MIB)) -$((10 * MIB)) 0
	[ "$(limit)" = $((40 * MIB)) ]
	group memory.max=$((40 * MIB)) +$((10 * MIB))
	[ "$(limit)" = $((40 * MIB)) ]
	group +$((10 * MIB))
	[ "$(limit)" = $((72 * MIB)) ]
	# A plain file keeps the last digit of the longer value.
	group -$((63 * MIB))
	[[ $(limit) == ${MIB}? ]]
}

@test "group: the kernel's kills are told once" {
	printf '%s\n' 'low 0' 'max 7' 'oom 3' 'oom_kill 2' 'oom_group_kill 1' >guest/cgroup/container/memory.events
	group killed killed
	[ "$output" = "$(printf '%s\n' yes no)" ]
	sed -i 's/oom_kill .*/oom_kill 0/' guest/cgroup/container/memory.events
	group killed
	[ "$output" = no ]
	rm guest/cgroup/container/memory.events
	group killed
	[ "$output" = no ]
}
