# SPDX-License-Identifier: Apache-2.0
#
# Makes shell assignments from what a container asks for its VM.
#
# The input is {annotations, vm, env, binds}, which plan.jq found. A setting may be in annotations, in vm and in env. The
# first of these counts (docs/configuration.md).
#
# $annotations, $variables are the names that runX.conf allows, and $kernels the paths, as words.

def annotation_prefix: "org.lfedge.runx.";
def annotation_names:
	["disk_headroom", "disks", "guest_type", "initrd", "kernel", "kernel_parameters", "memory", "rootfs", "start_timeout", "vcpus", "write_back"];

def between($field; $min; $max):
	if type != "number" or . < $min or . > $max or . != floor then
		fail($field; "must be a whole number from \($min) to \($max)")
	else plain end;

def digits($field; $max):
	text($field)
	| if explode | length < 1 or length > 9 or any(. < 48 or . > 57) then
		fail($field; "must be a whole number from 1 to \($max)")
	else tonumber | between($field; 1; $max) end;

def one_of($field; $words):
	. as $word
	| if $words | index($word) then . else fail($field; "must be one of \($words | join(", "))") end;

def printable($field):
	text($field)
	| if utf8bytelength > 2048 then fail($field; "is longer than 2048 bytes, and Linux takes no more")
	elif explode | any(. < 32 or . == 127) then fail($field; "must not contain control characters")
	else . end;

