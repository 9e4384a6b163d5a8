# SPDX-License-Identifier: Apache-2.0
#
# config.json -> plan: validates, and prints shell assignments, every value quoted by @sh. An error
# names the field. After this no module reads config.json again.
#
# $id, $bundle: the container's; $default_memory (MiB), $default_vcpus, $max_vcpus: the administrator's;
# $systemd: "true" where --systemd-cgroup was given.
include "check";
include "resources";
include "cgroups";

# printf %b of the shell turns this back; \0000 is its NUL.
def record($key): "\($key)=" + (split("\\") | join("\\\\")) + "\\0000";
def optional($key): if . == null or . == "" then "" else record($key) end;

def mount($i):
	"mounts[\($i)]" as $field
	| object($field)
	| (.destination | text("\($field).destination")) as $destination
	| (.options | texts("\($field).options")) as $options
	| (.type // "" | text("\($field).type")) as $type
	| if $type == "" or $type == "bind" or ($options | any(. == "bind" or . == "rbind")) then
		fail("\($field) (\($destination))"; "bind mounts are not supported yet")
	else . end
	| (if $destination | startswith("/") then $destination else "/" + $destination end
		| record("mount")),
	($type | record("mount.type")),
	(.source // "" | text("\($field).source") | optional("mount.source")),
	($options[] | record("mount.option"));

def mounts:
	if . == null then empty
	elif type != "array" then fail("mounts"; "must be an array")
	else range(length) as $i | .[$i] | mount($i) end;

def id_max: 4294967294;

def user:
	(. // {}) | object("process.user")
	| (.uid // 0 | whole("process.user.uid"; id_max) | tostring | record("uid")),
	(.gid // 0 | whole("process.user.gid"; id_max) | tostring | record("gid")),
	(.additionalGids // [] | if type != "array" then fail("process.user.additionalGids"; "must be an array") else .[] end
		| whole("process.user.additionalGids"; id_max) | tostring | record("group")),
	(if .umask == null then "" else .umask | whole("process.user.umask"; 511)
		| "\(. / 64 | floor)\(. / 8 % 8 | floor)\(. % 8)" | record("umask") end);

# In the order of their numbers in linux/capability.h; a set goes to the guest as a decimal bit mask.
def capability_names:
	"CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
	SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
	AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
	PERFMON BPF CHECKPOINT_RESTORE"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ");

def capabilities:
	(capability_names | to_entries | map({("CAP_" + .value): .key}) | add) as $numbers
	| (. // {}) | object("process.capabilities") as $sets
	| "bounding", "effective", "permitted", "inheritable", "ambient"
	| . as $set
	| ($sets[$set] | texts("process.capabilities.\($set)") | unique
		| map($numbers[.] // empty | exp2) | add // 0 | tostring | record("capability.\($set)"));

def rlimit_names:
	["CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS",
	"SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"];

# JSON's numbers lose their last digits up there, and all of them mean no limit.
def limit($field):
	if type != "number" or . < 0 or . != floor then fail($field; "must be a whole number")
	elif . >= 9223372036854775807 then "18446744073709551615"
	else tostring end;

def rlimits:
	if . == null then empty
	elif type != "array" then fail("process.rlimits"; "must be an array")
	elif (map(.type) | length != (unique | length)) then fail("process.rlimits"; "has a type twice")
	else range(length) as $i | .[$i]
		| "process.rlimits[\($i)]" as $field
		| (.type | text("\($field).type") | ltrimstr("RLIMIT_")) as $type
		| (rlimit_names | index($type)) as $number
		| if $number == null then fail("\($field).type"; "unknown rlimit: \(.type)")
		elif .soft > .hard then fail($field; "soft must not be more than hard")
		else "\($number):\(.soft | limit("\($field).soft")):\(.hard | limit("\($field).hard"))"
			| record("rlimit") end
	end;

def process:
	(.terminal | flag("process.terminal")) as $terminal
	| (.args | texts("process.args") | if length == 0 then fail("process.args"; "must not be empty") else .[] end
		| record("arg")),
	(.env | texts("process.env") | .[] | record("env")),
	(.cwd | absolute("process.cwd") | record("cwd")),
	(.user | user),
	(.capabilities | capabilities),
	(.rlimits | rlimits),
	(.noNewPrivileges | flag("process.noNewPrivileges") | tostring | record("no_new_privileges")),
	(.oomScoreAdj // empty | if type == "number" and . >= -1000 and . <= 1000 and . == floor
		then tostring | record("oom_score_adj")
		else fail("process.oomScoreAdj"; "must be a whole number from -1000 to 1000") end),
	(if $terminal then
		("true" | record("terminal")),
		(.consoleSize // empty | object("process.consoleSize")
			| (.height // 0 | whole("process.consoleSize.height"; 65535) | tostring | record("rows")),
			(.width // 0 | whole("process.consoleSize.width"; 65535) | tostring | record("columns")))
	else empty end);

def console_size:
	if . == null then "0x0" else "\(.height // 0)x\(.width // 0)" end;

def devices:
	if . == null then empty
	elif type != "array" then fail("linux.devices"; "must be an array")
	else range(length) as $i | .[$i]
		| "linux.devices[\($i)]" as $field
		| if .type | . != "c" and . != "u" and . != "b" and . != "p" then
			fail("\($field).type"; "must be c, u, b or p") else . end
		| (.fileMode // 438 | whole("\($field).fileMode"; 4095)) as $mode
		| "\(.type):\(.major // 0 | whole("\($field).major"; 4095)):\(.minor // 0 | whole("\($field).minor"; 1048575)):"
		+ "\($mode / 64 | floor)\($mode / 8 % 8 | floor)\($mode % 8):"
		+ "\(.uid // 0 | whole("\($field).uid"; id_max)):\(.gid // 0 | whole("\($field).gid"; id_max)):"
		+ (.path | absolute("\($field).path"))
		| record("device")
	end;

def sysctls:
	(. // {}) | object("linux.sysctl") | to_entries[] as $entry
	| ($entry.key | text("linux.sysctl")) + "=" + ($entry.value | text("linux.sysctl.\($entry.key)"))
	| record("sysctl");

def system:
	(.devices | devices),
	(.sysctl | sysctls),
	(.readonlyPaths | texts("linux.readonlyPaths")[] | record("readonly")),
	(.maskedPaths | texts("linux.maskedPaths")[] | record("masked"));

# "" for the host's, "new", or the path of one that exists.
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

# One hook becomes one statement of lib/hooks.sh, which outlives any newline inside a value.
def hook($kind; $i):
	"hooks.\($kind)[\($i)]" as $field
	| object($field)
	| (.path | absolute("\($field).path")) as $path
	| (.args | texts("\($field).args") | if . == [] then [$path] else . end) as $args
	| (.env | texts("\($field).env")) as $env
	| (if .env == null then "" else $env | length | tostring end) as $env_count
	| (.timeout | if . == null then ""
		elif type != "number" or . < 1 or . > 2147483647 or . != floor then
			fail("\($field).timeout"; "must be a whole number of seconds, 1 or more")
		else floor | tostring end) as $seconds
	| "hook " + ([$kind, $seconds, $env_count, $path] + $env + $args | @sh);

def hooks:
	if . == null then empty
	else
		object("hooks")
		| (.startContainer // [] | if . != [] then
			fail("hooks.startContainer"; "hooks that run inside the VM are not supported yet")
		else empty end),
		(("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $kind
			| .[$kind]
			| if . == null then empty
			elif type != "array" then fail("hooks.\($kind)"; "must be an array")
			else range(length) as $i | .[$i] | hook($kind; $i) end)
	end;

def state:
	{
		bundle: $bundle, rootfs: .rootfs, created: (now | strftime("%Y-%m-%dT%H:%M:%SZ")),
		annotations: .annotations, owner: ""
	} | tojson | .[1:];

object("config.json")
| (.ociVersion | text("ociVersion")) as $oci
| (.root | object("root")) as $root
| ($root.path | text("root.path") | if startswith("/") then . else "\($bundle)/\(.)" end) as $rootfs
| (.process | object("process")) as $process
| (.linux // {} | object("linux")) as $linux
| (.annotations // {} | object("annotations")) as $annotations
| ($linux.resources | resources($default_memory | tonumber; $default_vcpus | tonumber; $max_vcpus | tonumber)) as $resources
| [
	(.hostname // "" | text("hostname") | optional("hostname")),
	(.domainname // "" | text("domainname") | optional("domainname")),
	($linux | system),
	($resources.pids | if . == 0 then empty else tostring | record("pids_limit") end),
	($root.readonly | flag("root.readonly") | tostring | record("root.readonly")),
	(.mounts | mounts),
	($process | process)
] as $records
| [.hooks | hooks] as $hooks
| "state_head=\("{\n  \"ociVersion\": \($oci | tojson),\n  \"id\": \($id | tojson)," | @sh)" as $state_head
| "state_tail=\({rootfs: $rootfs, annotations: $annotations} | state | @sh)" as $state_tail
| "rootfs=\($rootfs | @sh)",
"root_readonly=\($root.readonly == true)",
"terminal=\($process.terminal == true)",
"console_size=\($process.consoleSize | console_size | @sh)",
"netns=\($linux.namespaces | netns | @sh)",
"cgroup=\($linux.cgroupsPath | cgroup($systemd == "true") | @sh)",
($resources | "memory=\(.memory)", "vcpus=\(.vcpus)", "cpu_weight=\(.weight)", "cpu_cap=\(.cap)",
	"cpus=\(.cpus | @sh)", "resources=\(resources_line | @sh)"),
"guest=\($records | join("") | @sh)",
"hooks=\(if $hooks == [] then "" else
	["bundle=\($bundle | @sh)", $state_head, $state_tail] + $hooks | join("\n") + "\n"
end | @sh)",
$state_head,
$state_tail
