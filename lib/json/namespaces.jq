# SPDX-License-Identifier: Apache-2.0
#
# Checks linux.namespaces, and finds in them what runX needs.

# The names of the types in /proc/PID/ns.
def namespace_types:
	{cgroup: "cgroup", ipc: "ipc", mount: "mnt", network: "net", pid: "pid", time: "time", user: "user", uts: "uts"};

# The type of the namespace at this path of /proc, as the path itself names it. Of any other path only the kernel can tell: "".
def namespace_at:
	split("/") | if .[1] == "proc" and .[2] != ".." and .[-2] == "ns" and (length == 5 or (length == 7 and .[3] == "task"))
		then .[-1] | rtrimstr("_for_children") else "" end;

# Checks the namespaces, and gives those that exist already, as [{type, path, unknown}]. unknown: check_namespaces must find out
# what the path is. The proxy joins a network namespace, and setns(2) checks its type. runtime-spec, config-linux.md: a path
# "MUST be an absolute path", and if it "is not associated with a namespace of type `type`" the runtime generates an error.
def joined_namespaces:
	[items("linux.namespaces") | "linux.namespaces[\(.key)]" as $field | .value
		| object($field)
		| (.type | text($field + ".type")) as $type
		| (namespace_types[$type] // fail($field + ".type"; "namespace \"\($type)\" does not exist")) as $name
		| (.path | otherwise("") | text($field + ".path") | if . == "" then . else absolute($field + ".path") end) as $path
		| ($path | namespace_at) as $is
		| if $is != "" and $is != $name then
			fail($field + ".path"; "\($path) is a namespace of type \($is), and the entry is of type \($type)")
		else {$type, $path, unknown: ($is == "" and $type != "network")} end]
	| (group_by(.type)[] | select(length > 1) | fail("linux.namespaces"; "has the \(.[0].type) namespace twice")),
	map(select(.path != ""));

# The processes of two VMs cannot see each other. A pod's container is asked to join its sandbox, where no other process is.
def check_joined_pid($joined; $annotations):
	if any($joined[]; .type == "pid") and ($annotations | keys | any(startswith("io.kubernetes.cri")) | not) then
		fail("linux.namespaces"; "a container cannot join a PID namespace: its processes are in a VM of their own")
	else . end;

# The words of check_namespaces: UNKNOWN=UNJOINED=PATH. UNKNOWN is the entry's type if the path may be something else. UNJOINED is
# it if there is something to say. Every container of a pod is asked to join its sandbox's namespaces, where nobody else is.
def words_of($joined; $annotations):
	($annotations | keys | any(startswith("io.kubernetes.cri"))) as $pod
	| $joined[]
	| (if .unknown then .type else "" end) + "="
	+ (if $pod or .type == "network" or .type == "uts" or .type == "pid" then "" else .type end) + "=" + .path;

# The network namespace: "" (the host's), "new", or the path of one that exists.
def netns($joined):
	if any(.[]?; .type == "network") then first($joined[] | select(.type == "network") | .path) // "new" else "" end;

# A container that joins another UTS namespace has the host name of that namespace. containerd's CRI plugin tells a container
# of a pod this name only in the variable HOSTNAME. Of several entries the last reaches the process.
def joined_hostname($joined; $env):
	if any($joined[]; .type == "uts")
	then [$env | arrays | .[] | strings | select(startswith("HOSTNAME="))][-1] // "" | select(utf8bytelength <= 73) // "" | .[9:]
	else "" end;
