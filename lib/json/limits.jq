# SPDX-License-Identifier: Apache-2.0
#
# linux.resources -> what is asked for of it, in the VM's terms. Of the rest of it, some is the guest kernel's own
# (swap, huge pages), and some has no meaning for a VM (device rules, block and network classes).

# MiB that a VM needs for its kernel, on top of what the container may use: 20, and 3 of 100 (its page
# tables and page structures), as MemAvailable of idle VMs of 28 to 512 MiB showed; and the least that a
# VM gets, of which it boots with half (28 with a 9p root).
def memory_overhead: [32, 20 + (. * 0.03 | ceil)] | max;
def memory_least: 64;

# "No limit" of memory in engines is 2^63 less a page, which JSON's numbers do not hold exactly.
def memory_unlimited: 1152921504606846976;

# Linux's: one more than the most processes there can be; its shares for one of a weight of Xen's credit2.
def pids_unlimited: 4194304;
def shares_per_weight: 4;
def weight_max: 65535;

# null: nothing is asked for. 0: no limit is.
def amount($field; $unlimited):
	if . == null or . == 0 then null
	elif type != "number" or . != floor then fail($field; "must be a whole number")
	elif . < 0 or . >= $unlimited then 0
	else . end;

# null as well for 0 and "", which is how engines write what they do not set.
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

# What is asked for, in the VM's terms. $in: "linux.resources.", or "" where that is all there is.
def wanted($in):
	(.memory | section("\($in)memory")) as $memory
	| (.cpu | section("\($in)cpu")) as $cpu
	| (.pids | section("\($in)pids")) as $pids
	| {
		memory: ($memory.limit | amount("\($in)memory.limit"; memory_unlimited) | vm_memory),
		quota: ($cpu.quota | amount("\($in)cpu.quota"; 1e15)),
		period: ($cpu.period | positive("\($in)cpu.period"; 1e9)),
		weight: ($cpu.shares | positive("\($in)cpu.shares"; 1e18) | vm_weight),
		cpus: ($cpu.cpus | cpu_list("\($in)cpu.cpus")),
		pids: ($pids.limit | amount("\($in)pids.limit"; pids_unlimited))
	};
