# SPDX-License-Identifier: Apache-2.0
# Words shared by what tests/bench has in dom0. Sourcing it only defines.

# quietly COMMAND…: what it said is shown if it fails
quietly() {
	"$@" >/tmp/said 2>&1 </dev/null || { cat /tmp/said >&2 && return 1; }
}

# ms COMMAND…: runs it; how long it took, in milliseconds
ms() {
	local begun
	begun=$(date +%s%3N)
	quietly "$@"
	echo $(($(date +%s%3N) - begun))
}

# spread FILE: "median (least–most)" of a column of numbers
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%s (%s–%s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

median() {
	spread "$1" | cut -d ' ' -f 1
}
