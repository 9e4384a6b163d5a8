# SPDX-License-Identifier: Apache-2.0
# Functions that the benches share in dom0. Sourcing this file only defines them (and what drop_caches is).

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

# pss NAME: the PSS of all processes of that name together, in KiB. Pages of VMs that they map are not theirs.
pss() {
	local pid
	for pid in $(pgrep "$1"); do
		cat "/proc/$pid/smaps"
	done | awk '/^[0-9a-f]+-/ { ours = $6 !~ /\/gntdev$/ } /^Pss:/ && ours { sum += $2 } END { print sum + 0 }'
}

# field NAME: a value of /proc/meminfo, in KiB
field() {
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# spread FILE: "median (least–most)" of a column of numbers
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%s (%s–%s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# median FILE: of a column of numbers
median() {
	spread "$1" | cut -d ' ' -f 1
}

# tree DIRECTORY COUNT EACH BYTES: makes COUNT files of BYTES bytes, EACH in a directory, without a process for each file. No
# two files are the same.
tree() {
	mkdir "$1"
	seq 0 "$3" "$(($2 - 1))" | sed "s,^,$1/," | xargs mkdir
	awk -v top="$1" -v all="$2" -v each="$3" -v size="$4" 'BEGIN {
		while (length(text) < size) text = text "x"
		for (n = 0; n < all; n++) {
			file = top "/" n - n % each "/" n
			printf "%s", substr(n " " text, 1, size) >file
			close(file)
		}
	}'
}

# ---- kinds of root file systems side by side ----
# $kinds has their names. `native` is the directory $native, used with chroot. Each other kind is a container of this name.
# $repeat is how often each thing is measured.

# in_root KIND COMMAND…: runs it with this kind of root file system
in_root() {
	local kind="$1"
	shift
	if [ "$kind" = native ]; then chroot "$native" "$@"; else runX exec "$kind" "$@" </dev/null; fi
}

drop_caches='sync; echo 3 >/proc/sys/vm/drop_caches'

# cold KIND: empties the caches of the VM and of dom0
cold() {
	in_root "$1" sh -c "$drop_caches"
	sh -c "$drop_caches"
}

# keep KIND WHAT AMOUNT COMMAND…: runs a command that prints milliseconds. Adds AMOUNT divided by the seconds to the file
# /tmp/KIND.WHAT. If AMOUNT is 0, adds the milliseconds.
keep() {
	local kind="$1" what="$2" amount="$3" took
	shift 3
	took=$(in_root "$kind" "$@")
	echo "$took" | awk -v amount="$amount" '{ printf "%.1f\n", amount ? amount * 1000 / $1 : $1 }' >>"/tmp/$kind.$what"
}

# head_row: prints the head of the table, with a column for each kind
head_row() {
	echo "| median (least–most) of $repeat | $(echo "$kinds" | sed 's/ / | /g') |"
	echo "| --- |$(echo "$kinds" | sed 's/[^ ]*/ --- |/g; s/|  /| /g')"
}

# row WORDS WHAT: prints a row of the table
row() {
	local line="| $1 |" kind
	for kind in $kinds; do
		line="$line $(spread "/tmp/$kind.$2") |"
	done
	echo "$line"
}
