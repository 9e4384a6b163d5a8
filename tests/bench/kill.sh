#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/kill that runs in dom0. It needs bash, which has a clock of its own: here a process takes longer
# to start than a signal to arrive.
#
# usage: kill.sh TYPE…
# shellcheck shell=bash
set -eu

tmp=$(mktemp -d)
mkfifo "$tmp/in" "$tmp/out"
mkdir "$tmp/bundle"
jq '.process.terminal = false | .process.args = ["/signals"] | .root = {path: "/bundles/busybox/rootfs", readonly: false}
	| .mounts += [{destination: "/signals", type: "bind", source: "/tmp/bench/signals", options: ["bind", "ro"]}]' \
	/bundles/busybox/config.json >"$tmp/bundle/config.json"

# to_proxy SIGNAL
to_proxy() {
	kill "-$1" "$proxy"
}

# Sets $now, in microseconds.
clock() {
	now=$EPOCHREALTIME
	now=${now%.*}${now#*.}
}

# spread FILE: "median (least–most)", in milliseconds, of a column of microseconds
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 / 1000 } END { printf "%.0f (%.0f–%.0f)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# row WHAT COMMAND…: sends each signal that a process can catch, twice, by `COMMAND… SIGNAL`, and prints a row
row() {
	local begun line n now what="$1"
	shift
	: >"$tmp/times"
	for n in {1..8} {10..18} {20..64} {1..8} {10..18} {20..64}; do
		clock
		begun=$now
		"$@" "$n"
		read -r line <&3
		clock
		echo $((now - begun)) >>"$tmp/times"
		[ "$line" = "$n:" ] || { echo "signal $n: the process answered $line" >&2 && return 1; }
	done
	echo "| $(uname -m) $type, $what | $(spread "$tmp/times") |"
}

printf '%s\n' '| milliseconds, median (least–most) of 124 | |' '| --- | --- |'
for type; do
	echo "guest_type = $type" >/etc/runX/runX.conf
	runX run --bundle "$tmp/bundle" bench <"$tmp/in" >"$tmp/out" &
	exec 4>"$tmp/in" 3<"$tmp/out"
	read -r line <&3
	read -r _ proxy _ </run/runX/bench/proxy
	row 'kill(2) to the proxy, idle' to_proxy
	row 'runX kill, idle' runX kill bench
	echo busy >&4
	read -r line <&3
	row 'kill(2) to the proxy, busy' to_proxy
	row 'runX kill, busy' runX kill bench
	exec 3<&- 4>&-
	wait
done
rm -r "$tmp"
