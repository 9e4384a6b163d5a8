# SPDX-License-Identifier: Apache-2.0
#
# Makes the record of what the VM shall have, from the record of what it has and what `runX update` asks for.
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

def from_options:
	{
		memory: {limit: option("memory"; bytes("memory"))},
		cpu: {
			quota: option("cpu-quota"; number("cpu-quota")), period: option("cpu-period"; number("cpu-period")),
			shares: option("cpu-share"; number("cpu-share")), cpus: option("cpuset-cpus"; .)
		},
		pids: {limit: option("pids-limit"; number("pids-limit"))}
	};

object("resources")
| if $options == "true" then from_options else . end
| (wanted("") | with_entries(select(.value != null))) as $changes
| ($now | resources_read) + $changes
# No limit means all the memory that the VM was made with.
| if .memory == 0 then .memory = .memory_max else . end
| .cap = cap
| resources_line
