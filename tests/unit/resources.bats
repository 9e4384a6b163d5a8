#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.resources in create: what the VM gets, and what create tells the guest.

load helpers

# sized PROGRAM LINES: this linux.resources (a jq program) gives these lines in xl's configuration
sized() {
	local got
	config ".linux.resources += $1"
	runX create --bundle "$bundle" c1
	succeeds
	got=$(grep -E '^(memory|vcpus|cpu_weight|cap|cpus) =' "$FAKE/xl.cfg" | sed 's/ = /=/' | xargs)
	[ "$got" = "$2" ] || { echo "wanted: $2" "got: $got" && return 1; }
}

default='memory=128 vcpus=1'

@test "resources: none" {
	sized '{}' "$default"
}
@test "resources: no object at all" {
	config 'del(.linux.resources)'
	sized '{}' "$default"
}
@test "resources: empty ones, as from an engine that sets nothing" {
	sized '{memory: {limit: 0, swap: 0}, cpu: {shares: 0, quota: 0, period: 0, cpus: "", mems: ""}, pids: {limit: 0}}' "$default"
	[ -z "$(records cgroup)" ]
}
@test "resources: a memory limit, with room for the kernel" {
	sized '{memory: {limit: 268435456}}' 'memory=288 vcpus=1'
}
@test "resources: a large memory limit needs more for its kernel" {
	sized '{memory: {limit: 1073741824}}' 'memory=1075 vcpus=1'
}

@test "resources: a memory limit between two MiB" {
	sized '{memory: {limit: 268435457}}' 'memory=289 vcpus=1'
}
@test "resources: a memory limit below the smallest VM that boots" {
	sized '{memory: {limit: 4194304}}' 'memory=64 vcpus=1'
}
@test "resources: no memory limit, as -1 and in the notation of cgroup v1" {
	sized '{memory: {limit: -1}}' "$default"
	runX delete --force c1
	sized '{memory: {limit: 9223372036854771712}}' "$default"
}
@test "resources: other members of memory are not read" {
	sized '{memory: {reservation: 1, swap: -1, kernel: 5, kernelTCP: 5, swappiness: 0, disableOOMKiller: false, useHierarchy: true}}' "$default"
}

@test "resources: a quota over one CPU gives more of them" {
	sized '{cpu: {quota: 150000, period: 100000}}' 'memory=128 vcpus=2 cap=150'
}
@test "resources: a quota below one CPU caps it" {
	sized '{cpu: {quota: 25000}}' 'memory=128 vcpus=1 cap=25'
}
@test "resources: a part of a percent is rounded up to one" {
	sized '{cpu: {quota: 1001, period: 1000000}}' 'memory=128 vcpus=1 cap=1'
}
@test "resources: no quota" {
	sized '{cpu: {quota: -1, period: 100000}}' "$default"
}
@test "resources: a quota of more CPUs than a VM may have" {
	sized '{cpu: {quota: 6400000, period: 100000}}' 'memory=128 vcpus=8 cap=800'
}
@test "resources: numbers of CPUs that runX.conf sets" {
	printf '%s\n' 'vcpus = 3' 'max_vcpus = 2' >>"$RUNX_CONF"
	sized '{}' 'memory=128 vcpus=3'
	runX delete --force c1
	sized '{cpu: {quota: 9000000}}' 'memory=128 vcpus=3 cap=300'
}
@test "resources: shares become a weight" {
	sized '{cpu: {shares: 512}}' 'memory=128 vcpus=1 cpu_weight=128'
}
@test "resources: the least and the most shares" {
	sized '{cpu: {shares: 2}}' 'memory=128 vcpus=1 cpu_weight=1'
	runX delete --force c1
	sized '{cpu: {shares: 262144}}' 'memory=128 vcpus=1 cpu_weight=65535'
}
@test "resources: full shares are Xen's default weight" {
	sized '{cpu: {shares: 1024}}' "$default"
}
@test "resources: a list of CPUs pins the VM" {
	sized '{cpu: {cpus: "0-3,5"}}' 'memory=128 vcpus=1 cpus=0-3,5'
}

@test "resources: the guest limits processes" {
	sized '{pids: {limit: 42}}' "$default"
	[ "$(records cgroup)" = pids.max=42 ]
}
@test "resources: no limit of processes" {
	sized '{pids: {limit: -1}}' "$default"
	[ -z "$(records cgroup)" ]
	runX delete --force c1
	sized '{pids: {limit: 9223372036854775807}}' "$default"
	[ -z "$(records cgroup)" ]
}

@test "resources: the guest limits memory to the container's own limit, not to its VM's memory" {
	sized '{memory: {limit: 268435457}}' 'memory=289 vcpus=1'
	[ "$(records cgroup)" = memory.max=268435457 ]
	runX delete --force c1
	sized '{memory: {limit: -1}, pids: {limit: 0}}' "$default"
	[ -z "$(records cgroup)" ]
}

