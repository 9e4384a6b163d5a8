# SPDX-License-Identifier: Apache-2.0
#
# config.json -> plan: validates, and prints shell assignments and warnings, every value quoted by @sh.
# An error names the field. After this no module reads config.json again.
#
# $id, $bundle: the container's; $default_memory (MiB), $default_vcpus, $max_vcpus: the administrator's;
# $systemd: "true" where --systemd-cgroup was given; $mountinfo: the text of /proc/self/mountinfo.

include "check";
include "process";
include "mounts";
include "resources";
include "cgroups";

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

# SECCOMP_RET_* of linux/seccomp.h, which libseccomp takes as well.
def seccomp_actions:
	{SCMP_ACT_KILL: 0, SCMP_ACT_KILL_THREAD: 0, SCMP_ACT_KILL_PROCESS: 2147483648,
	SCMP_ACT_TRAP: 196608, SCMP_ACT_ERRNO: 327680, SCMP_ACT_TRACE: 2146435072,
	SCMP_ACT_LOG: 2147221504, SCMP_ACT_ALLOW: 2147418112};

# In the order of their numbers in seccomp.h, from 1.
def seccomp_operators: "NE LT LE EQ GE GT MASKED_EQ" | split(" ") | map("SCMP_CMP_" + .);

def seccomp_architectures:
	"X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE
	S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ") | map("SCMP_ARCH_" + .);

# What the guest gives to seccomp(2). A process that has one thread has none to synchronise.
def seccomp_flags:
	{SECCOMP_FILTER_FLAG_TSYNC: 0, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4};

def seccomp_action($field; $errno_field; $errno):
	text($field) | . as $name
	| seccomp_actions[$name] as $number
	| if $name == "SCMP_ACT_NOTIFY" then
		fail($field; "SCMP_ACT_NOTIFY is not supported: a VM can give no descriptor of its system calls to a process of the host")
	elif $number == null then fail($field; "unknown action: \($name)")
	elif $name == "SCMP_ACT_ERRNO" or $name == "SCMP_ACT_TRACE" then
		$number + (if $errno == null then 1 else $errno | whole($errno_field; 65535) end)
	elif $errno != null then fail($errno_field; "\($name) has no errno")
	else $number end
	| tostring;

# jq before 1.7 rounds numbers from 2^53 on, and a rounded one would make another filter than was asked
# for. Later ones print the digits that they read, unless something was calculated.
def keeps_digits: 9007199254740993 | tostring == "9007199254740993";

def uint64($field):
	if type != "number" or . < 0 or . != floor or . > 18446744073709551615 then
		fail($field; "must be a whole number of 64 bits")
	elif . < 9007199254740992 then . + 0 | tostring
	elif keeps_digits and (tostring | explode | all(. >= 48 and . <= 57)) then tostring
	else fail($field; "this jq rounds so large a number; jq 1.7 does not") end;

def seccomp_argument($field):
	object($field)
	| (.op | text("\($field).op")) as $op
	| (seccomp_operators | index($op)) as $number
	| if $number == null then fail("\($field).op"; "unknown operator: \($op)")
	else "\(.index | whole("\($field).index"; 5)):\($number + 1):" +
		"\(.value | uint64("\($field).value")):\(.valueTwo // 0 | uint64("\($field).valueTwo"))"
		| record("arg") end;

def seccomp_rule($field):
	object($field)
	| (.errnoRet as $errno | .action
		| seccomp_action("\($field).action"; "\($field).errnoRet"; $errno) | record("action")),
	(.args | items("\($field).args") | .key as $i
		| .value | seccomp_argument("\($field).args[\($i)]")),
	(.names | texts("\($field).names")
		| if . == [] then fail("\($field).names"; "must not be empty") else .[] end | record("name"));

