#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/io that runs in dom0.
#
# usage: io.sh REPEAT TYPE… | whole MIB | stall SECONDS
set -eu

repeat=$1
shift
tmp=$(mktemp -d)
mkfifo "$tmp/in" "$tmp/out"
kib=1024
id=bench$$

# shellcheck disable=SC2016 # the guest expands it
# What both guests run, with their console as stdin and stdout. They read lines, "out KIB" or "in KIB", and do what each
# says. They use dd: busybox's head and wc read each byte by itself, and this bench would measure that.
payload='while read -r what kib; do
	case $what in
	out) dd if=/dev/zero bs=16k count=$((kib / 16)) 2>/dev/null ;;
	in) echo ready && dd of=/dev/null bs=1k count="$kib" iflag=fullblock 2>&1 | head -n 1 ;;
	*) break ;;
	esac
done'

now() {
	date +%s%3N
}

# row TYPE WHAT BYTES SINCE: adds the throughput, in KiB/s, to the file of TYPE and WHAT
row() {
	echo $(($3 * 1000 / ($(now) - $4) / kib)) >>"$tmp/$1-$2"
}

# What the guest writes comes from descriptor 3. It reads what goes to descriptor 4.

# time_out TYPE NAME BYTES: measures the guest's stdout, from the first byte to the last
time_out() {
	local begun
	echo "out $(($3 / kib))" >&4
	head -c 1 <&3 >/dev/null
	begun=$(now)
	[ "$(head -c $(($3 - 1)) <&3 | wc -c)" -eq $(($3 - 1)) ] || { echo "$1, $2: not all of the $3 bytes came" >&2 && return 1; }
	row "$1" "$2" "$3" "$begun"
}

# time_in TYPE NAME BYTES: measures the guest's stdin, until the guest has counted all bytes
time_in() {
	local begun line
	echo "in $(($3 / kib))" >&4
	read -r line <&3
	[ "$line" = ready ]
	begun=$(now)
	head -c "$3" /dev/zero >&4
	read -r line <&3
	[ "$line" = "$(($3 / kib))+0 records in" ] || { echo "$1, $2: of $3 bytes the guest counted: $line" >&2 && return 1; }
	row "$1" "$2" "$3" "$begun"
}

# both TYPE NAME OUT-BYTES IN-BYTES: measures both ways, $repeat times
both() {
	local round=0
	while [ $((round += 1)) -le "$repeat" ]; do
		time_out "$1" "$2-out" "$3"
		time_in "$1" "$2-in" "$4"
	done
}

# ---- Xen's console ----

# Makes the initrd of a VM with busybox. Its PID 1 has hvc0 as stdin and stdout.
bare_initrd() {
	mkdir "$tmp/root"
	cp -a /bundles/busybox/rootfs/. "$tmp/root"
	mkdir -p "$tmp/root/dev"
	cat >"$tmp/root/init" <<-END
		#!/bin/sh
		mount -t devtmpfs dev /dev
		exec </dev/hvc0 >/dev/hvc0 2>&1
		stty raw -echo
		echo up
		$payload
		poweroff -f
	END
	chmod 755 "$tmp/root/init"
	(cd "$tmp/root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$tmp/initrd")
	rm -r "$tmp/root"
}

# Uses the pty of the VM's console directly: xl console would be one process more on the way.
bare() { # TYPE OUT-BYTES IN-BYTES
	local domain tty='' line
	printf '%s\n' 'name = "bare"' "type = \"$1\"" 'memory = 128' 'kernel = "/usr/share/runX/kernel"' \
		"ramdisk = \"$tmp/initrd\"" 'extra = "console=hvc0 quiet panic=-1"' 'tsc_mode = "native"' >"$tmp/xl.cfg"
	xl create -q -p "$tmp/xl.cfg" >/dev/null
	domain=$(xl domid bare)
	until [ -n "$tty" ]; do tty=$(xenstore-read "/local/domain/$domain/console/tty" 2>/dev/null) || :; done
	exec 3<>"$tty"
	stty -F "$tty" raw -echo
	exec 4>&3
	xl unpause bare
	while read -r line <&3 && [ "$line" != up ]; do :; done
	both "$1" bare "$2" "$3"
	exec 3>&- 4>&-
	xl destroy bare
}

# ---- a container ----

# bundle SCRIPT: makes the bundle of a container that runs this script
bundle() {
	mkdir -p "$tmp/bundle"
	jq --arg script "$1" '.process.terminal = false | .process.args = ["sh", "-c", $script]
		| .root = {path: "/bundles/busybox/rootfs", readonly: false}' /bundles/busybox/config.json >"$tmp/bundle/config.json"
}

