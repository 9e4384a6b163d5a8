# SPDX-License-Identifier: Apache-2.0
#
# Makes a path from linux.cgroupsPath with --systemd-cgroup. This module's function replaces the one of cgroups.jq.

# The name of a slice in systemd is its whole path: a-b.slice is at a.slice/a-b.slice.
def slice_path:
	(rtrimstr(".slice") | split("-")) as $names
	| if . == "" then "system.slice"
	elif . == "-.slice" then ""
	elif length > 255 or (endswith(".slice") | not) or contains("/") or ($names | length == 0 or any(. == "")) then
		fail(cgroups_field; "invalid slice name: \(.)")
	else [range(1; $names | length + 1) as $n | ($names[:$n] | join("-")) + ".slice"] | join("/") end;

# The input is "slice:prefix:name". Engines that leave control groups to systemd write it so.
def unit_path:
	split(":")
	| if length != 3 or .[2] == "" or any(.[1:][]; contains("/")) then
		fail(cgroups_field; "must be of the form slice:prefix:name with --systemd-cgroup")
	elif .[2] | endswith(".slice") then "\(.[0] | slice_path)/\(.[2])"
	else "\(.[0] | slice_path)/\(.[1])-\(.[2]).scope" end;

def cgroup: cgroup_text | if . == "" then . else unit_path | clean_path end;
