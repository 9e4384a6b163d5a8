# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of process.ioPriority, process.scheduler and linux.personality.
#
# wanted for: "personality" "ioPriority" "scheduler"

# choice({NAME: NUMBER}): the number of the name that is the input.
def choice($field; $numbers):
	text($field) as $name | $numbers[$name] // fail($field; "unknown value: \($name)");

# The class has the bits from 13 on (ioprio_set(2)).
def io_priority:
	if . == null then empty else
		object("process.ioPriority")
		| (.class | choice("process.ioPriority.class"; {IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3})) as $class
		| $class * 8192 + (.priority | otherwise(0) | whole("process.ioPriority.priority"; 7)) | tostring | record("io_priority")
	end;

def scheduler_policies:
	{SCHED_OTHER: 0, SCHED_FIFO: 1, SCHED_RR: 2, SCHED_BATCH: 3, SCHED_ISO: 4, SCHED_IDLE: 5, SCHED_DEADLINE: 6};

def scheduler_flags:
	{SCHED_FLAG_RESET_ON_FORK: 1, SCHED_FLAG_RECLAIM: 2, SCHED_FLAG_DL_OVERRUN: 4, SCHED_FLAG_KEEP_POLICY: 8,
	SCHED_FLAG_KEEP_PARAMS: 16, SCHED_FLAG_UTIL_CLAMP_MIN: 32, SCHED_FLAG_UTIL_CLAMP_MAX: 64};

# The guest's kernel says whether the numbers fit the policy.
def scheduler:
	if . == null then empty else
		"process.scheduler" as $in
		| object($in)
		| [(.policy | choice($in + ".policy"; scheduler_policies)),
			(.flags | texts($in + ".flags") | unique | map(choice($in + ".flags"; scheduler_flags)) | add // 0),
			(.nice | otherwise(0) | if type == "number" and . >= -20 and . <= 19 and . == floor then plain
				else fail($in + ".nice"; "must be a whole number from -20 to 19") end),
			(.priority | otherwise(0) | whole($in + ".priority"; 99)),
			((.runtime, .deadline, .period) | otherwise(0) | whole($in + ".runtime, deadline, period"; 9007199254740991))]
		| map(tostring) | join(":") | record("scheduler")
	end;

# runtime-spec defines no flags yet.
def personality:
	if . == null then empty else
		object("linux.personality")
		| if .flags | texts("linux.personality.flags") != [] then fail("linux.personality.flags"; "no flags are known") else . end
		| .domain | choice("linux.personality.domain"; {LINUX: 0, LINUX32: 8}) | tostring | record("personality")
	end;