container() { # TYPE OUT-BYTES IN-BYTES
	bundle "echo up; $payload"
	runX run --bundle "$tmp/bundle" "$id" <"$tmp/in" >"$tmp/out" &
	exec 4>"$tmp/in" 3<"$tmp/out"
	read -r line <&3
	[ "$line" = up ]
	both "$1" runX "$2" "$3"
	exec 3<&- 4>&-
	wait
}

# ---- the table ----

# spread FILE: "median (least–most)", in MiB/s, of a column of KiB/s
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 / 1024 } END { printf "%.2f (%.2f–%.2f)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# ratio FILE FILE: the ratio of their medians
ratio() {
	echo "$(spread "$1") $(spread "$2")" | awk '{ printf "%.1f", $1 / $3 }'
}

table() {
	local type way ours xens
	printf '%s\n' "| MiB/s, median (least–most) of $repeat | runX | hvc0, xenconsoled | ratio |" '| --- | --- | --- | --- |'
	for type; do
		for way in out in; do
			ours=$tmp/$type-runX-$way xens=$tmp/$type-bare-$way
			echo "| $(uname -m) $type, std$way | $(spread "$ours") | $(spread "$xens") | $(ratio "$ours" "$xens") |"
		done
	done
}

throughput() {
	local type
	bare_initrd
	for type; do
		echo "guest_type = $type" >/etc/runX/runX.conf
		bare "$type" $((512 * kib)) $((128 * kib))
		container "$type" $((4096 * kib)) $((1024 * kib))
	done
	table "$@"
}

# ---- without a loss ----

whole() { # MIB
	local begun
	bundle 'exec cat'
	mkfifo "$tmp/copy"
	sha256sum <"$tmp/copy" >"$tmp/sent" &
	begun=$(now)
	head -c $(($1 * kib * kib)) /dev/urandom | tee "$tmp/copy" | runX run --bundle "$tmp/bundle" "$id" |
		tee "$tmp/out" | sha256sum >"$tmp/received" &
	wc -c <"$tmp/out" >"$tmp/count"
	wait
	begun=$(($(now) - begun))
	printf '%s\n' '| MiB, in and out at once | bytes that came out | ms | SHA-256, sent | SHA-256, received |' \
		'| --- | --- | --- | --- | --- |' \
		"| $1 | $(cat "$tmp/count") | $begun | $(cut -c 1-64 "$tmp/sent") | $(cut -c 1-64 "$tmp/received") |"
	cmp "$tmp/sent" "$tmp/received" && [ "$(cat "$tmp/count")" -eq $(($1 * kib * kib)) ]
}

# ---- a reader that stops ----

# pss PID: in KiB
pss() {
	awk '$1 == "Pss:" { print $2 }' "/proc/$1/smaps_rollup"
}

# moves WHEN: prints a row: the memory of the proxy, and how long a signal and an exec take
moves() {
	local begun signal line
	begun=$(now)
	kill -USR1 "$proxy"
	read -r line <&5
	[ "$line" = got ]
	signal=$(($(now) - begun))
	begun=$(now)
	runX exec "$id" true
	echo "| $1 | $(pss "$proxy") | $signal | $(($(now) - begun)) |"
}

stall() { # SECONDS
	local line proxy bytes=20000000 sum round=0
	sum=$(yes 0123456789abcde | head -c $bytes | sha256sum)
	bundle "trap 'echo got >&2' USR1; echo up >&2; yes 0123456789abcde | head -c $bytes & while ! wait \$!; do :; done; exit 9"
	mkfifo "$tmp/err"
	{
		runX run --bundle "$tmp/bundle" "$id" </dev/null >"$tmp/out" 2>"$tmp/err" || echo $? >"$tmp/status"
	} &
	exec 3<"$tmp/out" 5<"$tmp/err"
	read -r line <&5
	[ "$line" = up ]
	read -r _ proxy _ <"/run/runX/$id/proxy"
	echo '| | PSS of the proxy, KiB | signal and answer, ms | exec of true, ms |'
	echo '| --- | --- | --- | --- |'
	# Nobody reads, so the container can write only as much as the pipes and the credit of the stream take.
	while [ $round -le 6 ]; do
		moves "stopped for $((round * $1 / 6)) s"
		[ $((round += 1)) -gt 6 ] || sleep $(($1 / 6))
	done
	[ "$(sha256sum <&3)" = "$sum" ] || { echo 'the reader did not get what the container wrote' >&2 && return 1; }
	wait
	printf '\n%s\n' "Then the reader got all $bytes bytes, and the status of the container was $(cat "$tmp/status")."
}

case $1 in
whole | stall) "$@" ;;
*) throughput "$@" ;;
esac
rm -r "$tmp"