# Records for helpers/seccomp.c. One without any content is none, as for runc.
def seccomp:
	if . == null then empty else
		object("linux.seccomp")
		| if .defaultAction == null and (.syscalls // []) == [] then empty else . end
		| (.defaultErrnoRet as $errno | .defaultAction
			| seccomp_action("linux.seccomp.defaultAction"; "linux.seccomp.defaultErrnoRet"; $errno)
			| record("default")),
		([.flags | items("linux.seccomp.flags") | .key as $i
			| .value | text("linux.seccomp.flags[\($i)]")
			| if . == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" then
				fail("linux.seccomp.flags[\($i)]"; "\(.) is for SCMP_ACT_NOTIFY, which is not supported")
			else seccomp_flags[.] // fail("linux.seccomp.flags[\($i)]"; "unknown flag: \(.)") end]
			| unique | add // 0 | tostring | record("flags")),
		(.architectures | items("linux.seccomp.architectures") | .key as $i
			| .value | text("linux.seccomp.architectures[\($i)]")
			| if . as $name | seccomp_architectures | index($name) then
				ltrimstr("SCMP_ARCH_") | ascii_downcase | record("arch")
			else fail("linux.seccomp.architectures[\($i)]"; "unknown architecture: \(.)") end),
		(.syscalls | items("linux.seccomp.syscalls") | .key as $i
			| .value | seccomp_rule("linux.seccomp.syscalls[\($i)]"))
	end;

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

def seconds($field):
	if . == null then ""
	elif type != "number" or . < 1 or . > 2147483647 or . != floor then
		fail($field; "must be a whole number of seconds, 1 or more")
	else floor | tostring end;

# {path, args, env (or null), seconds} of the hooks of a kind.
def hooks($kind):
	(. // {}) | object("hooks") | .[$kind] | items("hooks.\($kind)")
	| "hooks.\($kind)[\(.key)]" as $field
	| .value | object($field)
	| (.path | absolute("\($field).path")) as $path
	| {
		$path, args: (.args | texts("\($field).args") | if . == [] then [$path] else . end),
		env: (if .env == null then null else .env | texts("\($field).env") end),
		seconds: (.timeout | seconds("\($field).timeout"))
	};

# One on the host becomes one statement of lib/hooks.sh, which outlives any newline inside a value.
def host_hooks:
	("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $kind
	| hooks($kind)
	| "hook " + ([$kind, .seconds, (if .env == null then "" else .env | length | tostring end), .path]
		+ (.env // []) + .args | @sh);

# One in the guest becomes records; $state: a JSON object, whose pid is the one that its process sees.
def guest_hooks($state):
	[hooks("startContainer")] | if . == [] then empty else
		($state + {status: "created", pid: 1} | tojson | record("state")),
		(.[] | (.path | record("hook")), (.args[] | record("hook.arg")),
			(if .env == null then empty else "true" | record("hook.own_environment") end),
			(.env // [] | .[] | record("hook.env")),
			(if .seconds == "" then empty else .seconds | record("hook.timeout") end))
	end;

# What is for vm.jq, a program of its own: few containers ask, and each line costs all of them time.
def asked($env; $vm; $binds):
	with_entries(select(.key | startswith("org.lfedge.runx."))) as $annotations
	| [$env[]? | select(startswith("RUNX_") or startswith("XLCONF=") or startswith("NETCONF="))] as $variables
	| if $annotations == {} and $variables == [] and $vm == null then ""
	else {$annotations, $vm, env: $variables, $binds} | tojson end;

object("config.json")
| (.ociVersion | text("ociVersion")) as $oci
| (.root | object("root")) as $root
| ($root.path | text("root.path") | if startswith("/") then . else "\($bundle)/\(.)" end) as $rootfs
| (.process | object("process")) as $process
| (.linux // {} | object("linux")) as $linux
| (.annotations // {} | object("annotations")) as $annotations
| .vm as $vm
| {
	bundle: $bundle, $rootfs, created: (now | strftime("%Y-%m-%dT%H:%M:%SZ")), $annotations, owner: ""
} as $state
| (.mounts | binds($bundle)) as $binds
| ($linux.resources | resources($default_memory | tonumber; $default_vcpus | tonumber; $max_vcpus | tonumber)) as $resources
| [
	(.hostname // "" | text("hostname") | optional("hostname")),
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
"console_size=\($process.consoleSize | console_size | @sh)",
"netns=\($linux.namespaces | netns | @sh)",
"cgroup=\($linux.cgroupsPath | cgroup($systemd == "true") | @sh)",
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
"asked=\($annotations | asked($process.env; $vm; $binds | length) | @sh)",
(.mounts | relative_destinations),
($process.capabilities | unknown_capabilities)
