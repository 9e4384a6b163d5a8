#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX create, with stand-ins for xl and the proxy: what it writes, and that it leaves nothing when it fails.

load helpers

@test "create: makes a created container, its pid file last and without a newline" {
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
	[ "$(wc -l <"$BATS_TEST_TMPDIR/pid")" -eq 0 ]
	kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
	runX state c1
	[ "$(jq -r .status <<<"$output")" = created ]
	[ "$(jq .pid <<<"$output")" = "$(cat "$BATS_TEST_TMPDIR/pid")" ]
}

@test "create: starts jq once and xl once" {
	printf '#!/bin/sh\necho jq >>"$FAKE/calls"\nexec %s "$@"\n' "$(command -v jq)" >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(calls jq)" -eq 1 ]
	[ "$(calls xl)" -eq 1 ]
	grep -q '^xl create -q -p -e ' "$FAKE/calls"
}

@test "create: relative paths are the caller's" {
	cd "$BATS_TEST_TMPDIR"
	runX create --bundle bundle --pid-file pid c1
	succeeds
	[ -s "$BATS_TEST_TMPDIR/pid" ]
	runX state c1
	[ "$(jq -r .bundle <<<"$output")" = "$bundle" ]
	[ "$(jq -r .rootfs <<<"$output")" = "$bundle/rootfs" ]
}

@test "create: a bundle whose path is not UTF-8 is refused in one sentence, and leaves nothing" {
	mv "$bundle" "$bundle"$'\xff'
	runX create --bundle "$bundle"$'\xff' c1
	mv "$bundle"$'\xff' "$bundle"
	fails_with 'its path is not UTF-8, and JSON has no other text (rename it)'
	nothing_left
}

@test "create: state carries the annotations and a time in RFC 3339" {
	config '.annotations = {"a/b": "c \"d\" \\ é", "n": ""}'
	runX create --bundle "$bundle" c1
	succeeds
	runX state c1
	[ "$(jq -c .annotations <<<"$output")" = '{"a/b":"c \"d\" \\ é","n":""}' ]
	jq -e '.created | fromdate > 1600000000' <<<"$output"
}

@test "create: the guest gets arguments and environment byte for byte" {
	config '.process.args = ["/bin/sh", "", "a b", "q\"q", "back\\slash\\0101", "new\nline", "%d $HOME `id`", "é☃"]'
	config '.process.env = ["A=", "B=x\ny", "C=\\n"]'
	runX create --bundle "$bundle" c1
	succeeds
	jq -j '(.process.args[] | "arg=" + . + "\u0000"), (.process.env[] | "env=" + . + "\u0000")' \
		"$bundle/config.json" >"$BATS_TEST_TMPDIR/wanted"
	grep -zE '^(arg|env)=' "$RUNX_ROOT/c1/container" | cmp - "$BATS_TEST_TMPDIR/wanted"
}

@test "create: a value with quotes and backslashes adds no line to xl's configuration" {
	echo "images = $BATS_TEST_TMPDIR/od\"d\\images" >>"$RUNX_CONF"
	echo 'rootfs = disk' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c1
	succeeds
	grep -qF 'target='"$BATS_TEST_TMPDIR"'/od\"d\\images/' "$FAKE/xl.cfg"
	[ "$(sed 's/ +*=.*//' "$FAKE/xl.cfg" | xargs)" = 'memory vcpus tsc_mode name uuid type kernel ramdisk extra disk' ]
}

@test "create: a root's path may have any characters, also a comma" {
	echo 'cat 0/bin/sh >"$FAKE/seen"' >"$FAKE/serves"
	mv "$bundle" "$BATS_TEST_TMPDIR/a,b \"d\\ '\$x'"
	runX create --bundle "$BATS_TEST_TMPDIR/a,b \"d\\ '\$x'" c1
	succeeds
	[ "$(cat "$FAKE/seen")" = '#!/bin/sh' ]
}

@test "create: a memory limit becomes the VM's memory, with room for its kernel" {
	config '.linux.resources.memory.limit = 268435456'
	runX create --bundle "$bundle" c1
	grep -q '^memory = 288$' "$FAKE/xl.cfg"
	config '.linux.resources.memory.limit = 4194304'
	runX create --bundle "$bundle" c2
	grep -q '^memory = 64$' "$FAKE/xl.cfg"
	config '.linux.resources.memory.limit = -1'
	runX create --bundle "$bundle" c3
	grep -q '^memory = 128$' "$FAKE/xl.cfg"
}

