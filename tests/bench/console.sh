#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs in the test bed's dom0: MiB/s of a container's stdout and stdin, beside xenconsoled's console.
#
# usage: console.sh TYPE       (pv or pvh)
# Prints lines "TYPE WHAT BYTES SECONDS".
set -eu

type=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkfifo "$tmp/in" "$tmp/out"

# In hundredths of a second, without a process.
now() {
	read -r uptime _ </proc/uptime
	time=${uptime%.*}${uptime#*.}
}

# row WHAT BYTES SINCE
row() {
	now
	printf '%s %s %s %s\n' "$type" "$1" "$2" "$(awk "BEGIN { print ($time - $3) / 100 }")"
}

# The time from the first to the last byte: nothing of the VM's start is in it.
read_all() {
	local start
	head -c 1 <&3 >/dev/null
	now && start=$time
	[ "$(head -c "$(($2 - 1))" <&3 | wc -c)" -eq $(($2 - 1)) ] || echo "bytes of $1 are missing" >&2
	row "$1" "$2" "$start"
}

write_all() {
	local start
	while read -r word <&3; do
		case $word in ready*) break ;; esac
	done
	now && start=$time
	head -c "$2" /dev/zero >&4
	exec 4>&-
	read -r word <&3
	row "$1" "$2" "$start"
}

floor() {
	cat >"$tmp/cfg" <<-END
		name = "floor"
		type = "$type"
		memory = 64
		kernel = "/usr/share/runX/kernel"
		ramdisk = "/usr/local/floor.initrd"
		extra = "console=hvc0 quiet floor=$1"
	END
	xl create -q -p "$tmp/cfg"
	xl console floor <"$tmp/in" >"$tmp/out" 2>/dev/null &
	exec 4>"$tmp/in" 3<"$tmp/out"
	xl unpause floor
}

container() {
	jq --arg text "$1" '.process.terminal = false | .root.path = "/bundles/busybox/rootfs"
		| .process.args = ["sh", "-c", $text]' /bundles/busybox/config.json >"$tmp/config.json"
	runX run --bundle "$tmp" bench <"$tmp/in" >"$tmp/out" &
	exec 4>"$tmp/in" 3<"$tmp/out"
}

destroyed() {
	xl destroy floor
	ended
}

ended() {
	exec 3<&- 4>&-
	wait
}

printf 'guest_type = %s\n' "$type" >/etc/runX/runX.conf
mib=1048576
floor out:$mib && read_all 'xenconsoled out' $mib && destroyed
floor in:$((mib / 4)) && write_all 'xenconsoled in' $((mib / 4)) && destroyed
container "head -c $((16 * mib)) /dev/zero" && read_all 'stdout' $((16 * mib)) && ended
container 'echo ready; head -c 4194304 | wc -c' && write_all 'stdin' $((4 * mib)) && ended
