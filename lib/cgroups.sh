# SPDX-License-Identifier: Apache-2.0
# The control groups of the host: linux.cgroupsPath, in which engines look for the container's process,
# so the proxy is put there. Plain directories, also where systemd has named them.

# Makes what is missing of $cgroup in each hierarchy, and moves the proxy, $pid, there. Its guardian stays outside,
# since an engine may kill all that is in the group.
enter_cgroups() {
	local root="${RUNX_CGROUP:-/sys/fs/cgroup}" hierarchy
	# v2 alone is mounted right there; the hierarchies of v1, and v2 beside them, are below. A host may
	# have neither.
	set -- "$root"
	[ -f "$root/cgroup.procs" ] || set -- "$root"/*
	make_groups "$@"
	for hierarchy; do
		is_hierarchy || continue
		fill_cpuset "$hierarchy$cgroup"
		{ printf '%s\n' "$pid" >"$hierarchy$cgroup/cgroup.procs"; } 2>/dev/null ||
			die "runX $verb failed: cannot move the proxy into the cgroup $hierarchy$cgroup (linux.cgroupsPath)"
	done
}

# Links are second names of one hierarchy: cpu of cpu,cpuacct.
is_hierarchy() {
	[ -f "$hierarchy/cgroup.procs" ] && [ ! -L "$hierarchy" ]
}

# Recorded before they exist, children first, for a delete that follows a killed create.
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

# with_groups COMMAND…: runs it once, with the recorded groups as its last arguments.
with_groups() {
	local group
	while IFS= read -r group; do
		set -- "$@" "$group"
	done <"$dir/cgroups"
	"$@" 2>/dev/null
}

# A new group of v1's cpuset has no CPU and no memory node, and takes no process before it has.
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

# What create made goes, unless others have put something into it meanwhile.
leave_cgroups() {
	with_groups rmdir || :
}
