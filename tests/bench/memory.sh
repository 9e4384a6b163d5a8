# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/memory that runs in dom0.
#
# usage: memory.sh COUNT GUEST_TYPE ROOT…
# shellcheck shell=sh
set -eu

. "${0%/*}/lib.sh"
count=$1 guest_type=$2
shift 2
tmp=$(mktemp -d)
mkdir "$tmp/bundle"

# In the container, each run prints a line: the status of awk, the seconds of the VM's clock before it and after it, and
# how many processes the kernel has killed by then. awk takes memory, and yes beside it has next to none. busybox's sort
# takes memory as well, but it reads byte by byte: 10 s for a run on emulated aarch64.
# shellcheck disable=SC2016 # variables of the container's shell
script='kills() { while read -r name number; do [ "$name" != oom_kill ] || echo "$number"; done </sys/fs/cgroup/memory.events; }
	i=0
	while [ $i -lt '$count' ]; do
		i=$((i + 1))
		read -r begun _ </proc/uptime
		yes | awk "{ s = sprintf(\"%10000s\", 1); for (;;) a[i++] = s }" >/dev/null 2>&1
		status=$?
		read -r ended _ </proc/uptime
		echo $status $begun $ended $(kills)
	done'
jq --arg script "$script" '.process.terminal = false | .process.args = ["sh", "-c", $script]
	| .root = {path: "/bundles/busybox/rootfs", readonly: false}' /bundles/busybox/config.json >"$tmp/bundle/config.json"

printf '%s\n' '| a program that takes all memory of a VM of 32 MiB | runs | killed | killed alone | s until then, median (least–most) |' \
	'| --- | --- | --- | --- | --- |'
for root; do
	printf '%s\n' "guest_type = $guest_type" "rootfs = $root" 'memory = 32' >/etc/runX/runX.conf
	runX run --bundle "$tmp/bundle" bench </dev/null >"$tmp/runs" 2>"$tmp/said" || cat "$tmp/said" >&2
	awk '{ print $3 - $2 }' "$tmp/runs" >"$tmp/times"
	awk -v what="$(uname -m) $guest_type, $root" -v times="$(spread "$tmp/times")" '
		$1 == 137 { killed++ }
		$1 == 137 && $4 == before + 1 { alone++ }
		{ before = $4 }
		END { print "| " what " | " NR " | " killed + 0 " | " alone + 0 " | " times " |" }' "$tmp/runs"
done
rm -r "$tmp"
