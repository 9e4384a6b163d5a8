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

# shellcheck disable=SC2016 # for the guest to expand
# What both guests do, with their console as stdin and stdout: "out KIB" and "in KIB", a line each, as often as asked.
# dd, since busybox's head and wc take each byte by itself, and would be what is measured.
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

# row TYPE WHAT BYTES SINCE: KiB/s, to a file of its own
row() {
	echo $(($3 * 1000 / ($(now) - $4) / kib)) >>"$tmp/$1-$2"
}

# Descriptor 3 is what the guest writes, 4 what it reads.

# time_out TYPE NAME BYTES: from the first byte to the last
time_out() {
	local begun
	echo "out $(($3 / kib))" >&4
	head -c 1 <&3 >/dev/null
	begun=$(now)
	[ "$(head -c $(($3 - 1)) <&3 | wc -c)" -eq $(($3 - 1)) ] || { echo "$1, $2: bytes are missing" >&2 && return 1; }
	row "$1" "$2" "$3" "$begun"
}

# time_in TYPE NAME BYTES: until the guest has counted them
time_in() {
	local begun line
	echo "in $(($3 / kib))" >&4
	read -r line <&3
	[ "$line" = ready ]
	begun=$(now)
	head -c "$3" /dev/zero >&4
	read -r line <&3
	[ "$line" = "$(($3 / kib))+0 records in" ] || { echo "$1, $2: $line of $3 bytes" >&2 && return 1; }
	row "$1" "$2" "$3" "$begun"
}

# both TYPE NAME OUT-BYTES IN-BYTES
both() {
	local round=0
	while [ $((round += 1)) -le "$repeat" ]; do
		time_out "$1" "$2-out" "$3"
		time_in "$1" "$2-in" "$4"
	done
}

# ---- Xen's console ----

# A VM of busybox, whose PID 1 has hvc0.
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

# Its pty straight, and not by xl console, which is one process more on the way.
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

# bundle SCRIPT
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

# spread FILE: "median (least–most)", MiB/s
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 / 1024 } END { printf "%.2f (%.2f–%.2f)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# ratio FILE FILE: of their medians
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
	printf 'sent      %s\nreceived  %s\n%s bytes in %s ms\n' "$(cat "$tmp/sent")" "$(cat "$tmp/received")" \
		"$(cat "$tmp/count")" $(($(now) - begun))
	cmp "$tmp/sent" "$tmp/received" && [ "$(cat "$tmp/count")" -eq $(($1 * kib * kib)) ]
}

# ---- a reader that stops ----

pss() {
	awk '$1 == "Pss:" { print $2 }' "/proc/$1/smaps_rollup"
}

# moves WHEN: what memory the proxy has, and how long signals and exec take
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
	# Not read once: what the pipes and the window take is all that is written.
	while [ $round -le 6 ]; do
		moves "stopped for $((round * $1 / 6)) s"
		[ $((round += 1)) -gt 6 ] || sleep $(($1 / 6))
	done
	[ "$(sha256sum <&3)" = "$sum" ] || { echo 'not what was written' >&2 && return 1; }
	wait
	echo "then all $bytes bytes were read, and the status was $(cat "$tmp/status")"
}

case $1 in
whole | stall) "$@" ;;
*) throughput "$@" ;;
esac
rm -r "$tmp"
