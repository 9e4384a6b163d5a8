# SPDX-License-Identifier: Apache-2.0
#
# Reads from linux.resources what the VM shall have, in Xen's terms.
#
# unmet.jq warns about the fields that a VM cannot have. The others mean nothing in a VM (docs/config-json.md).
#
# wanted for: "memory" "cpu" "pids"

# memory_overhead is the memory that a VM's kernel needs on top of the container's limit, in MiB: 20, and 3 percent for page
# tables and page structures, but at least 32. MemAvailable of idle VMs of 28 to 512 MiB showed this. memory_least is the
# least memory of a VM. A VM also boots with half of it, and with 28 MiB if its root is 9p.
def memory_overhead: [32, 20 + (. * 0.03 | ceil)] | max;
def memory_least: 64;

# Engines write 2^63 less a page for "no limit" of memory. JSON's numbers cannot hold this exactly, so every large number
# means no limit.
def memory_unlimited: 1152921504606846976;

# pids_unlimited is one more than the most processes that Linux can have. 4 of Linux's CPU shares are 1 in the weight of Xen's
# credit2. An idle group gets this least weight.
def pids_unlimited: 4194304;
def shares_per_weight: 4;
def weight_max: 65535;

# null means that nothing was asked for, and 0 that no limit was asked for.
def amount($field; $unlimited):
	if . == null or . == 0 then null
	elif type != "number" or . != floor then fail($field; "must be a whole number")
	elif . < 0 or . >= $unlimited then 0
	else plain end;

# 0 is null too, because engines write it for a value that they do not set. In cpu_list the same holds for "".
def positive($field; $max):
	if . == null then null else whole($field; $max) | if . == 0 then null else . end end;

def vm_memory:
	if . == null or . == 0 then . else
		(. / 1048576 | ceil) | . + memory_overhead | if . < memory_least then memory_least else . end
	end;

def vm_weight:
	if . == null then null else
		./ shares_per_weight | floor | if . < 1 then 1 elif . > weight_max then weight_max else . end
	end;

def is_number: length > 0 and length < 6 and (explode | all(. >= 48 and . <= 57));

def cpu_list($field):
	if . == null or . == "" then null
	elif text($field) | split(",") | all(split("-")
		| (length == 1 or length == 2) and all(is_number) and (map(tonumber) | .[0] <= .[-1])) then .
	else fail($field; "must be a list of numbers and ranges, such as 0-3,5") end;

# What is asked for, in Xen's terms. `limit` is the container's own memory in bytes, and `memory` the VM's in MiB. $in is the
# name of the input for messages: "linux.resources.", or "" if the input is linux.resources alone.
def wanted($in):
	(.memory | section("\($in)memory")) as $memory
	| (.cpu | section("\($in)cpu")) as $cpu
	| (.pids | section("\($in)pids")) as $pids
	| ($cpu.idle | positive("\($in)cpu.idle"; 1)) as $idle
	| ($memory.limit | amount("\($in)memory.limit"; memory_unlimited)) as $limit
	| {
		$limit,
		memory: ($limit | vm_memory),
		quota: ($cpu.quota | amount("\($in)cpu.quota"; 1e15)),
		period: ($cpu.period | positive("\($in)cpu.period"; 1e9)),
		weight: ($cpu.shares | positive("\($in)cpu.shares"; 1e18) | if $idle == 1 then 1 else . end | vm_weight),
		cpus: ($cpu.cpus | cpu_list("\($in)cpu.cpus")),
		pids: ($pids.limit | amount("\($in)pids.limit"; pids_unlimited))
	};
