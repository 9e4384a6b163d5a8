# SPDX-License-Identifier: Apache-2.0
#
# config.json -> plan: validates, and prints shell assignments, every value quoted by @sh. An error
# names the field. After this no module reads config.json again.
#
# $id, $bundle: the container's; $default_memory: MiB.

def fail($field; $problem): error("\($field): \($problem)");

# Strings go to the guest as records that end with a NUL.
def text($field):
	if type != "string" then fail($field; "must be a string")
	elif index("\u0000") != null then fail($field; "must not contain a NUL")
	else . end;

def texts($field):
	if . == null then []
	elif type != "array" then fail($field; "must be an array of strings")
	else [range(length) as $i | .[$i] | text("\($field)[\($i)]")] end;

def whole($field; $max):
	if type != "number" or . < 0 or . > $max or . != floor then
		fail($field; "must be a whole number from 0 to \($max)")
	else . end;

def flag($field):
	if . == null then false
	elif type != "boolean" then fail($field; "must be true or false")
	else . end;

def object($field):
	if type != "object" then fail($field; "must be an object") else . end;

def absolute($field):
	text($field) | if startswith("/") then . else fail($field; "must be an absolute path") end;

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

def process:
	(.terminal | flag("process.terminal")) as $terminal
	| (.args | texts("process.args") | if length == 0 then fail("process.args"; "must not be empty") else .[] end
		| record("arg")),
	(.env | texts("process.env") | .[] | record("env")),
	(.cwd | absolute("process.cwd") | record("cwd")),
	(.user | user),
	(if $terminal then
		("true" | record("terminal")),
		(.consoleSize // empty | object("process.consoleSize")
			| (.height // 0 | whole("process.consoleSize.height"; 65535) | tostring | record("rows")),
			(.width // 0 | whole("process.consoleSize.width"; 65535) | tostring | record("columns")))
	else empty end);

def console_size:
	if . == null then "0x0" else "\(.height // 0)x\(.width // 0)" end;

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

# A VM needs its kernel's memory on top of what the container may use.
def memory:
	if . == null or . <= 0 then $default_memory | tonumber
	else (. / 1048576 | ceil) + 32 | if . < 64 then 64 else . end end;

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
| [
	(.hostname // "" | text("hostname") | optional("hostname")),
	($root.readonly | flag("root.readonly") | tostring | record("root.readonly")),
	(.mounts | mounts),
	($process | process)
] as $records
| "rootfs=\($rootfs | @sh)",
"root_readonly=\($root.readonly == true)",
"terminal=\($process.terminal == true)",
"console_size=\($process.consoleSize | console_size | @sh)",
"netns=\($linux.namespaces | netns | @sh)",
"memory=\($linux.resources.memory.limit | memory)",
"guest=\($records | join("") | @sh)",
"state_head=\("{\n  \"ociVersion\": \($oci | tojson),\n  \"id\": \($id | tojson)," | @sh)",
"state_tail=\({rootfs: $rootfs, annotations: $annotations} | state | @sh)"
