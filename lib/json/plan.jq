# SPDX-License-Identifier: Apache-2.0
#
# Makes the plan from config.json: checks it, and prints shell assignments and warnings.
#
# @sh quotes every value. An error names the field. No module reads config.json after this.
#
# $id, $bundle: the container's id and bundle
# $default_memory (MiB), $default_vcpus, $max_vcpus: the administrator's settings
# $mountinfo: the text of /proc/self/mountinfo

def system:
	(.devices | devices),
	(.sysctl | sysctls),
	(.readonlyPaths | texts("linux.readonlyPaths")[] | record("readonly")),
	(.maskedPaths | texts("linux.maskedPaths")[] | record("masked"));

# The network namespace: "" (the host's), "new", or the path of one that exists.
def netns:
	if . == null then ""
	elif type != "array" then fail("linux.namespaces"; "must be an array")
	else
		[.[] | object("linux.namespaces[]") | select(.type == "network")] as $found
		| if $found | length > 1 then fail("linux.namespaces"; "has the network namespace twice")
		elif $found == [] then ""
		else $found[0].path // "" | text("linux.namespaces[].path")
			| if . == "" then "new" else . end
		end
	end;

# A container that joins another UTS namespace has the host name of that namespace. containerd's CRI plugin tells a container
# of a pod this name only in the variable HOSTNAME.
def joined_hostname($env):
	if any(.[]?; .type? == "uts" and (.path? // "") != "")
	then first($env | arrays | .[] | strings | select(startswith("HOSTNAME=") and utf8bytelength <= 73) | .[9:]) // ""
	else "" end;

object("config.json") | few_values("config.json")
| (.ociVersion | text("ociVersion") | if startswith("1.") then . else
	fail("ociVersion"; "runX knows version 1 of the runtime specification, and not \(.)") end) as $oci
| (.root | object("root")) as $root
| ($root.path | path("root.path") | if startswith("/") then . else "\($bundle)/\(.)" end) as $rootfs
| (.process | object("process")) as $process
| (.linux | section("linux")) as $linux
| (.annotations | section("annotations") | map_values(text("annotations"))) as $annotations
| .vm as $vm
| {
	bundle: $bundle, $rootfs, created: (now | strftime("%Y-%m-%dT%H:%M:%SZ")), $annotations, owner: ""
} as $state
| (.mounts | binds($bundle)) as $binds
| ($linux.resources | resources($default_memory | tonumber; $default_vcpus | tonumber; $max_vcpus | tonumber)) as $resources
| [
	(.hostname // ($linux.namespaces | joined_hostname($process.env)) | text("hostname") | optional("hostname")),
	(.domainname // "" | text("domainname") | optional("domainname")),
	($linux | system),
	($resources.pids | if . == 0 then empty else tostring | record("pids_limit") end),
	($root.readonly | flag("root.readonly") | tostring | record("root.readonly")),
	(.mounts | mounts($binds)),
	(.hooks | guest_hooks({ociVersion: $oci, $id} + $state)),
	($process | process)
] as $records
| [$linux.seccomp | seccomp] as $seccomp
| [.hooks | host_hooks] as $hooks
| "state_head=\("{\n  \"ociVersion\": \($oci | tojson),\n  \"id\": \($id | tojson)," | @sh)" as $state_head
| "state_tail=\($state | tojson | .[1:] | @sh)" as $state_tail
| "rootfs=\($rootfs | @sh)",
"root_readonly=\($root.readonly == true)",
"root_mount=\($mountinfo | mounted_device($rootfs) | @sh)",
"terminal=\($process.terminal == true)",
"sandbox=\($annotations | is_sandbox)",
"console_size=\($process.consoleSize | console_size | @sh)",
"netns=\($linux.namespaces | netns | @sh)",
"cgroup=\($linux.cgroupsPath | cgroup | @sh)",
($resources | "memory=\(.memory)", "vcpus=\(.vcpus)", "cpu_weight=\(.weight)", "cpu_cap=\(.cap)",
	"cpus=\(.cpus | @sh)", "resources=\(resources_line | @sh)"),
"guest=\($records | join("") | @sh)",
"binds=\([$binds[].words[]] | @sh | @sh)",
"seccomp=\($seccomp | join("") | @sh)",
"hooks=\(if $hooks == [] then "" else
	["bundle=\($bundle | @sh)", $state_head, $state_tail] + $hooks | join("\n") + "\n"
end | @sh)",
$state_head,
$state_tail,
unmet,
"asked=\($annotations | asked($process.env; $vm; $binds | length) | @sh)",
(.mounts | relative_destinations),
($process.capabilities | unknown_capabilities)
