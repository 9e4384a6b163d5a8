#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX update and events on real Xen.

load helpers
bats_require_minimum_version 1.5.0

# sleeping PROGRAM: starts a container that sleeps, its bundle changed by a jq program
sleeping() {
	bundle '.process.args = ["sleep", "1000"]'" | $1"
	create
	dom0 runX start "$id"
	says 0 '' ''
}

gone() {
	dom0 runX delete --force "$id"
	says 0 '' ''
}

# shared: prints weight and cap from Xen's scheduler
shared() {
	"$bed" sh "xl sched-credit2 -d rx-$id | awk 'END { print \$3, \$4 }'"
}

@test "update: weight and cap of a VM that is created, runs or is paused; a limit that cannot change; a container that has ended" {
	bundle '.process.args = ["sleep", "1000"] | .linux.resources += {cpu: {shares: 512, quota: 50000}, pids: {limit: 42}}'
	create
	[ "$(shared)" = '128 50' ]
	dom0 runX update --cpu-share 256 "$id"
	says 0 '' ''
	[ "$(shared)" = '64 50' ]

	dom0 runX start "$id"
	says 0 '' ''
	dom0 runX update --cpu-share 2048 "$id"
	says 0 '' ''
	[ "$(shared)" = '512 50' ]
	dom0 sh -c "echo '{\"cpu\": {\"quota\": 20000, \"period\": 100000}}' | runX update --resources=- $id"
	says 0 '' ''
	[ "$(shared)" = '512 20' ]
	dom0 runX update --cpu-quota -1 "$id"
	says 0 '' ''
	[ "$(shared)" = '512 0' ]
	dom0 runX update --pids-limit 42 "$id"
	says 0 '' ''
	dom0 runX update --pids-limit 43 "$id"
	says 1 '' "runX: container $id: pids.limit cannot be changed: the VM's kernel got it at create, and only a new container can have another"

	dom0 sh -c "runX pause $id && runX update --cpu-share 512 $id && runX resume $id"
	says 0 '' ''
	[ "$(shared)" = '128 0' ]
	dom0 sh -c "runX kill $id KILL; /usr/libexec/runX/control /run/runX/$id wait 60; runX update --cpu-share 2 $id"
	says 1 '' "runX: container $id: container not running"
	gone
}

# takes MIB: waits until the VM has about so much memory
takes() {
	dom0 sh -c "until xl list rx-$id | awk 'END { exit !(\$3 > $1 - 6 && \$3 < $1 + 6) }'; do :; done"
	[ "$status" -eq 0 ]
}

# limits BYTES: waits until the container reads this memory.max, or up to 5 of 100 less, which the VM's kernel needs
limits() {
	dom0 sh -c "until max=\$(runX exec $id cat /sys/fs/cgroup/memory.max) && [ \$max -le $1 ] && [ \$max -ge $(($1 / 100 * 95)) ]; do :; done; echo \$max"
	[ "$status" -eq 0 ]
	echo "memory.max is $output, and $1 were asked for"
}

@test "update: memory of a running VM goes down and up, but not above the size at create" {
	sleeping '.linux.resources.memory.limit = 268435456'
	takes 288
	limits 268435456
	dom0 runX update --memory 128m "$id"
	says 0 '' ''
	takes 160
	limits 134217728
	dom0 runX update --memory 256m "$id"
	says 0 '' ''
	takes 288
	limits 268435456
	dom0 runX update --memory 257m "$id"
	says 1 '' "runX: container $id: its VM was made with 288 MiB, and memory.limit needs 289: only a new container can have more"
	gone
}

@test "events: once, and until the end" {
	sleeping '.linux.resources.memory.limit = 100663296'
	dom0 runX events --stats "$id"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	jq -e '.type == "stats" and .id == "'"$id"'" and .data.cpu.usage.total > 0' <<<"$output"
	[ "$(jq -c .data.memory.usage <<<"$output")" = '{"limit":134217728,"usage":134217728}' ]

	# The reader kills the container after the first event. Then events ends too.
	dom0 sh -c "mkfifo /b/$id/out; { runX events --interval 1s $id >/b/$id/out; echo \$? >/b/$id/rc; } &
		{ read -r line; runX kill $id KILL; cat >/dev/null; } </b/$id/out; wait; cat /b/$id/rc"
	says 0 0 ''
	dom0 runX events "$id"
	says 1 '' "runX: container $id: container not running"
	gone
}
