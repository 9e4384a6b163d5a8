# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of linux.resources.unified, and warnings about what the guest does not take.
#
# wanted for: "unified"

# The files of cgroup v2 that the guest takes: for each, what a value is. Other files of the same controllers tell something, act
# at once (cgroup.kill), or are about the host (cpuset.cpus).
def unified_files:
	{
		"memory.max": "bytes", "memory.high": "bytes", "memory.low": "bytes", "memory.min": "bytes", "memory.oom.group": "switch",
		"pids.max": "count", "cgroup.max.depth": "count", "cgroup.max.descendants": "count",
		"cpu.idle": "switch", "cpu.weight": "weight", "cpu.weight.nice": "nice", "cpu.max": "bandwidth"
	};

def form_in_words($form):
	{
		bytes: "a number of bytes, or max", count: "a number, or max", switch: "0 or 1", weight: "a number", nice: "a number",
		bandwidth: "a quota or max, and perhaps a period, in microseconds"
	}[$form];

def is_number($digits): length >= 1 and length <= $digits and (explode | all(. >= 48 and . <= 57));

# Without regular expressions, because jq may be built without its library for them.
def has_form($form):
	if $form == "bytes" then . == "max" or is_number(18)
	elif $form == "count" then . == "max" or is_number(7)
	elif $form == "switch" then . == "0" or . == "1"
	elif $form == "weight" then is_number(5)
	elif $form == "nice" then ltrimstr("-") | is_number(2)
	else split(" ") | length <= 2 and (.[0] // "" | . == "max" or is_number(12)) and (.[1] // "0" | is_number(7)) end;

def unified:
	section("linux.resources.unified") | to_entries[]
	| "linux.resources.unified: \(.key)" as $field
	| unified_files[.key] as $form | select($form)
	| (.value | text($field) | if has_form($form) then . else fail($field; "must be \(form_in_words($form)), not \(.)") end) as $value
	| "\(.key)=\($value)" | record("cgroup");

# A VM has no swap, which memory.swap.* are about. So it keeps within each of these limits.
def unmet_files:
	few(section("linux.resources.unified") | keys[] | select(in(unified_files) or startswith("memory.swap.") | not)
		| "linux.resources.unified: \(.) is ignored: the control group in the VM does not take it")
	| "log_warning " + @sh;
