#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/network that measures TCP: between dom0 and a VM of runX, and between dom0 and a VM of xl
# with a bare vif. Runs in dom0.
#
# usage: tcp.sh REPEAT MIB TYPE     how often each is measured; how much each transfer sends; the type of xl's VM
#
# All VMs have the same kernel and the same bridge. Each transfer sends zeros from one dd to another. The socket is their
# stdin and stdout. The receiver counts the bytes and takes the time from the first byte on, so the time has no start of
# a process in it.
set -eu
. "${0%/*}/lib.sh"

repeat=$1 mib=$2 type=$3
blocks=$((mib * 16))
send="printf x; dd if=/dev/zero bs=64k count=$blocks 2>/dev/null"
# Prints how many whole blocks came, and the times of begin and end.
receive="dd bs=1 count=1 of=/dev/null 2>/dev/null; read -r a _ </proc/uptime
	said=\$(dd bs=64k iflag=fullblock count=$blocks of=/dev/null 2>&1); read -r b _ </proc/uptime; echo \${said%%+*} \$a \$b"
# What each VM runs: port 7 sends, port 8 receives and answers.
serve="nc -ll -p 8 -e sh -c '$receive' & exec nc -ll -p 7 -e sh -c '$send'"

# rate: prints MiB/s. It fails if not all blocks came.
rate() {
	awk -v blocks=$blocks '$1 == blocks { printf "%.1f\n", $1 / 16 / ($3 - $2); found = 1 } END { exit !found }'
}

# Starts a VM of xl with nothing but busybox. Its stdin is /dev/null.
bare() {
	cp -a /bundles/busybox/rootfs /tmp/bare
	cat >/tmp/bare/init <<-END
		#!/bin/sh
		mount -t proc proc /proc
		mount -t devtmpfs dev /dev
		exec </dev/null
		ip link set lo up
		ip link set eth0 up
		ip address add 10.9.0.2/24 dev eth0
		$serve
	END
	chmod 755 /tmp/bare/init
	(cd /tmp/bare && find . | busybox cpio -o -H newc 2>/dev/null) >/tmp/bare.initrd
	rm -r /tmp/bare
	printf '%s\n' 'name = "bare"' "type = \"$type\"" 'memory = 128' 'vcpus = 1' 'kernel = "/usr/share/runX/kernel"' \
		'ramdisk = "/tmp/bare.initrd"' 'extra = "console=hvc0 quiet"' 'tsc_mode = "native"' 'vif = [ "bridge=lan0" ]' >/tmp/bare.cfg
	quietly xl create -q -e /tmp/bare.cfg
}

# container NAME PROGRAM: runs the bundle of this bench, changed by a jq program
container() {
	mkdir -p "/b/$1"
	jq --arg serve "$serve" ".process.args = [\"sh\", \"-c\", \$serve] | $2" /b/bench/config.json >"/b/$1/config.json"
	quietly runX run --detach --bundle "/b/$1" "$1"
}

# Makes a network namespace as an engine does.
engine() {
	ip netns add tcp
	ip link add out type veth peer name eth0 netns tcp
	ip link set out master lan0 up
	ip -n tcp link set eth0 up
	ip -n tcp address add 10.9.0.4/24 dev eth0
}

# answers ADDRESS: waits up to a minute until it answers
answers() {
	local tries=60
	until busybox ping -c 1 -W 1 "$1" >/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || { echo "$1 does not answer pings" >&2 && return 1; }
	done
}

# transfers NAME ADDRESS: measures both ways once
transfers() {
	busybox nc "$2" 7 -e sh -c "{ $receive; } >/tmp/answer"
	rate </tmp/answer >>"/tmp/$1.out"
	busybox nc "$2" 8 -e sh -c "$send; cat >/tmp/answer"
	rate </tmp/answer >>"/tmp/$1.in"
}

# row WORDS NAME: prints a row, with the percentage of the bare vif's median
row() {
	local in out
	in=$(($(median "/tmp/$2.in" | tr -d .) * 100 / $(median /tmp/bare.in | tr -d .)))
	out=$(($(median "/tmp/$2.out" | tr -d .) * 100 / $(median /tmp/bare.out | tr -d .)))
	echo "| $1 | $(spread "/tmp/$2.out"), $out % | $(spread "/tmp/$2.in"), $in % |"
}

ip link add lan0 type bridge
ip address add 10.9.0.254/24 dev lan0
ip link set lan0 up
bare
mkdir -p /etc/cni
jq -n '{cniVersion: "0.4.0", name: "lan", type: "bridge", bridge: "lan0", ipam: {type: "host-local", subnet: "10.9.0.0/24"}}' >/etc/cni/lan.conf
container netconf 'del(.linux.namespaces[] | select(.type == "network").path) | .process.env += ["NETCONF=/etc/cni/lan.conf,lan,10.9.0.3"]'
engine
container engine '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/tcp"'
for address in 2 3 4; do
	answers "10.9.0.$address"
done
round=0
while [ $((round += 1)) -le "$repeat" ]; do
	transfers bare 10.9.0.2
	transfers netconf 10.9.0.3
	transfers engine 10.9.0.4
done
printf '%s\n' "| TCP, $mib MiB: MiB/s, median (least–most) of $repeat | VM to dom0 | dom0 to VM |" '| --- | --- | --- |'
row "bare vif, Xen's vif-bridge" bare
row "NETCONF, the same bridge" netconf
row "an engine's namespace, by veth to the bridge" engine
runX delete --force netconf
runX delete --force engine
xl destroy bare
ip netns del tcp
ip link del lan0
