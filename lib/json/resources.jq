# SPDX-License-Identifier: Apache-2.0
#
# Decides what the VM gets, from what is asked for (limits.jq).

# The default period of Linux, in microseconds, and the default weight of Xen's credit2.
def period_default: 100000;
def weight_default: 256;

# The cap is in percent of one CPU. The quota is what all vCPUs together may use of each period.
def cap:
	if .quota == 0 then 0
	else [(.quota * 100 / .period | ceil), .vcpus * 100] | min end;

def given_vcpus($default; $most):
	if .quota == 0 then $default
	else [(.quota / .period | ceil), ([$default, $most] | max)] | min end;

# The resources of a new container, from linux.resources. 0 means no limit.
def resources($memory; $vcpus; $max_vcpus):
	section("linux.resources") | wanted("linux.resources.")
	| (.memory | if . == null or . == 0 then $memory else . end) as $memory
	| {
		memory_max: $memory, memory: $memory, limit: (.limit // 0), quota: (.quota // 0),
		period: (.period // period_default), weight: (.weight // weight_default), cpus: (.cpus // ""), pids: (.pids // 0)
	}
	| .vcpus = given_vcpus($vcpus; $max_vcpus)
	| .cap = cap;

# The record that update reads and writes. It is a line of words, and no word is empty.
def resources_line:
	[.memory_max, .memory, .vcpus, .quota, .period, .cap, .weight, .pids,
		(if .cpus == "" then "all" else .cpus end)]
	| map(tostring) | join(" ");

def resources_read:
	split(" ") | . as $words | map(tonumber? // 0)
	| {
		memory_max: .[0], memory: .[1], vcpus: .[2], quota: .[3], period: .[4], cap: .[5], weight: .[6],
		pids: .[7], cpus: $words[8]
	};
