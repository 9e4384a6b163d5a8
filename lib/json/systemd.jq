# SPDX-License-Identifier: Apache-2.0
#
# linux.cgroupsPath under --systemd-cgroup: over what cgroups.jq makes of it.

# systemd's slices are named by their whole path: a-b.slice is a.slice/a-b.slice.
def slice_path:
	(rtrimstr(".slice") | split("-")) as $names
	| if . == "" then "system.slice"
	elif . == "-.slice" then ""
	elif (endswith(".slice") | not) or contains("/") or ($names | length == 0 or any(. == "")) then
		fail(cgroups_field; "invalid slice name: \(.)")
	else [range(1; $names | length + 1) as $n | ($names[:$n] | join("-")) + ".slice"] | join("/") end;

# "slice:prefix:name", as engines that leave their groups to systemd write it.
def unit_path:
	split(":")
	| if length != 3 or .[2] == "" or any(.[1:][]; contains("/")) then
		fail(cgroups_field; "must be of the form slice:prefix:name with --systemd-cgroup")
	elif .[2] | endswith(".slice") then "\(.[0] | slice_path)/\(.[2])"
	else "\(.[0] | slice_path)/\(.[1])-\(.[2]).scope" end;

def cgroup: cgroup_text | if . == "" then . else unit_path | clean_path end;
