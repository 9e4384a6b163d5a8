#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX update: which requests become calls of xl, which need nothing, and which are refused.

load helpers

# limited STATE: makes a container with all limits, in this state
limited() {
	config '.linux.resources += {memory: {limit: 268435456}, pids: {limit: 42},
		cpu: {quota: 150000, period: 100000, shares: 512, cpus: "0-1"}}'
	in_state "$1"
	: >"$FAKE/calls"
}

# update JSON: runs update with these resources in a file; $xl has its calls of xl
update() {
	printf '%s' "$1" >"$BATS_TEST_TMPDIR/resources"
	runX update --resources "$BATS_TEST_TMPDIR/resources" c1
	xl=$(sed -n 's/^xl //p' "$FAKE/calls" | paste -sd ';')
	: >"$FAKE/calls"
}

# becomes JSON CALLS: update succeeds, and calls xl like this
becomes() {
	update "$1"
	succeeds
	[ -z "$output" ]
	[ "$xl" = "$2" ] || { echo "wanted: $2" "got: $xl" && return 1; }
}

# refused JSON WORDS: update fails with these words, and does not call xl
refused() {
	update "$1"
	fails_with "$2"
	[ -z "$xl" ]
}

@test "update: memory, down and up again" {
	limited running
	becomes '{"memory": {"limit": 134217728}}' 'mem-set 7 160m'
	becomes '{"memory": {"limit": 134217728}}' ''
	becomes '{"memory": {"limit": 1}}' 'mem-set 7 64m'
	becomes '{"memory": {"limit": -1}}' 'mem-set 7 288m'
}
@test "update: more memory than the VM was made with" {
	limited running
	refused '{"memory": {"limit": 268435457}, "cpu": {"shares": 2}}' \
		'container c1: its VM was made with 288 MiB, and memory.limit needs 289: only a new container can have more'
}
@test "update: shares" {
	limited running
	becomes '{"cpu": {"shares": 2048}}' 'sched-credit2 -d 7 -w 512 -c 150'
}
@test "update: a quota, alone and with a period" {
	limited running
	becomes '{"cpu": {"quota": 50000}}' 'sched-credit2 -d 7 -w 128 -c 50'
	becomes '{"cpu": {"period": 200000}}' 'sched-credit2 -d 7 -w 128 -c 25'
	becomes '{"cpu": {"quota": 50000, "period": 50000}}' 'sched-credit2 -d 7 -w 128 -c 100'
	becomes '{"cpu": {"quota": -1}}' 'sched-credit2 -d 7 -w 128 -c 0'
}
@test "update: a quota for more CPUs than the VM has becomes one for all its CPUs" {
	limited running
	becomes '{"cpu": {"quota": 900000}}' 'sched-credit2 -d 7 -w 128 -c 200'
	becomes '{"cpu": {"quota": 800000}}' ''
}
@test "update: CPUs" {
	limited running
	becomes '{"cpu": {"cpus": "2,4-5"}}' 'vcpu-pin 7 all 2,4-5'
}
@test "update: all at once" {
	limited running
	becomes '{"memory": {"limit": 67108864}, "cpu": {"shares": 1024, "quota": 10000, "cpus": "3"}, "pids": {"limit": 42}}' \
		'mem-set 7 96m;sched-credit2 -d 7 -w 256 -c 10;vcpu-pin 7 all 3'
}
@test "update: created" {
	limited created
	becomes '{"cpu": {"shares": 2048}}' 'sched-credit2 -d 7 -w 512 -c 150'
}
@test "update: paused" {
	limited paused
	becomes '{"cpu": {"shares": 2048}}' 'sched-credit2 -d 7 -w 512 -c 150'
}

@test "update: values that do not concern the VM" {
	limited running
	becomes '{}' ''
	becomes '{"blockIO": {"weight": 0}, "unified": {"memory.swap.max": "1"}, "devices": [], "cpu": {"mems": "", "realtimePeriod": 0}}' ''
	becomes '{"memory": {"limit": 0, "swap": 0}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": ""}, "pids": {"limit": 0}}' ''
}
@test "update: values that the VM has already" {
	limited running
	becomes "$(jq -c .linux.resources "$bundle/config.json")" ''
}