# SOURCE:DESTINATION[:OPTION,…] -> the same words as a bind mount's in lib/json/mounts.jq. stage refuses a source that is not a
# block device.
def disk($field):
	(split(":") | map(split(","))) as [$source, $destination, $options, $rest]
	| ($options // [] | map(select(. != ""))) as $options
	| if $rest != null or any($source, $destination; length != 1 or (.[0] | startswith("/") | not))
		or $options - ["ro", "rw", "ext4", "squashfs"] != [] then
		fail($field; "must be SOURCE:DESTINATION[:OPTION,…] with absolute paths and the options ro, rw, ext4 and squashfs, not \(.)")
	else {
		words: ["disk,\(if $options | index("ro") then "ro" else "rw" end),\($options - ["ro", "rw"] | .[0] // "")",
			$source[0], $destination[0]],
		destination: $destination[0]
	} end;

def check_annotation($name; $field):
	if $name == "memory" then digits($field; 16777216)
	elif $name == "vcpus" then digits($field; 4096)
	elif $name == "start_timeout" then digits($field; 86400)
	elif $name == "guest_type" then one_of($field; ["auto", "pv", "pvh"])
	elif $name == "rootfs" then one_of($field; ["auto", "9p", "disk", "overlay"])
	elif $name == "write_back" then one_of($field; ["yes", "no"])
	elif $name == "disk_headroom" then digits($field; 16777216)
	elif $name == "disks" then [text($field) | split(" ")[] | select(. != "") | disk($field)]
	elif $name == "kernel_parameters" then printable($field)
	elif $name == "kernel" or $name == "initrd" then absolute($field)
	else fail($field; "runX has no annotation of this name (docs/configuration.md lists them)") end;

# Whether this is the path of a kernel that every container may ask for.
def is_listed: . as $path | $kernels / " " | index($path) != null;

# The annotations that runX.conf allows, without the prefix.
def annotations($honoured):
	with_entries((.key | ltrimstr(annotation_prefix)) as $name
		| select(($honoured | index($name)) or ($name == "kernel" and (.value | is_listed)))
		| .key as $field | {key: $name, value: (.value | check_annotation($name; "annotations.\($field)"))});

def annotation_warnings($honoured):
	to_entries[]
	| (.key | ltrimstr(annotation_prefix)) as $name
	| select(($honoured | index($name) | not) and ($name != "kernel" or (.value | is_listed | not)))
	| "annotation \(.key | tojson) is ignored: " + if $name == "kernel" then "kernels in runX.conf does not list it"
	elif annotation_names | index($name) then
		"annotations in runX.conf does not list \($name)"
	else "runX has no annotation of this name (docs/configuration.md lists them)" end;

# The value of a variable, or null if it is not set. If env has several, the last one counts, as for the process itself.
def variable($name):
	[.[] | select(startswith($name + "=")) | .[($name | length) + 1:]] | last
	| if . == "" or . == null then null else path("process.env: \($name)") end;

# The specification's document and schema spell it hwConfig. Its Go structure, and so every program that writes with it,
# spells it hwconfig.
def hardware:
	if .hwConfig == null then .hwconfig
	elif .hwconfig == null or .hwconfig == .hwConfig then .hwConfig
	else fail("vm.hwConfig"; "differs from vm.hwconfig: remove one of the two") end
	| section("vm.hwConfig");

def list($field):
	if . == null then empty
	elif type != "array" then fail($field; "must be an array")
	else range(length) as $i | [.[$i], "\($field)[\($i)]"] end;

# Names of nodes have only these characters (Devicetree specification, 2.2.1). So blanks can separate them.
def device_tree_node($field):
	absolute($field)
	| if explode | all((. >= 48 and . <= 57) or (. >= 65 and . <= 90) or (. >= 97 and . <= 122)
		or ([.] | inside("/,._+-@#" | explode))) then .
	else fail($field; "must be a path in the device tree") end;

def hex:
	(if . < 16 then "" else . / 16 | floor | hex end) + (. % 16 | "0123456789abcdef"[.:. + 1]);

# A range of frames as in xl.cfg(5): START,COUNT[@GUEST], in hexadecimal. A frame's number has at most 40 bits, which
# is enough for every physical address.
def iomem($field):
	object($field)
	| (.firstMFN | between("\($field).firstMFN"; 0; 1099511627775) | hex) + ","
	+ (.nrMFNs | between("\($field).nrMFNs"; 1; 1099511627775) | hex)
	+ (.firstGFN | if . == null then "" else
		"@" + (between("\($field).firstGFN"; 0; 1099511627775) | hex) end);

def from($whose): if . == null then . else "\($whose):\(.)" end;
def assign($name): "\($name)=\(. // "" | tostring | @sh)";

# Assigns only if there is a value. Otherwise the variable keeps the value that it has.
def assign_given($name): if . == null then empty else assign($name) end;

# The settings that count. The type of each part is checked.
def honoured($annotations; $variables):
	.env as $env
	| {
		annotation: (.annotations | annotations($annotations)),
		variable: ($variables | map({(.): (. as $name | $env | variable($name))}) | add // {}),
		vm: (.vm | section("vm"))
	}
	| .kernel = (.vm.kernel | section("vm.kernel"))
	| .hardware = (.vm | hardware);

def kernel:
	if .vm.kernel == null then null else .kernel.path | absolute("vm.kernel.path") end;

def initrd:
	.kernel.initrd | if . == null then . else absolute("vm.kernel.initrd") end;

def kernel_parameters:
	[.kernel.parameters | list("vm.kernel.parameters") | .[1] as $field | .[0] | printable($field)]
	+ [.annotation.kernel_parameters // empty] | join(" ");

# The annotation's disks, as words for helpers/root/stage.c and as the guest's records. Their numbers follow those of the
# $number bind mounts in config.json.
def disks($number):
	.annotation.disks
	| if . == null then empty else
		(map(.words[]) | @sh | assign("given_disks")),
		(to_entries | map((.value.destination | record("mount")), ("bind" | record("mount.type")),
			($number + .key | tostring | record("mount.source"))) | join("") | assign("given_mounts"))
	end;

def boot:
	((.annotation.kernel | if . != null and is_listed then from("listed") else from("checked") end) // (kernel | from("host")) // (.variable.RUNX_KERNEL | from("container"))
		| assign("kernel")),
	((.annotation.initrd | from("checked")) // (initrd | from("host")) // (.variable.RUNX_RAMDISK | from("container"))
		| assign("initrd")),
	(kernel_parameters | assign("kernel_parameters")),
	(.variable.XLCONF | if . == null then . else absolute("process.env: XLCONF") end | assign("xlconf")),
	(.variable.NETCONF | if . == null then . else absolute("process.env: NETCONF") end | assign("netconf"));

def megabytes:
	.hardware.memory
	| if . == null then . else between("vm.hwConfig.memory"; 1; 17592186044416) / 1048576 | ceil end;

def vcpus:
	.hardware.vcpus | if . == null then . else between("vm.hwConfig.vcpus"; 1; 4096) end;

def settings:
	(.annotation.memory // megabytes | assign_given("memory", "given_memory")),
	(.annotation.vcpus // vcpus | assign_given("vcpus", "given_vcpus")),
	(.annotation
		| (.guest_type | assign_given("conf_guest_type")),
		(.rootfs | assign_given("conf_rootfs")),
		(.write_back | assign_given("conf_write_back")),
		(.disk_headroom | assign_given("conf_disk_headroom")),
		(.start_timeout | assign_given("conf_start_timeout")));

def devices:
	.hardware
	| (.deviceTree | if . == null then . else absolute("vm.hwConfig.deviceTree") end | assign("device_tree")),
	([.dtdevs | list("vm.hwConfig.dtdevs") | .[1] as $field | .[0] | device_tree_node($field)]
		| join(" ") | assign("dtdevs")),
	([.iomems | list("vm.hwConfig.iomems") | .[1] as $field | .[0] | iomem($field)] | join(" ") | assign("iomems")),
	([.irqs | list("vm.hwConfig.irqs") | .[1] as $field | .[0] | between($field; 0; 4294967295) | tostring]
		| join(", ") | assign("irqs"));

# A host has one hypervisor, and it already runs. So vm.hypervisor is checked, and then ignored.
def hypervisor_warning:
	if .hypervisor == null then empty
	else
		.hypervisor | object("vm.hypervisor")
		| (.path | absolute("vm.hypervisor.path")) as $path
		| (.parameters | texts("vm.hypervisor.parameters")) as $parameters
		| "vm.hypervisor is ignored: the hypervisor is Xen, and it already runs"
	end;

def variable_warnings($honoured):
	. as $env
	| ("NETCONF", "RUNX_KERNEL", "RUNX_RAMDISK", "XLCONF") as $name
	| select(($honoured | index($name) | not) and ($env | variable($name)))
	| "\($name) in process.env is ignored: environment in runX.conf does not list it";

.binds as $binds
| ($annotations / " ") as $annotations
| ($variables / " ") as $variables
| (honoured($annotations; $variables)
	| if .vm.image != null then
		fail("vm.image"; "runX does not support it: the VM boots from its initrd, and mounts root.path itself")
	else boot, settings, devices, disks($binds) end),
([
	(.vm // {} | hypervisor_warning),
	few(.annotations | annotation_warnings($annotations)),
	(.env | variable_warnings($variables))
] | join("\n") | assign("warnings"))