@test "create: guest_type auto chooses pvh or pv by what Xen can run" {
	echo 'guest_type = auto' >>"$RUNX_CONF"
	local capabilities=$BATS_TEST_TMPDIR/host/sys/hypervisor/properties/capabilities
	export RUNX_HOST=$BATS_TEST_TMPDIR/host
	mkdir -p "${capabilities%/*}"
	echo 'xen-3.0-aarch64 xen-3.0-armv7l ' >"$capabilities"
	runX create --bundle "$bundle" c1
	grep -qx 'type = "pvh"' "$FAKE/xl.cfg"
	grep -qx 'acpi = 0' "$FAKE/xl.cfg"
	echo 'xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_64 ' >"$capabilities"
	runX create --bundle "$bundle" c2
	grep -qx 'type = "pvh"' "$FAKE/xl.cfg"
	[ "$(grep -E 'acpi|tsc_mode' "$FAKE/xl.cfg")" = 'tsc_mode = "native"' ]
	echo 'xen-3.0-x86_64 ' >"$capabilities"
	runX create --bundle "$bundle" c3
	grep -qx 'type = "pv"' "$FAKE/xl.cfg"
	[ "$(grep -E 'acpi|tsc_mode' "$FAKE/xl.cfg")" = 'tsc_mode = "native"' ]
}

# Bad bundles: the error names the field and the cause in one sentence, and nothing is left.

@test "create: no bundle" {
	runX create --bundle "$BATS_TEST_TMPDIR/none" c1
	fails_with "bundle $BATS_TEST_TMPDIR/none: no such directory"
	nothing_left
}

@test "create: no config.json" {
	rm "$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with "bundle $bundle: config.json is missing"
	nothing_left
}

@test "create: if xl list fails too, the error still names the first cause, and nothing is left" {
	echo '{"ociVersion": ' >"$bundle/config.json"
	XL_FAIL=list runX create --bundle "$bundle" c1
	fails_with "config.json: not JSON"
	nothing_left
}

@test "create: config.json that is not JSON" {
	echo '{"ociVersion": ' >"$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with "config.json: not JSON"
	nothing_left
}

@test "create: an empty config.json" {
	: >"$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with "config.json is empty"
	nothing_left
}

@test "create: config.json that is no object" {
	echo '[]' >"$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with "config.json: must be an object"
}

@test "create: no process" { bad 'del(.process)' 'process: must be an object'; }
@test "create: no root" { bad 'del(.root)' 'root: must be an object'; }
@test "create: no ociVersion" { bad 'del(.ociVersion)' 'ociVersion: must be a string'; }
@test "create: no arguments" { bad '.process.args = []' 'process.args: must not be empty'; }
@test "create: arguments that are no array" { bad '.process.args = "sh"' 'process.args: must be an array'; }
@test "create: an argument that is a number" { bad '.process.args[1] = 5' 'process.args[1]: must be a string'; }
@test "create: a NUL in an argument" { bad '.process.args[1] = "a\u0000b"' 'process.args[1]: must not contain a NUL'; }
@test "create: a relative working directory" { bad '.process.cwd = "x"' 'process.cwd: must be an absolute path'; }
@test "create: a negative user" { bad '.process.user.uid = -1' 'process.user.uid: must be a whole number'; }
@test "create: a user that is a text" { bad '.process.user.uid = "0"' 'process.user.uid: must be a whole number'; }
@test "create: a fractional group" { bad '.process.user.gid = 1.5' 'process.user.gid: must be a whole number'; }
@test "create: a huge user" { bad '.process.user.uid = 1e30' 'process.user.uid: must be a whole number'; }
@test "create: a limit that is set twice" {
	bad '.process.rlimits += [.process.rlimits[0]]' 'process.rlimits: has a type twice'
}
@test "create: a limit that does not exist" {
	bad '.process.rlimits[0].type = "RLIMIT_FOO"' 'process.rlimits[0].type: unknown rlimit: RLIMIT_FOO'
}
@test "create: a soft limit over the hard one" { bad '.process.rlimits[0].soft = 5000' 'soft must not be more than hard'; }
@test "create: an oom_score_adj that is out of range" { bad '.process.oomScoreAdj = 1001' 'process.oomScoreAdj: must be a whole number'; }
@test "create: capabilities that are no object" { bad '.process.capabilities = []' 'process.capabilities: must be an object'; }
@test "create: a device without a type" { bad '.linux.devices = [{path: "/dev/x"}]' 'linux.devices[0].type: must be c, u, b or p'; }
@test "create: a sysctl that is a number" { bad '.linux.sysctl = {a: 1}' 'linux.sysctl.a: must be a string'; }

