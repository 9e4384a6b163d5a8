# SPDX-License-Identifier: Apache-2.0
#
# Refuses, or warns about, what config.json or `runX update` asks for and runX does not do. docs/config-json.md lists every key.
#
# Docker writes two of the keys for every container, with values that ask for nothing.
# wanted for: "burst" "classID" "execCPUAffinity" "gidMappings" "intelRdt" "kernel" "kernelTCP" "memoryPolicy" "mems" "netDevices"
# wanted for: "priorities" "realtimePeriod" "realtimeRuntime" "timeOffsets" "rootfsPropagation" "uidMappings" shared"
# wanted for: "blockIO"!:{"weight":0} "disableOOMKiller"!:false

# A line has a key, its type in JSON, whether runX refuses it or warns about it, and why. One text compiles faster than arrays.
def unmet_table:
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

def ignored($what; $why): "\($what) is ignored: \($why)";
def log_warning: "log_warning \(@sh)";
def warn($what; $why): ignored($what; $why) | log_warning;

# The input is config.json, or what stands for it. $in is the part of the keys that is not in messages: "linux.resources." if the
# input came as linux.resources alone.
def unmet_keys($in):
	(unmet_table as $words
		| $words[0] as $key
		# Other modules have checked the objects that $key is in. A device of the network asks by its name: {"eth9": {}}.
		| getpath($key | split(".")) | values
		| ($key | ltrimstr($in)) as $name
		| if type != $words[1] then fail($name; "must be of JSON's type \($words[1])")
			else select(asked_for or ($key == "linux.netDevices" and . != {})) end
		| ($words[3:] | join(" ")) as $why
		| if $words[2] == "warn" then warn($name; $why) else fail($name; $why) end);