# The last of several values holds in the guest.
@test "resources: the guest gets the files of unified that it can have, behind the limits of other keys" {
	sized '{pids: {limit: 7}, memory: {limit: 134217728}, unified: {"memory.high": "100663296", "memory.max": "max", "memory.low": "0",
		"memory.min": "4096", "memory.oom.group": "1", "pids.max": "8", "cpu.max": "max 100000", "cpu.weight": "10", "cpu.weight.nice": "-5",
		"cpu.idle": "0", "cgroup.max.depth": "2", "cgroup.max.descendants": "max"}}' 'memory=160 vcpus=1'
	[ -z "$output" ]
	records cgroup | diff - <(printf '%s\n' pids.max=7 memory.max=134217728 memory.high=100663296 memory.max=max memory.low=0 memory.min=4096 \
		memory.oom.group=1 pids.max=8 'cpu.max=max 100000' cpu.weight=10 cpu.weight.nice=-5 cpu.idle=0 cgroup.max.depth=2 cgroup.max.descendants=max)
}
@test "resources: unified alone, as kubelet writes it" {
	sized '{unified: {"memory.oom.group": "1", "memory.swap.max": "0"}}' "$default"
	[ -z "$output" ]
	[ "$(records cgroup)" = memory.oom.group=1 ]
}
@test "resources: files of unified that a VM does not take are warned about" {
	sized '{unified: {"io.max": "8:0 rbps=1", "cgroup.kill": "1", "memory.max/../x": "1", "../pids.max": "5"}}' "$default"
	[ -z "$(records cgroup)" ]
	[ "$(sed -n 's/^runX: warning: linux.resources.unified: \(.*\) is ignored: the control group in the VM does not take it$/\1/p' <<<"$output" | xargs -d '\n')" = \
		'../pids.max cgroup.kill io.max memory.max/../x' ]
}
@test "resources: values of unified that the files cannot have" {
	local file value
	for file in 'memory.high="1g"' 'memory.max=""' 'memory.max="-1"' 'memory.low="1 "' 'memory.min="1\n2"' 'memory.max="9999999999999999999"'; do
		bad ".linux.resources.unified = {\"${file%%=*}\": ${file#*=}}" "linux.resources.unified: ${file%%=*}: must be a number of bytes, or max"
	done
	bad '.linux.resources.unified = {"memory.oom.group": "2"}' 'linux.resources.unified: memory.oom.group: must be 0 or 1, not 2'
	bad '.linux.resources.unified = {"pids.max": 5}' 'linux.resources.unified: pids.max: must be a string'
	bad '.linux.resources.unified = {"cpu.max": "5 x"}' 'linux.resources.unified: cpu.max: must be a quota or max, and perhaps a period, in microseconds, not 5 x'
	bad '.linux.resources.unified = {"cpu.weight.nice": "-"}' 'linux.resources.unified: cpu.weight.nice: must be a number, not -'
	for value in '' 'max\nx' '5\n' '1 12345678' '1 2 3' ' 1' '1 ' '-1 1' '1 max' 1234567890123; do
		bad ".linux.resources.unified = {\"cpu.max\": \"$value\"}" 'linux.resources.unified: cpu.max: must be a quota or max'
	done
	bad '.linux.resources.unified = {"cpu.weight.nice": "100"}' 'linux.resources.unified: cpu.weight.nice: must be a number, not 100'
	bad '.linux.resources.unified = {"cpu.weight.nice": "--1"}' 'linux.resources.unified: cpu.weight.nice: must be a number, not --1'
	bad '.linux.resources.unified = {"memory.high": "1234567890123456789"}' 'linux.resources.unified: memory.high: must be a number of bytes, or max'
	bad '.linux.resources.unified = ["pids.max"]' 'linux.resources.unified: must be an object'
}

@test "resources: unified's bandwidth, with and without a period, and a negative nice value" {
	creates '.linux.resources = {unified: {"cpu.max": "max 1234567", "cpu.weight.nice": "-20", "cpu.weight": "10000", "memory.low": "123456789012345678"}}'
	[ "$(records cgroup | sort | xargs)" = 'cpu.max=max 1234567 cpu.weight.nice=-20 cpu.weight=10000 memory.low=123456789012345678' ] || { records cgroup && return 1; }
	runX delete c1
	creates '.linux.resources = {unified: {"cpu.max": "123456789012"}}'
	[ "$(records cgroup)" = 'cpu.max=123456789012' ]
}
# jq may be built without its library for them (oniguruma), and their ^ and $ are those of a line.
@test "resources: no jq program needs regular expressions" {
	! grep -nE '(^|[^A-Za-z_$.])(test|match|capture|scan|splits|sub|gsub|ascii)\(' "$top"/lib/json/*.jq
}
@test "resources: an idle group has the least weight, whatever its shares are" {
	sized '{cpu: {idle: 1, shares: 2048}}' "$default cpu_weight=1"
	runX delete --force c1
	sized '{cpu: {idle: 0, shares: 2048}}' "$default cpu_weight=512"
}

@test "resources: no object" { bad '.linux.resources = 5' 'linux.resources: must be an object'; }
@test "resources: memory that is a number" { bad '.linux.resources.memory = 5' 'linux.resources.memory: must be an object'; }
@test "resources: a memory limit that is a text" {
	bad '.linux.resources.memory.limit = "1g"' 'linux.resources.memory.limit: must be a whole number'
}
@test "resources: a fractional memory limit" {
	bad '.linux.resources.memory.limit = 1.5' 'linux.resources.memory.limit: must be a whole number'
}
@test "resources: a quota that is a text" {
	bad '.linux.resources.cpu.quota = "1"' 'linux.resources.cpu.quota: must be a whole number'
}
@test "resources: a negative period" {
	bad '.linux.resources.cpu.period = -5' 'linux.resources.cpu.period: must be a whole number'
}
@test "resources: negative shares" {
	bad '.linux.resources.cpu.shares = -1' 'linux.resources.cpu.shares: must be a whole number'
}
@test "resources: pids that are a text" {
	bad '.linux.resources.pids.limit = "max"' 'linux.resources.pids.limit: must be a whole number'
}
@test "resources: malformed lists of CPUs" {
	local list
	for list in all 1- -1 3-1 1,,2 '0 ' 1-2-3 '0"' ^1 99999999; do
		bad ".linux.resources.cpu.cpus = \"${list//\"/\\\"}\"" 'linux.resources.cpu.cpus: must be a list of numbers and ranges'
	done
	bad '.linux.resources.cpu.cpus = 3' 'linux.resources.cpu.cpus: must be a string'
}
