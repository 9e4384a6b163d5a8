# SPDX-License-Identifier: Apache-2.0
# The control groups on the host (linux.cgroupsPath).
#
# Engines look there for the container's process, so runX puts the proxy there. runX makes plain directories, even if
# systemd gave the path its name.

# Makes $cgroup in each hierarchy, if it is missing, and moves the proxy, $pid, into it. The proxy's guardian stays outside,
# because an engine may kill everything in the group. Records in $dir/cgroups what it made. Ends with an error if a group
# cannot be made or does not take the proxy.
enter_cgroups() {
	local root="${RUNX_CGROUP:-/sys/fs/cgroup}" hierarchy
	# cgroup v2 alone is mounted at $root. The hierarchies of v1, and v2 together with them, are directories below $root. A
	# host may have neither.
	set -- "$root"
	[ -f "$root/cgroup.procs" ] || set -- "$root"/*
	make_groups "$@"
	[ ! -f "$root/cgroup.subtree_control" ] || hand_on_memory
	for hierarchy; do
		is_hierarchy || continue
		fill_cpuset "$hierarchy$cgroup"
		{ printf '%s\n' "$pid" >"$hierarchy$cgroup/cgroup.procs"; } 2>/dev/null ||
			die "runX $verb failed: cannot move the proxy into the cgroup $hierarchy$cgroup (linux.cgroupsPath)"
	done
}

# A link is a second name of a hierarchy, as cpu is of cpu,cpuacct.
is_hierarchy() {
	[ -f "$hierarchy/cgroup.procs" ] && [ ! -L "$hierarchy" ]
}

# Of v2, a group has the files of memory only if the groups above hand the controller on to it. Engines read memory.events. A
# group that has processes of its own refuses; then the files are missing.
hand_on_memory() {
	local above="$root" rest="${cgroup#/}/"
	while [ -n "$rest" ]; do
		{ echo +memory >"$above/cgroup.subtree_control"; } 2>/dev/null || :
		above=$above/${rest%%/*} rest=${rest#*/}
	done
}

# Records the missing groups before it makes them, children first. A delete after a killed create then finds them.
make_groups() {
	local hierarchy group missing=''
	for hierarchy; do
		is_hierarchy || continue
		group=$hierarchy$cgroup
		while [ ! -d "$group" ]; do
			missing="$missing$group
"
			group=${group%/*}
		done
	done
	[ -n "$missing" ] || return 0
	save cgroups %s "$missing"
	with_groups mkdir -p ||
		die "runX $verb failed: cannot make the cgroup $cgroup in every hierarchy (linux.cgroupsPath)"
}

# with_groups COMMAND…: runs the command once, with the recorded groups as its last arguments.
with_groups() {
	local group
	while IFS= read -r group; do
		set -- "$@" "$group"
	done <"$dir/cgroups"
	"$@" 2>/dev/null
}

# A new group of v1's cpuset has no CPU and no memory node, and takes no process before it has some. This copies the
# parent's.
fill_cpuset() {
	local file value
	[ -f "$hierarchy/cpuset.memory_migrate" ] || return 0
	for file in cpuset.cpus cpuset.mems; do
		value=''
		{ read -r value <"$1/$file"; } 2>/dev/null || :
		[ -z "$value" ] || continue
		[ "$1" = "$hierarchy" ] || fill_cpuset "${1%/*}"
		{ read -r value <"${1%/*}/$file" && printf '%s\n' "$value" >"$1/$file"; } 2>/dev/null || :
	done
}

# Removes the groups that create made. A group stays if somebody has put something into it in the meantime. The second try is for
# a process that is ending: the kernel takes its locks from it before its group.
leave_cgroups() {
	with_groups rmdir || with_groups rmdir || :
}
