#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.resources and linux.cgroupsPath on real Xen: their effect on the VM, on Xen's scheduler and on the host.

load helpers
bats_require_minimum_version 1.5.0

@test "resources: the container's cgroup is its root, has limits and use as on a host, and no limit can be raised, also that of processes" {
	container "$(runs 'cat /proc/self/cgroup; cd /sys/fs/cgroup && cat memory.max memory.high memory.oom.group pids.max cpu.max cpu.weight &&
			grep -c . memory.events cpu.stat cpuset.cpus.effective && [ $(cat memory.current) -gt 65536 ] || exit
			for file in pids.max memory.max; do echo max >$file; cat $file; done
			for i in 1 2 3; do sleep 1000 & done; echo three; sleep 1000 & sleep 1000 & echo five')
		| .linux.resources += {pids: {limit: 4}, memory: {limit: 67108864}, unified: {\"memory.high\": \"62914560\", \"memory.oom.group\": \"1\", \"cpu.weight\": \"50\"}}
		| .mounts[-1].options = [\"nosuid\"]"
	[ "$status" -ne 0 ]
	[ "$(sed 's/:[1-9][0-9]*$/:n/' <<<"$output")" = "$(printf '%s\n' 0::/ 67108864 62914560 1 4 'max 100000' 50 \
		memory.events:n cpu.stat:n cpuset.cpus.effective:n 4 67108864 three)" ] || { echo "$output" "$stderr" && return 1; }
	[ "$(grep -c 'Operation not permitted' <<<"$stderr")" -eq 2 ]
	[[ ${#stderr_lines[@]} -eq 3 && $stderr == *"can't fork: Resource temporarily unavailable" ]] || { echo "$stderr" && return 1; }
}

# The rest is the kernel's, which must not have to look for its own last pages.
@test "resources: without a limit the container has nearly all memory that the kernel leaves" {
	conf 'memory = 64'
	container "$(runs 'free=$(sed -n "s/MemAvailable: *//p" /proc/meminfo); max=$(cat /sys/fs/cgroup/memory.max) && echo $((max / 1024)) $((${free% kB} + $(cat /sys/fs/cgroup/memory.current) / 1024))')"
	[ "$status" -eq 0 ]
	echo "memory.max: ${output% *} KiB, MemAvailable and memory.current: ${output#* } KiB"
	[ "${output% *}" -gt $((${output#* } * 85 / 100)) ]
	[ "${output% *}" -lt $((${output#* } - 512)) ]
}

@test "resources: memory, weight and cap of the domain" {
	bundle '.linux.resources += {memory: {limit: 100663296}, cpu: {quota: 25000, period: 100000, shares: 512}}'
	create
	says 0 '' ''
	[ "$("$bed" sh "xl sched-credit2 -d rx-$id | awk 'END { print \$3, \$4 }'")" = '128 25' ]
	[ "$("$bed" sh "xl list rx-$id | awk 'END { print \$3, \$4 }'")" = '128 1' ]
	dom0 runX delete "$id"
	says 0 '' ''
}

# pinned: prints the CPUs on which the container's VM may run (hard affinity)
pinned() {
	"$bed" sh "xl vcpu-list rx-$id | awk 'END { print \$(NF - 2) }'"
}

# bats test_tags=core
@test "resources: the domain is pinned to the CPU that it asks for, and update pins it to another" {
	local cpus
	# The core for another architecture runs on two CPUs.
	cpus=$("$bed" run xl info nr_cpus)
	[ "$cpus" != 1 ] || skip 'this machine has one CPU'
	bundle '.linux.resources += {cpu: {cpus: "1"}}'
	create
	says 0 '' ''
	[ "$(pinned)" = 1 ]
	dom0 runX update --cpuset-cpus 0 "$id"
	says 0 '' ''
	[ "$(pinned)" = 0 ]
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "resources: the proxy is in its control group, when all processes there are killed the VM ends too, and delete removes the group" {
	local pid
	bundle '.linux.cgroupsPath = "/rxtest/../rxtest/c1"'
	create
	pid=$("$bed" run cut -d ' ' -f 2 "/run/runX/$id/proxy")
	dom0 cat "/proc/$pid/cgroup"
	says 0 0::/rxtest/c1 ''
	# The guardian is not in it.
	dom0 cat /sys/fs/cgroup/rxtest/c1/cgroup.procs
	says 0 "$pid" ''
	dom0 sh -c "echo 1 >/sys/fs/cgroup/rxtest/c1/cgroup.kill && /usr/libexec/runX/control /run/runX/$id wait 60 && ! xl domid rx-$id"
	[ "$status" -eq 0 ]
	dom0 runX delete "$id"
	says 0 '' ''
	dom0 find /sys/fs/cgroup -name 'rxtest*'
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

# Without kernel-config/vmscan.patch, Linux without swap would read the last pages of files again and again, for minutes.
# tests/bench/memory does this 200 times. Long lines fill the memory quickly.
@test "resources: a program that takes all memory is killed alone, time and again, and its shell goes on" {
	local how
	for how in $roots; do
		conf "rootfs = $how" 'memory = 32'
		id=t$BATS_TEST_NUMBER-$how
		container "$(runs 'seq 1000000 | sort -n; echo $?; line=$(printf %01000d 0); for i in 1 2 3 4 5 6 7; do yes $line | sort; echo $?; done; grep "^oom_kill " /sys/fs/cgroup/memory.events')"
		says 0 "$(printf '%s\n' 137 137 137 137 137 137 137 137 'oom_kill 8')" "$(printf 'Killed\n%.0s' 1 2 3 4 5 6 7 8)"
	done
}

# dd keeps one block in memory. The VM has 64 MiB, so only the cgroup's limit can end it.
@test "resources: the container's own process is killed if it takes more than the limit" {
	container '.process.args = ["dd", "if=/dev/zero", "of=/dev/null", "bs=32M", "count=1"] | .linux.resources.memory.limit = 16777216'
	says 137 '' ''
}

@test "resources: with memory.oom.group all processes of the container end" {
	container "$(runs 'dd if=/dev/zero of=/dev/null bs=32M count=1; echo it goes on')
		| .linux.resources += {memory: {limit: 16777216}, unified: {\"memory.oom.group\": \"1\"}}"
	says 137 '' ''
}

@test "resources: a quota gives virtual CPUs; a process of exec is in the cgroup, and is killed alone" {
	bundle '.process.args = ["sleep", "1000"] | .linux.resources += {memory: {limit: 16777216}, cpu: {quota: 150000, period: 100000}}'
	create
	dom0 sh -c "runX start $id && ! runX exec $id dd if=/dev/zero of=/dev/null bs=32M count=1 && runX exec $id grep '^oom_kill ' /sys/fs/cgroup/memory.events
		runX exec $id grep -c ^processor /proc/cpuinfo"
	says 0 $'oom_kill 1\n2' ''
	dom0 runX delete --force "$id"
	says 0 '' ''
}

# The pages of files count, too, and can be reclaimed once they are written.
@test "resources: files that are larger than the limit are written and read" {
	local how
	for how in $roots; do
		conf "rootfs = $how" 'disk_headroom = 128'
		id=t$BATS_TEST_NUMBER-$how
		container "$(runs 'yes $(printf %01000d 7) | head -n 24000 >/big && wc -l </big && tail -n 1 /big | sed s/^0*// && grep "^oom_kill " /sys/fs/cgroup/memory.events; rm /big')
			| .linux.resources.memory.limit = 16777216"
		says 0 "$(printf '%s\n' 24000 7 'oom_kill 0')" ''
	done
}
