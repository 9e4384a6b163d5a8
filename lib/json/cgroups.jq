# SPDX-License-Identifier: Apache-2.0
#
# Makes a path below the root of every hierarchy from linux.cgroupsPath. No .. in it can lead out of the hierarchy.

def cgroups_field: "linux.cgroupsPath";

def clean_path:
	"/" + (reduce split("/")[] as $name ([];
		if $name == "" or $name == "." then . elif $name == ".." then .[:-1] else . + [$name] end)
		| join("/"));

def cgroup_text:
	if . == null then ""
	elif path(cgroups_field) | explode | any(. < 32 or . == 127) then
		fail(cgroups_field; "must not contain control characters")
	else . end;

# "" means that the proxy stays in its own group.
def cgroup: cgroup_text | if . == "" then . else clean_path end;
