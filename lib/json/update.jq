# SPDX-License-Identifier: Apache-2.0
#
# Makes the record of what the VM shall have, from the record of what it has and what `runX update` asks for. Prints an
# assignment, and warnings, for the shell.
#
# The input is linux.resources, or an object of the command line's options if $options is "true".
# $now is the record of what the VM has (lib/json/resources.jq).

def number($option):
	. as $word
	| if explode | all((. >= 48 and . <= 57) or . == 45 or . == 46) then try tonumber catch null else null end
	| if . == null then fail("--\($option)"; "must be a number, not \($word)") else . end;

# Numbers of bytes as docker writes them, such as 512m and 1g.
def bytes($option):
	(ascii_downcase | rtrimstr("b") | rtrimstr("i")) as $word
	| {k: 1024, m: 1048576, g: 1073741824, t: 1099511627776}[$word[-1:]] as $unit
	| if $unit then $word[:-1] else $word end
	| number($option) * ($unit // 1) | floor;

def option($name; convert): .[$name] | if . == null or . == "" then null else convert end;

def amount_of($name): option($name; number($name));

def from_options:
	{
		memory: {
			limit: option("memory"; bytes("memory")), kernel: option("kernel-memory"; bytes("kernel-memory")),
			kernelTCP: option("kernel-memory-tcp"; bytes("kernel-memory-tcp"))
		},
		cpu: {
			quota: amount_of("cpu-quota"), period: amount_of("cpu-period"), shares: amount_of("cpu-share"),
			cpus: option("cpuset-cpus"; .), idle: amount_of("cpu-idle"), burst: amount_of("cpu-burst"),
			realtimePeriod: amount_of("cpu-rt-period"), realtimeRuntime: amount_of("cpu-rt-runtime"),
			mems: option("cpuset-mems"; .)
		},
		pids: {limit: amount_of("pids-limit")},
		blockIO: {weight: amount_of("blkio-weight")}
	};

# These two options are not about linux.resources.
def cache_schemas: {l3CacheSchema: option("l3-cache-schema"; .), memBwSchema: option("mem-bw-schema"; .)};

# The guest takes these files when it starts. A VM has no swap, which memory.swap.* are about.
def unmet_files:
	few(.unified? | section("unified") | keys[] | select(startswith("memory.swap.") | not)
		| ignored("unified: \(.)"; "the control group in the VM keeps what create gave it"))
	| log_warning;

object("resources") | few_values("resources")
| (if $options == "true" then cache_schemas else null end) as $intelRdt
| if $options == "true" then from_options else . end
| {linux: {resources: ., $intelRdt}} as $request
| (wanted("") | with_entries(select(.value != null))) as $changes
| ($now | resources_read) + $changes
# No limit means all the memory that the VM was made with.
| if .memory == 0 then .memory = .memory_max else . end
| .cap = cap
| "wanted=\(resources_line | @sh)", ($request | unmet_keys("linux.resources.")), ($request.linux.resources | unmet_files)