@test "create: capabilities become masks, and each unknown one is warned of once and ignored" {
	config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_KILL", "CAP_FUTURE", "CAP_CHECKPOINT_RESTORE"],
		effective: ["CAP_FUTURE", "$(id) \u0027*"], permitted: null}'
	runX create --bundle "$bundle" c1
	succeeds
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = "runX: warning: process.capabilities: unknown capability: \$(id) '* (ignored)" ]
	[ "${lines[1]}" = 'runX: warning: process.capabilities: unknown capability: CAP_FUTURE (ignored)' ]
	[ "$(jq -r .level "$log" | xargs)" = 'warning warning' ]
	[ "$(records capability.bounding)" = $(((1 << 0) + (1 << 5) + (1 << 40))) ]
	[ "$(records capability.effective)" = 0 ]
}

@test "create: limits, also the largest" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 10, hard: 18446744073709551615}, {type: "RLIMIT_CPU", soft: 0, hard: 1099511627776}]'
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(records rlimit | xargs)" = '7:10:18446744073709551615 0:0:1099511627776' ]
}

@test "create: the mode of a device may have the bits of its type" {
	# 020666 and 0102644 (with setgid), and what has more bits than a mode
	creates '.linux.devices = [{type: "c", path: "/dev/a", major: 1, minor: 2, fileMode: 8630}, {type: "p", path: "/dev/b", fileMode: 34212}]'
	[ "$(records device | xargs)" = 'c:1:2:666:0:0:/dev/a p:0:0:2644:0:0:/dev/b' ] || { records device && return 1; }
	runX delete c1
	bad '.linux.devices = [{type: "c", path: "/dev/a", fileMode: 65536}]' 'linux.devices[0].fileMode: must be a whole number from 0 to 65535'
}

@test "create: devices and sysctls" {
	config '.linux.devices = [{type: "c", path: "/dev/fuse", major: 10, minor: 229, fileMode: 420, uid: 5}] | .linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(records device)" = 'c:10:229:644:5:0:/dev/fuse' ]
	[ "$(records sysctl)" = 'net.ipv4.ip_forward=1' ]
}

