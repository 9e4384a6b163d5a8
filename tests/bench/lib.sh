# SPDX-License-Identifier: Apache-2.0
# Functions that the benches share in dom0. Sourcing this file only defines them.

# quietly COMMAND…: runs it, and shows its output only if it fails
quietly() {
	"$@" >/tmp/said 2>&1 </dev/null || { cat /tmp/said >&2 && return 1; }
}

# Sets $now, in milliseconds, by lib/trace.sh's clock. It starts no process: in an emulated machine a process takes longer
# than some of what is timed here.
clock() {
	{ read -r _ && read -r _ && read -r _ _ now _; } </proc/timer_list
	now=$((now / 1000000))
}

# ms COMMAND…: runs it and prints how long it took, in milliseconds
ms() {
	local begun now
	clock
	begun=$now
	quietly "$@"
	clock
	echo $((now - begun))
}

# pss NAME: the PSS of all processes of that name together, in KiB
pss() {
	local pid
	for pid in $(pgrep "$1"); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '$1 == "Pss:" { sum += $2 } END { print sum + 0 }'
}

# spread FILE: "median (least–most)" of a column of numbers
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%s (%s–%s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# median FILE: of a column of numbers
median() {
	spread "$1" | cut -d ' ' -f 1
}
