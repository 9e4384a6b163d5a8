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
	(.personality | personality),
	(.sysctl | sysctls),
	(.readonlyPaths | texts("linux.readonlyPaths")[] | record("readonly")),
	(.maskedPaths | texts("linux.maskedPaths")[] | record("masked"));

# The absolute path without `.`, `..` and repeated slashes, as Go's filepath.Clean: it looks at no link. runc does this to a
# relative root.path.
def clean:
	reduce (split("/")[] | select(. != "" and . != ".")) as $name ([]; if $name == ".." then .[:-1] else . + [$name] end)
	| "/" + join("/");

object("config.json") | few_values("config.json")
| (if $bundle | contains("\ufffd") then
	fail("bundle \($bundle)"; "its path is not UTF-8, and JSON has no other text (rename it)") else . end)
| (.ociVersion | text("ociVersion") | if startswith("1.") then . else
	fail("ociVersion"; "runX knows version 1 of the runtime specification, and not \(.)") end) as $oci
| (.root | object("root")) as $root
| ($root.path | path("root.path") | if startswith("/") then . else "\($bundle)/\(.)" | clean end) as $rootfs
| (.process | object("process")) as $process
| (.linux | section("linux")) as $linux
# Not by map_values: jq 1.6 copies the object for each key.
| (.annotations | section("annotations") | (.[] | text("annotations") | empty), .) as $annotations
| .vm as $vm
| {
	bundle: $bundle, $rootfs, created: (now | strftime("%Y-%m-%dT%H:%M:%SZ")), $annotations, owner: ""
} as $state
| (.mounts | binds($bundle)) as $binds
| ($linux.namespaces | joined_namespaces) as $joined
| check_joined_pid($joined; $annotations)
| (.hostname | otherwise(joined_hostname($joined; $process.env)) | text("hostname")) as $hostname
| (.domainname | otherwise("") | text("domainname")) as $domainname
| ($linux.resources | resources($default_memory | tonumber; $default_vcpus | tonumber; $max_vcpus | tonumber)) as $resources
| [
	($hostname | optional("hostname")),
	($domainname | optional("domainname")),
	($linux | system),
	($resources | {"pids.max": .pids, "memory.max": .limit} | to_entries[] | select(.value > 0)
		| "\(.key)=\(.value)" | record("cgroup")),
	($linux.resources.unified? | unified),
	($root.readonly | flag("root.readonly") | tostring | record("root.readonly")),
	(.mounts | mounts($binds)),
	(.hooks | guest_hooks({ociVersion: $oci, $id} + $state)),
	($process | process),
	($process.ioPriority | io_priority),
	($process.scheduler | scheduler)
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
"console_size=\($process | console_size | @sh)",
"unnamed=\({$hostname, $domainname} | with_entries(select(.value == "")) | keys | join(" ") | @sh)",
"netns=\($linux.namespaces | netns($joined) | @sh)",
"namespaces=\([words_of($joined; $annotations)] | @sh | @sh)",
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
($linux.resources.unified? | unmet_files),
"asked=\($annotations | asked($process.env; $vm; $binds | length) | @sh)",
(.mounts | relative_destinations),
(.mounts | ignored_options),
($process.capabilities | unknown_capabilities)