@test "update: the limit of processes cannot change" {
	limited running
	becomes '{"pids": {"limit": 42}}' ''
	refused '{"pids": {"limit": 43}}' 'container c1: pids.limit cannot be changed'
	refused '{"pids": {"limit": -1}, "cpu": {"shares": 2}}' 'container c1: pids.limit cannot be changed'
}

@test "update: no id" { runX update --memory 64m && false || fails_with 'container id: none given'; }

@test "update: resources from stdin, as from containerd and CRI-O" {
	local words weight=0
	limited running
	for words in --resources=- '--resources -' '-r -'; do
		: >"$FAKE/calls"
		weight=$((weight + 1))
		# shellcheck disable=SC2086 # a list of words
		${RUNX_SHELL:-dash} "$top/runX" update $words c1 <<<"{\"cpu\": {\"shares\": $((weight * 4))}}"
		[ "$(cat "$FAKE/calls")" = "xl sched-credit2 -d 7 -w $weight -c 150" ]
	done
}

@test "update: options of the command line" {
	limited running
	runX update --memory 128M --cpu-quota 20000 --cpu-period=50000 --cpu-share 4096 --cpuset-cpus 5 --pids-limit 42 c1
	succeeds
	[ "$(sed 's/^xl //' "$FAKE/calls" | paste -sd ';')" = 'mem-set 7 160m;sched-credit2 -d 7 -w 1024 -c 40;vcpu-pin 7 all 5' ]
	: >"$FAKE/calls"
	runX update --memory -1 --cpu-quota -1 c1
	succeeds
	[ "$(sed 's/^xl //' "$FAKE/calls" | paste -sd ';')" = 'mem-set 7 288m;sched-credit2 -d 7 -w 1024 -c 0' ]
}

@test "update: sizes of memory" {
	local size
	limited running
	for size in 134217728 131072k 128m 128M 128MB 128MiB 134217728b 0.125g; do
		runX update --memory "$size" c1
		succeeds
		grep -qx 'xl mem-set 7 160m' "$FAKE/calls"
		: >"$FAKE/calls"
		runX update --memory -1 c1
	done
}

@test "update: options of runc that mean nothing to a VM, and those that ask for nothing" {
	limited running
	runX update --memory-swap 1 --memory-reservation 1 --kernel-memory 0 --blkio-weight 0 --cpuset-mems '' --memory '' c1
	succeeds
	[ -z "$output" ]
	[ ! -s "$FAKE/calls" ]
}

@test "update: options for what a VM cannot have are warned about, as their keys are" {
	local key
	limited running
	runX update --kernel-memory 1m --kernel-memory-tcp 1 --blkio-weight 1 --cpu-burst 1 --cpu-rt-period 1 --cpu-rt-runtime 1 \
		--cpuset-mems 0 --l3-cache-schema x --mem-bw-schema x c1
	succeeds
	for key in memory.kernel memory.kernelTCP blockIO cpu.burst cpu.realtimePeriod cpu.realtimeRuntime cpu.mems linux.intelRdt; do
		grep -q "^runX: warning: $key is ignored: " <<<"$output" || { echo "no warning names $key: $output" && return 1; }
	done
	[ "${#lines[@]}" -eq 8 ]
	[ ! -s "$FAKE/calls" ]
}

@test "update: an idle container gets the least weight" {
	limited running
	runX update --cpu-idle 1 c1
	succeeds
	[ "$(cat "$FAKE/calls")" = 'xl sched-credit2 -d 7 -w 1 -c 150' ]
}

@test "update: of many files in unified, a few are named" {
	limited running
	update "$(jq -n '{unified: ([range(1000) | {"memory.x\(.)": "1"}] | add)}')"
	succeeds
	[ "${#lines[@]}" -eq 9 ]
	[[ ${lines[8]} == *'more warnings of this kind'* ]]
}

