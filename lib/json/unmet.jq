# SPDX-License-Identifier: Apache-2.0
#
# Refuses, or warns about, what config.json asks for and runX does not do. docs/config-json.md lists every key.
#
# lib/plan.sh adds this module only if config.json has a word of it.

# A line has a key, its type in JSON, whether runX refuses it or warns about it, and why. One text compiles faster than arrays.
def unmet_keys:
	"linux.netDevices object refuse a VM cannot have a device of the host: put an interface into the container's network namespace
	linux.timeOffsets object refuse runX does not support time namespaces: remove this key
	process.execCPUAffinity object warn a VM numbers its own CPUs
	linux.intelRdt object warn the caches of the CPUs are Xen's (xl psr-cat-set)
	linux.memoryPolicy object warn a VM has one memory node
	linux.resources.blockIO object warn the host's control groups do not see what a VM reads and writes
	linux.resources.cpu.burst number warn the cap of Xen's scheduler has no bursts
	linux.resources.cpu.mems string warn Xen chooses where a VM's memory is
	linux.resources.cpu.realtimePeriod number warn Xen's scheduler has no real-time share
	linux.resources.cpu.realtimeRuntime number warn Xen's scheduler has no real-time share
	linux.resources.memory.disableOOMKiller boolean warn a VM without memory always ends a process
	linux.resources.memory.kernel number warn the limit of memory contains the kernel's memory
	linux.resources.memory.kernelTCP number warn the limit of memory contains the kernel's memory
	linux.resources.network object warn the host's control groups do not see a VM's packets"
	| split("\n")[] | ltrimstr("\t") | split(" ");

# Engines write 0, false or an empty text for what nobody asked for.
def asked_for: any(..; scalars and . != 0 and . != "");

def warn($what; $why): "log_warning " + ("\($what) is ignored: \($why)" | @sh);

# A mapping of ids to themselves changes nothing.
def mapped($field; $problem):
	items($field).value | object($field) | select(.hostID != .containerID) | fail($field; $problem);

def shared_warning($field): warn("\($field): shared"; "the host does not see what a VM mounts");

def unmet:
	(unmet_keys as $words
		| $words[0] as $key
		# Other modules have checked the objects that $key is in.
		| getpath($key | split(".")) | values
		| if type != $words[1] then fail($key; "must be of JSON's type \($words[1])") else select(asked_for) end
		| ($words[3:] | join(" ")) as $why
		| if $words[2] == "warn" then warn($key; $why) else fail($key; $why) end),
	(("uidMappings", "gidMappings") as $name
		| (.linux[$name]? | mapped("linux.\($name)"; "runX does not support user namespaces: run the container without one")),
		(.mounts | items("mounts") | "mounts[\(.key)].\($name)" as $field | .value[$name]
			| mapped($field; "runX does not support idmapped mounts: remove this key"))),
	(.linux.rootfsPropagation? | strings | select(endswith("shared")) | shared_warning("linux.rootfsPropagation")),
	(.mounts | items("mounts") | select(.value | is_bind and any(.options[]?; endswith("shared")))
		| shared_warning("mounts[\(.key)].options"));