@test "create: terminal that is a text" { bad '.process.terminal = "yes"' 'process.terminal: must be true or false'; }
@test "create: mounts that are no array" { bad '.mounts = {}' 'mounts: must be an array'; }
@test "create: a mount without a destination" { bad 'del(.mounts[0].destination)' 'mounts[0].destination: must be a string'; }
@test "create: two network namespaces" {
	bad '.linux.namespaces += [{"type": "network"}]' 'has the network namespace twice'
}
@test "create: a namespace type that does not exist" {
	bad '.linux.namespaces += [{"type": "foo"}]' 'type: namespace "foo" does not exist'
}
@test "create: a namespace of any type that stands twice" {
	bad '.linux.namespaces += [{"type": "ipc"}]' 'linux.namespaces: has the ipc namespace twice'
}
@test "create: a namespace that does not exist" {
	bad '(.linux.namespaces[] | select(.type == "ipc")).path = "/nowhere/ipc"' 'linux.namespaces: /nowhere/ipc: no such file or directory'
}
@test "create: a PID namespace that exists cannot be joined, but that of a pod's sandbox counts as none" {
	local pid='(.linux.namespaces[] | select(.type == "pid")).path = "/proc/1/ns/pid"'
	bad "$pid" 'linux.namespaces: a container cannot join a PID namespace: its processes are in a VM of their own'
	creates "$pid"' | .annotations = {"io.kubernetes.cri.container-type": "container"}'
}
@test "create: namespaces by path that a VM does not join are said, except in a pod" {
	config '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/self/ns/ipc"'
	runX create --bundle "$bundle" c1
	succeeds
	[ "$output" = 'runX: warning: linux.namespaces: the ipc namespace at /proc/self/ns/ipc is not joined: a VM has its own' ]
	runX delete --force c1
	config '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/self/ns/ipc" | .annotations = {"io.kubernetes.cri.container-type": "container"}'
	runX create --bundle "$bundle" c1
	succeeds
	[ -z "$output" ]
}
@test "create: devices of the host's network" {
	bad '.linux.netDevices = {"eth9": {}}' 'linux.netDevices: a VM cannot have a device of the host'
	creates '.linux.netDevices = {}'
}
@test "create: a namespace of another type than the entry says" {
	local ipc='(.linux.namespaces[] | select(.type == "ipc")).path'
	bad "$ipc = \"/proc/self/ns/net\"" '/proc/self/ns/net is a namespace of type net, and the entry is of type ipc'
	bad "$ipc = \"/proc/1/task/1/ns/pid_for_children\"" 'is a namespace of type pid, and the entry is of type ipc'
	[ "$(id -u)" -eq 0 ] || return 0
	: >"$BATS_TEST_TMPDIR/ns"
	mount --bind /proc/self/ns/uts "$BATS_TEST_TMPDIR/ns" || skip 'this machine binds no namespaces'
	config "$ipc = \"$BATS_TEST_TMPDIR/ns\""
	runX create --bundle "$bundle" c1
	umount "$BATS_TEST_TMPDIR/ns"
	fails_with "$BATS_TEST_TMPDIR/ns is a namespace of type uts, and the entry is of type ipc"
}
# The type is found whatever leads to the namespace: a link, another spelling, a mount whose path mountinfo writes otherwise.
@test "create: a namespace whose type only the kernel can tell" {
	local ipc='(.linux.namespaces[] | select(.type == "ipc")).path' links=$BATS_TEST_TMPDIR/links path
	mkdir "$links"
	ln -s /proc/self/ns/uts "$links/uts"
	ln -s /proc/self/ns/ipc "$links/ipc"
	ln -s nowhere "$links/dangling"
	mkfifo "$links/fifo"
	: >"$links/uts:[1]"
	for path in "$links/uts" //proc/self/ns/uts /proc/self/../self/ns/uts; do
		bad "$ipc = \"$path\"" "linux.namespaces: $path is a namespace of type uts, and the entry is of type ipc"
	done
	for path in /etc/hosts "$links" "$links/fifo" "$links/dangling" "$links/uts:[1]" /dev/null /proc/../etc/hosts; do
		bad "$ipc = \"$path\"" "linux.namespaces: $path is not a namespace"
	done
	bad "del($ipc) | (.linux.namespaces[] | select(.type == \"uts\")).path = \"/etc/hosts\"" 'linux.namespaces: /etc/hosts is not a namespace'
	ln -s /proc/self/ns/mnt "$links/mnt"
	creates "(.linux.namespaces[] | select(.type == \"uts\")).path = \"$links/uts\"
		| (.linux.namespaces[] | select(.type == \"mount\")).path = \"$links/mnt\" | $ipc = \"$links/ipc\""
	[ "${#lines[@]}" -eq 2 ]
	[[ $output == *"the ipc namespace at $links/ipc is not joined"* ]]
}
@test "create: a namespace that is bound to a path with a blank" {
	[ "$(id -u)" -eq 0 ] || skip 'only root mounts'
	: >"$BATS_TEST_TMPDIR/a ns"
	mount --bind /proc/self/ns/uts "$BATS_TEST_TMPDIR/a ns" || skip 'this machine binds no namespaces'
	# Many pods' namespaces are bound, so this takes no program.
	printf '#!/bin/sh\nexit 1\n' >"$FAKE/bin/readlink"
	chmod 755 "$FAKE/bin/readlink"
	config "(.linux.namespaces[] | select(.type == \"ipc\")).path = \"$BATS_TEST_TMPDIR/a ns\""
	runX create --bundle "$bundle" c1
	umount "$BATS_TEST_TMPDIR/a ns"
	fails_with "$BATS_TEST_TMPDIR/a ns is a namespace of type uts, and the entry is of type ipc"
}
@test "create: the path of a namespace must be absolute" {
	bad '(.linux.namespaces[] | select(.type == "ipc")).path = "proc/self/ns/ipc"' 'linux.namespaces[2].path: must be an absolute path'
	bad 'del(.linux.namespaces[2].path) | (.linux.namespaces[] | select(.type == "network")).path = "x"' '].path: must be an absolute path'
}

@test "create: without a host name, with or without a UTS namespace, the guest has the host's" {
	export RUNX_HOST=$BATS_TEST_TMPDIR/host
	mkdir -p "$RUNX_HOST/proc/sys/kernel"
	echo here >"$RUNX_HOST/proc/sys/kernel/hostname"
	creates 'del(.hostname) | del(.linux.namespaces[] | select(.type == "uts"))'
	[ "$(records hostname)" = here ]
	runX delete --force c1
	creates '.linux.namespaces += [{"type": "uts"}]'
	[ "$(records hostname)" = here ]
	runX delete --force c1
	creates '.hostname = "own"'
	[ "$(records hostname)" = own ]
	runX delete --force c1
	echo '(none)' >"$RUNX_HOST/proc/sys/kernel/hostname"
	creates 'del(.hostname)'
	[ "$(records hostname)" = '' ]
}

@test "create: without a domain name, the guest has the host's, unless that is none" {
	local none
	export RUNX_HOST=$BATS_TEST_TMPDIR/host
	mkdir -p "$RUNX_HOST/proc/sys/kernel"
	echo nis.example >"$RUNX_HOST/proc/sys/kernel/domainname"
	creates '.hostname = "own"'
	[ "$(records domainname) $(records hostname)" = 'nis.example own' ]
	runX delete --force c1
	creates '.domainname = "mine"'
	[ "$(records domainname)" = mine ]
	runX delete --force c1
	for none in '(none)' '' 'a\0000b'; do
		printf '%s\n' "$none" >"$RUNX_HOST/proc/sys/kernel/domainname"
		creates 'del(.domainname)'
		[ "$(records domainname)" = '' ]
		runX delete --force c1
	done
}

@test "create: a stream that is /dev/null is /dev/null for the process, too" {
	creates .
	[ "$(grep -zE '^std(in|out|err)=' "$RUNX_ROOT/c1/container" | tr '\0' ' ')" = 'stdin=null ' ]
	runX delete --force c1
	run sh -c '"$1" create --bundle "$2" c1 </dev/zero >/dev/null 2>&1' sh "$top/runX" "$bundle"
	[ "$(grep -zE '^std(in|out|err)=' "$RUNX_ROOT/c1/container" | tr '\0' ' ')" = 'stdout=null stderr=null ' ]
}

@test "create: I/O priority, scheduler and personality" {
	creates '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4} | .linux.personality = {domain: "LINUX32"}
		| .process.scheduler = {policy: "SCHED_DEADLINE", nice: -3, flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
			runtime: 1, deadline: 20000000, period: 3}'
	[ "$(records io_priority) $(records personality) $(records scheduler)" = '16388 8 6:3:-3:0:1:20000000:3' ]
}

@test "create: a scheduler of the kind that has a priority" {
	creates '.process.scheduler = {policy: "SCHED_FIFO", priority: 10}'
	[ "$(records scheduler)" = 1:0:0:10:0:0:0 ]
}

@test "create: a scheduler without the numbers of others" {
	creates '.process.scheduler = {policy: "SCHED_BATCH", nice: 3}'
	[ "$(records scheduler)" = 3:0:3:0:0:0:0 ]
}

@test "create: an unknown scheduler" {
	bad '.process.scheduler = {policy: "SCHED_X"}' 'process.scheduler.policy: unknown value: SCHED_X'
}
@test "create: an I/O priority that is out of range" {
	bad '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 8}' 'process.ioPriority.priority: must be a whole number from 0 to 7'
}
@test "create: numbers with an exponent are numbers" {
	printf '%s\n' "$(jq -c '.process.user.uid = "N"' "$bundle/config.json" | sed 's/"N"/1e3/')" >"$bundle/config.json"
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(records uid)" = 1000 ]
}
@test "create: a propagation that does not exist" { bad '.linux.rootfsPropagation = "often"' 'linux.rootfsPropagation: must be shared, slave'; }
@test "create: a propagation that is a number" { bad '.linux.rootfsPropagation = 1' 'linux.rootfsPropagation: must be shared, slave'; }
@test "create: the size of a terminal that nobody asked for is ignored" {
	config '.process.consoleSize = 1'
	runX create --bundle "$bundle" c1
	succeeds
}
@test "create: a size of a terminal that is a number" { bad '.process.terminal = true | .process.consoleSize = 1' 'process.consoleSize: must be an object'; }
@test "create: a flag of a personality" {
	bad '.linux.personality = {domain: "LINUX", flags: ["SHORT_INODE"]}' 'linux.personality.flags: no flags are known'
}
@test "create: a personality without a domain" { bad '.linux.personality = {}' 'linux.personality.domain: must be a string'; }

@test "create: a root that is missing" { bad '.root.path = "nowhere"' "root file system $bundle/nowhere: no such directory"; }

@test "create: a terminal needs a console socket, and a console socket needs a terminal" {
	bad '.process.terminal = true' 'without setting console socket'
	config '.process.terminal = false'
	runX create --bundle "$bundle" --console-socket /x c1
	fails_with 'cannot use console socket'
	nothing_left
}

# create looks the program up on the host. Engines turn these error texts into the statuses 126 and 127.

@test "create: a program that is not in PATH" {
	bad '.process.args = ["nosuch"]' 'exec: "nosuch": executable file not found in $PATH'
}
@test "create: a program that does not exist" {
	bad '.process.args = ["/bin/nosuch"]' 'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory'
}
@test "create: a program that is not executable" {
	echo data >"$bundle/rootfs/bin/data"
	bad '.process.args = ["/bin/data"]' 'exec: "/bin/data": permission denied'
}
@test "create: a program that is a directory" {
	bad '.process.args = ["/bin"]' 'exec: "/bin": is a directory'
}
@test "create: a link does not lead to a program outside of the root" {
	ln -s /proc/self/exe "$bundle/rootfs/bin/out"
	ln -s ../../../../../../bin/true "$bundle/rootfs/bin/up"
	bad '.process.args = ["/bin/up"]' 'no such file or directory'
}
@test "create: a program under a mount is not looked up on the host" {
	config '.process.args = ["/dev/shm/later"]'
	runX create --bundle "$bundle" c1
	succeeds
}
@test "create: a program whose links lead under a mount is not looked up either" {
	ln -s /a/../dev/./shm//x "$bundle/rootfs/bin/in"
	ln -s bin "$bundle/rootfs/sub"
	creates '.process.args = ["in"]'
	runX delete --force c1
	creates '.process.args = ["/sub/there/x"] | .mounts += [{destination: "/bin/there/", type: "tmpfs"}]'
}
@test "create: a program whose links lead past a mount is not found" {
	ln -s /dev/shm/../../x "$bundle/rootfs/bin/past"
	ln -s loop "$bundle/rootfs/bin/loop"
	bad '.process.args = ["past"]' 'executable file not found in $PATH'
	bad '.process.args = ["/bin/loop"]' 'too many levels of symbolic links'
}

# The guest's execvp(3) is musl's.
@test "create: without PATH it looks where execvp in the guest does" {
	local place
	for place in /usr/local/sbin /usr/sbin /sbin; do
		install -D -m 755 /dev/null "$bundle/rootfs$place/tool"
	done
	bad '.process.args = ["tool"] | .process.env = []' 'exec: "tool": executable file not found in $PATH'
	for place in /usr/local/bin /bin /usr/bin; do
		install -D -m 755 /dev/null "$bundle/rootfs$place/tool"
		creates .
		runX delete c1
		rm "$bundle/rootfs$place/tool"
	done
}
@test "create: PATH has so many entries that the program is not looked for in all of them" {
	bad '.process.args = ["nosuch"] | .process.env = ["PATH=" + "/x:" * 511 + "/x"]' 'executable file not found in $PATH'
	bad '.process.env = ["PATH=" + "/x:" * 512 + "/bin"]' 'exec: "nosuch": not in the first 512 entries of $PATH, and runX looks at no more'
	creates '.process.args = ["sh"] | .process.env = ["PATH=/bin:" + "/x:" * 100000]'
}
@test "create: links that lead through too many directories are not followed to their end" {
	local n
	mkdir "$bundle/rootfs/l"
	ln -s . "$bundle/rootfs/l/0"
	for n in {1..38}; do ln -s $((n - 1)) "$bundle/rootfs/l/$n"; done
	bad '.process.args = ["nosuch"] | .process.env = ["PATH=" + "/l/38:" * 500]' 'exec: "nosuch": cannot find out whether a mount hides it: the links'
}
@test "create: the name of a program that is too long for a path" {
	bad '.process.args = ["x" * 4096]' "process.args: the program's name is longer than 4095 bytes"
}

# Failures of the host

@test "create: a machine without Xen" {
	export RUNX_XENBUS=$BATS_TEST_TMPDIR/none
	runX create --bundle "$bundle" c1
	fails_with "this machine does not run Xen"
	nothing_left
}

@test "create: no xl" {
	mkdir "$FAKE/few"
	ln -s "$(command -v jq)" "$(command -v date)" "$(command -v mkdir)" "$FAKE/few/"
	# runX adds the usual folders to PATH. So a machine with xl in one of them cannot run this test.
	[ ! -e /usr/sbin/xl ] || skip "this machine has xl"
	rm "$FAKE/bin/xl"
	runX create --bundle "$bundle" c1
	fails_with "xl is not installed"
	nothing_left
}

@test "create: a helper that is not installed" {
	local name
	for name in control prepare proxy stage files; do
		mv "$FAKE/libexec/$name" "$FAKE/away"
		runX create --bundle "$bundle" c1
		fails_with "$FAKE/libexec/$name is missing: install runX again"
		nothing_left
		mv "$FAKE/away" "$FAKE/libexec/$name"
	done
}

@test "create: if xl create fails, one sentence says why, without xl's other messages" {
	export XL_FAIL=create
	XL_SAYS='Parsing config from /x
libxl: error: libxl_dm.c:3131:device_model_spawn_outcome: Domain 3:domain 3 device model: spawn failed (rc=-3)
libxl: error: libxl_create.c:1900:domcreate_devmodel_started: Domain 3:device model did not start: -3'
	export XL_SAYS
	runX create --bundle "$bundle" c1
	fails_with "xl cannot create the VM: domain 3 device model: spawn failed (rc=-3)"
	nothing_left
}

@test "create: too little memory" {
	export XL_FAIL=create XL_SAYS='failed to free memory for the domain'
	runX create --bundle "$bundle" c1
	fails_with "not enough free memory in Xen for a VM of 128 MiB"
	nothing_left
}

@test "create: if the proxy fails, the domain is destroyed" {
	export PROXY_FAIL='/dev/xen/evtchn: No such file'
	runX create --bundle "$bundle" c1
	fails_with "runX create failed: /dev/xen/evtchn"
	grep -q '^xl destroy 7$' "$FAKE/calls"
	nothing_left
}

@test "create: a pid file that cannot be written" {
	runX create --bundle "$bundle" --pid-file /nowhere/pid c1
	fails_with "cannot write the pid file /nowhere/pid"
	nothing_left
}

@test "create: a state directory that cannot be made" {
	: >"$BATS_TEST_TMPDIR/file"
	runX --root "$BATS_TEST_TMPDIR/file/root" create --bundle "$bundle" c1
	fails_with "cannot make the state directory"
}

@test "create: an unknown setting in runX.conf" {
	echo 'colour = blue' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c1
	fails_with "colour = blue is not a setting"
	nothing_left
}

# As with runc, which joins the bundle and the path by Go's filepath.Join.
@test "create: state has a relative root without dots and repeated slashes" {
	local path
	mkdir -p "$bundle/a/b"
	ln -s a/b "$bundle/link"
	for path in ./rootfs a/../rootfs// link/../rootfs/. "../${bundle##*/}/rootfs" "../../../../../../../../../..$bundle/rootfs"; do
		creates ".root.path = \"$path\""
		runX state c1
		[ "$(jq -r .rootfs <<<"$output")" = "$bundle/rootfs" ] || { echo "$path: $output" && return 1; }
		runX delete c1
	done
}

@test "create: rootfs = disk makes an image of the root, and needs no file server" {
	rm "$FAKE/libexec/files"
	echo 'rootfs = disk' >>"$RUNX_CONF"
	creates '.root.readonly = false'
	grep -q '^disk = .*vdev=xvda.*target=.*/rootfs.img' "$FAKE/xl.cfg"
	[ "$(debugfs -R 'stat /bin/sh' "$FAKE/rootfs.img" 2>/dev/null | grep -c 'Type: regular')" -eq 1 ]
}

# create leaves out a jq module if the text of config.json does not have its key. A key with an escape must not be lost.
@test "create: a key that is written with an escape counts like any other" {
	local part key
	for part in hooks linux.sysctl linux.seccomp linux.resources.memory; do
		key=${part##*.}
		make_bundle
		config ".$part = 1"
		sed -i "s/\"$key\": 1/\"\\\\u00$(printf %x "'$key")${key#?}\": 1/" "$bundle/config.json"
		grep -F '"\u00' "$bundle/config.json"
		runX create --bundle "$bundle" c1
		fails_with "$part: must be an object"
		nothing_left
	done
}

@test "create: a config.json that changes while runX reads it is refused" {
	local part
	for part in seccomp sysctls host_hooks 'guest_hooks({})' '{pids: .} | wanted("")'; do
		run jq -n "$(cat "$top/lib/json/values.jq" "$top/lib/json/absent.jq") {} | $part"
		[ "$status" -eq 5 ]
		[[ $output == *'has changed while runX read it: run it again' ]]
		[ -z "$(jq -n "$(cat "$top/lib/json/values.jq" "$top/lib/json/absent.jq") null | $part | select(. != {})")" ]
	done
}

@test "create: a missing jq module is reported in one sentence" {
	cp -r "$top/lib" "$BATS_TEST_TMPDIR/lib"
	rm "$BATS_TEST_TMPDIR/lib/json/devices.jq"
	export RUNX_LIBDIR=$BATS_TEST_TMPDIR/lib
	runX create --bundle "$bundle" c1
	fails_with "cannot read runX's jq module devices.jq: No such file or directory: install runX again"
	nothing_left
}

@test "create: keys of process.capabilities that are no sets are ignored, whatever they are" {
	creates '.process.capabilities = {foo: 5, bar: ["CAP_X"], baz: {a: 1}, bounding: ["CAP_KILL"]}'
	[ -z "$output" ]
	[ "$(records capability.bounding)" = 32 ]
}

@test "create: the state's bundle is a clean path without links" {
	local path
	ln -s bundle "$BATS_TEST_TMPDIR/link"
	mkdir "$BATS_TEST_TMPDIR/other"
	cd "$bundle"
	for path in . ./ "$bundle/." "$bundle//" "${bundle%/*}/./bundle" "${bundle%/*}//bundle/." ../bundle "$BATS_TEST_TMPDIR/other/../bundle" ..//bundle/./ \
		"$BATS_TEST_TMPDIR/link" "$BATS_TEST_TMPDIR/link/../bundle" ../link; do
		runX create --bundle "$path" c1
		succeeds
		runX state c1
		[ "$(jq -r '.bundle, .rootfs' <<<"$output" | xargs)" = "$bundle $bundle/rootfs" ] || { echo "$path: $output" && return 1; }
		runX delete --force c1
	done
}

@test "create: from a working directory that somebody has removed" {
	mkdir "$BATS_TEST_TMPDIR/gone"
	cd "$BATS_TEST_TMPDIR/gone"
	rmdir "$BATS_TEST_TMPDIR/gone"
	runX create --bundle "$bundle/." c1
	succeeds
	grep -qE "\"bundle\": *\"$bundle\"" "$RUNX_ROOT/c1/state"
}

# jq_that SAYS STATUS: a jq that also says something on stderr, and ends with STATUS or, if that is 0, as jq does
jq_that() {
	cat >"$FAKE/bin/jq" <<-END
		#!/bin/sh
		echo '$1' >&2
		[ $2 -eq 0 ] || exit $2
		exec $(command -v jq) "\$@"
	END
	chmod 755 "$FAKE/bin/jq"
}

@test "create: what jq says on stderr is never run as shell" {
	jq_that "touch $FAKE/run; Failed to set \$JQ_COLORS" 0
	runX create --bundle "$bundle" c1
	succeeds
	[ -z "$output" ]
	[ ! -e "$FAKE/run" ]
}

@test "create: a jq that fails without a reason is named" {
	jq_that '' 7
	runX create --bundle "$bundle" c1
	fails_with "$bundle/config.json: jq ended with status 7 and gave no reason"
	nothing_left
}

@test "create: several JSON documents in one config.json are refused" {
	cat "$bundle/config.json" "$bundle/config.json" >"$BATS_TEST_TMPDIR/two"
	cp "$BATS_TEST_TMPDIR/two" "$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with "$bundle/config.json: has 2 JSON documents, and must have only one"
	nothing_left
	echo ' null false' >"$bundle/config.json"
	runX create --bundle "$bundle" c1
	fails_with 'has 2 JSON documents, and must have only one'
}

@test "create: more words of mounts than Linux gives to a program" {
	bad '.mounts += [range(400) | {destination: "/data/\(.)", type: "bind", source: ("/" + "./" * 1700), options: ["bind"]}]' \
		'the paths of the bind mounts have more than 1048576 bytes together'
}

@test "create: numbers of runX.conf may begin with a zero, and are not too long" {
	printf 'rootfs = disk\ndisk_headroom = 08\n' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c1
	succeeds
	printf 'disk_headroom = 1000000000\n' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c2
	fails_with 'disk_headroom must be a number of up to 9 digits, not 1000000000'
}

@test "create: many annotations cost no more than their number" {
	[ "$(id -u)" -eq 0 ] || skip 'as root'
	config '.annotations = ([range(60000) | {key: "a\(.)", value: "1"}] | from_entries)'
	timeout 60 "$top/runX" create --bundle "$bundle" c1 </dev/null >/dev/null 3>&-
}

@test "create: a pid file that is a directory is told, and nothing is left" {
	mkdir "$BATS_TEST_TMPDIR/pids"
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pids" c1
	fails_with "cannot write the pid file $BATS_TEST_TMPDIR/pids: it is a directory"
	nothing_left
}

@test "create: without the helper that runs jq, one sentence names it" {
	rm "$FAKE/libexec/stage"
	runX create --bundle "$bundle" c1
	fails_with '/libexec/stage is missing: install runX again'
	nothing_left
}