@test "update: resources larger than a config.json can be are refused" {
	limited running
	head -c 4194305 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/resources"
	runX update --resources "$BATS_TEST_TMPDIR/resources" c1
	fails_with 'container c1: cannot update resources: they have more than 4194304 bytes'
}

@test "update: malformed values" {
	limited running
	refused '{"memory": {"limit": "1"}}' 'container c1: cannot update resources: memory.limit: must be a whole number'
	refused '{"cpu": {"cpus": "x"}}' 'cannot update resources: cpu.cpus: must be a list of numbers and ranges'
	refused '[]' 'cannot update resources: resources: must be an object'
	refused '{"cpu": ' 'cannot update resources: not JSON'
	refused '' 'cannot update resources: no JSON was given'
	runX update --memory x1 c1
	fails_with 'cannot update resources: --memory: must be a number, not x1'
	runX update --cpu-share '"; id' c1
	fails_with 'cannot update resources: --cpu-share: must be a number, not "; id'
	runX update --resources /nowhere c1
	fails_with 'cannot read the resources in /nowhere'
}

@test "update: if a call of xl fails, the error says so, and the earlier calls are remembered" {
	limited running
	export XL_FAIL=sched-credit2
	update '{"memory": {"limit": 134217728}, "cpu": {"shares": 1024, "quota": 10000, "cpus": "3"}}'
	fails_with 'container c1: xl cannot set weight and cap of its domain 7 (xl info'
	unset XL_FAIL
	becomes '{"memory": {"limit": 134217728}, "cpu": {"cpus": "3", "quota": 150000}}' ''
	becomes '{"cpu": {"shares": 1024, "quota": 10000}}' 'sched-credit2 -d 7 -w 256 -c 10'
	XL_FAIL=mem-set update '{"memory": {"limit": 1}}'
	fails_with 'container c1: xl cannot set the memory of its domain 7 to 64 MiB'
	XL_FAIL=vcpu-pin update '{"cpu": {"cpus": "9"}}'
	fails_with 'container c1: xl cannot pin its domain 7 to these CPUs'
}

@test "update: it starts jq once" {
	limited running
	printf '#!/bin/sh\necho jq >>"$FAKE/calls"\nexec %s "$@"\n' "$(command -v jq)" >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	runX update --cpu-share 1024 c1
	succeeds
	[ "$(calls jq)" -eq 1 ]
	[ "$(calls xl)" -eq 1 ]
}

@test "update: several JSON documents in the resources are refused, from a file and from stdin" {
	in_state running
	echo '{"cpu": {"shares": 512}} {"cpu": {"shares": 2}}' >"$BATS_TEST_TMPDIR/resources.json"
	runX update --resources "$BATS_TEST_TMPDIR/resources.json" c1
	fails_with 'container c1: cannot update resources: has 2 JSON documents, and must have only one'
	# shellcheck disable=SC2086 # "busybox sh" is two words
	run ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json update --resources - c1 <"$BATS_TEST_TMPDIR/resources.json"
	fails_with 'container c1: cannot update resources: has 2 JSON documents, and must have only one'
}

@test "update: the record is never empty for a reader, and the shorter one counts" {
	local size cpus
	in_state running
	runX update --cpuset-cpus 0-1,2,3,4 c1
	succeeds
	size=$(stat -c %s "$RUNX_ROOT/c1/resources")
	runX update --cpuset-cpus 0 c1
	succeeds
	# It was never cut: the new one lies over the old one, and only its first line counts.
	[ "$(stat -c %s "$RUNX_ROOT/c1/resources")" -eq "$size" ]
	read -r _ _ _ _ _ _ _ _ cpus <"$RUNX_ROOT/c1/resources"
	[ "$cpus" = 0 ]
	runX update --cpuset-cpus 1 c1
	succeeds
	[ "$(tail -n 1 "$FAKE/calls")" = 'xl vcpu-pin 7 all 1' ]
}
