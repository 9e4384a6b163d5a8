# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of linux.resources.unified, and warnings about what the guest does not take.
#
# lib/plan.sh adds this module only if config.json has the word.

def bytes: ["^(max|[0-9]{1,18})$", "a number of bytes, or max"];
def count: ["^(max|[0-9]{1,7})$", "a number, or max"];
def switch: ["^[01]$", "0 or 1"];

# The files of cgroup v2 that the guest takes: for each, what a value looks like, and that in words. Other files of the same
# controllers tell something, act at once (cgroup.kill), or are about the host (cpuset.cpus).
def unified_files:
	{
		"memory.max": bytes, "memory.high": bytes, "memory.low": bytes, "memory.min": bytes, "memory.oom.group": switch,
		"pids.max": count, "cgroup.max.depth": count, "cgroup.max.descendants": count,
		"cpu.idle": switch, "cpu.weight": ["^[0-9]{1,5}$", "a number"], "cpu.weight.nice": ["^-?[0-9]{1,2}$", "a number"],
		"cpu.max": ["^(max|[0-9]{1,12})( [0-9]{1,7})?$", "a quota or max, and perhaps a period, in microseconds"]
	};

def unified:
	section("linux.resources.unified") | to_entries[]
	| "linux.resources.unified: \(.key)" as $field
	| unified_files[.key] as $form | select($form)
	| (.value | text($field) | if test($form[0]) then . else fail($field; "must be \($form[1]), not \(.)") end) as $value
	| "\(.key)=\($value)" | record("cgroup");

# A VM has no swap, which memory.swap.* are about. So it keeps within each of these limits.
def unmet_files:
	few(section("linux.resources.unified") | keys[] | select(in(unified_files) or startswith("memory.swap.") | not)
		| "linux.resources.unified: \(.) is ignored: the control group in the VM does not take it")
	| "log_warning " + @sh;
