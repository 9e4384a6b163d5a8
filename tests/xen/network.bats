#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The network of a VM: interfaces that an engine has made in a namespace, and networks from NETCONF.

load helpers
bats_require_minimum_version 1.5.0

teardown() {
	"$bed" sh 'for id in $(runX list -q); do runX delete --force $id; done; pkill dnsmasq
		for ns in $(ip netns list | cut -d " " -f 1); do ip netns del $ns; done
		for bridge in /sys/class/net/*/bridge; do ip link del $(basename ${bridge%/bridge}); done 2>/dev/null; true'
	nothing_left
}

# lan [MTU]: makes a bridge in dom0, with 10.9.0.1 and fd09::1
lan() {
	"$bed" sh "ip link add lan0 type bridge && ip link set lan0 mtu ${1:-1500} up &&
		ip address add 10.9.0.1/24 dev lan0 && ip address add fd09::1/64 dev lan0 nodad"
}

# engine NS NAME LAST [MTU]: does what CNI does: makes an interface in a namespace, with 10.9.0.LAST and a default route
engine() {
	"$bed" sh "ip netns add $1 2>/dev/null; ip -n $1 link set lo up &&
		ip link add $1$3 mtu ${4:-1500} type veth peer name $2 mtu ${4:-1500} netns $1 &&
		ip link set $1$3 master lan0 up && ip -n $1 link set $2 up && ip -n $1 address add 10.9.0.$3/24 dev $2 &&
		ip -n $1 address add fd09::$3/64 dev $2 nodad && ip -n $1 route replace default via 10.9.0.1 dev $2"
}

# netconf NAME PROGRAM ADDRESS COMMAND: makes /etc/cni/NAME.conf in dom0, changed by a jq program, and a bundle that asks
# for that network and runs the shell command
netconf() {
	jq -n "{cniVersion: \"0.4.0\", name: \"$1\", type: \"bridge\", bridge: \"cni-$1\", isGateway: true,
		ipam: {type: \"host-local\", subnet: \"10.8.0.0/24\", routes: [{dst: \"0.0.0.0/0\"}]}} | $2" |
		"$bed" sh "mkdir -p /etc/cni && cat >/etc/cni/$1.conf"
	networked ".process.env += [\"NETCONF=/etc/cni/$1.conf,$1${3:+,$3}\"]
		| .process.args = [\"sh\", \"-c\", $(jq -Rn --arg text "${4:-sleep 1000}" '$text')]"
}

# networked PROGRAM: like bundle, with the right to ping
networked() {
	bundle ".process.capabilities[] += [\"CAP_NET_RAW\"] | $1"
}

# has TEXT…: the last output has each of these texts
has() {
	local text
	for text; do
		[[ $output == *"$text"* ]] || { printf 'wanted: %s\ngot:\n%s\n' "$text" "$output" && return 1; }
	done
}

# told TEXT: stderr was one line with this text
told() {
	[ "${#stderr_lines[@]}" -eq 1 ] && [[ $stderr == *"$1"* ]] || { printf 'wanted: %s\ngot: %s\n' "$1" "$stderr" && return 1; }
}

@test "network: without a network there is only the loopback" {
	container '.process.capabilities[] += ["CAP_NET_RAW"] | .process.args = ["sh", "-c", "cd /sys/class/net && echo *; ping -c 1 127.0.0.1 | grep received"]'
	says 0 $'lo\n1 packets transmitted, 1 packets received, 0% packet loss' ''
}

# bats test_tags=core
@test "network: the VM gets the interfaces of an engine's namespace, and the namespace has them again after delete" {
	lan 1400
	engine n1 eth0 2 1400
	engine n1 net1 3 1400
	networked '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/n1" | .process.args = ["sh", "-c",
		"ip address; ip route; ping -c 1 -s 1372 10.9.0.1; ping -c 1 fd09::1; echo ready; sleep 1000"]'
	dom0 sh -c "mkfifo /b/$id/out; supervise /b/$id $id >/b/$id/out 2>&1 & sed /ready/q /b/$id/out
		busybox ping -c 1 10.9.0.2; busybox ping -c 1 10.9.0.3; busybox ping -c 1 fd09::3
		runX kill $id KILL; wait; runX delete $id; ip netns exec n1 busybox ping -c 1 -I 10.9.0.2 10.9.0.1
		ip -n n1 -br address show eth0; tc -n n1 qdisc show dev eth0 ingress"
	has 'eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400' 'net1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400' \
		'inet 10.9.0.2/24' 'inet 10.9.0.3/24' 'inet6 fd09::2/64' 'default via 10.9.0.1' '1380 bytes from 10.9.0.1' \
		'bytes from fd09::1' 'bytes from 10.9.0.2' 'bytes from 10.9.0.3' 'bytes from fd09::3' 'PING 10.9.0.1 (10.9.0.1) from 10.9.0.2'
	[ "$(grep -c '1 packets received' <<<"$output")" -eq 6 ]
	[[ $output != *ingress* ]]
}

@test "network: interfaces that come between create and start work; a second VM for them is refused" {
	lan
	networked '.process.args = ["sh", "-c", "ip address show eth0; ping -c 1 10.9.0.1; sleep 1000"]'
	dom0 sh -c "runX create --bundle /b/$id --pid-file /b/$id/pid $id </dev/null >/b/$id/out 2>&1 &&
		mkdir -p /run/netns && touch /run/netns/n2 && mount --bind /proc/\$(cat /b/$id/pid)/ns/net /run/netns/n2"
	[ "$status" -eq 0 ]
	engine n2 eth0 4
	dom0 sh -c "runX start $id && busybox ping -c 1 10.9.0.4"
	has 'bytes from 10.9.0.4'
	networked '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/n2"'
	dom0 sh -c "runX create --bundle /b/$id $id-2 </dev/null >/dev/null 2>&1; runX start $id-2"
	[ "$status" -eq 1 ]
	told "network interface eth0 belongs to another VM already"
	# The namespace would answer too, if the second delete had taken the rule away.
	dom0 sh -c "runX delete $id-2; tc -n n2 filter show dev eth0 ingress; busybox ping -c 1 10.9.0.4; runX delete --force $id
		cat /b/$id/out; umount /run/netns/n2"
	has 'Egress Redirect to device vif' 'bytes from 10.9.0.4' 'inet 10.9.0.4/24' 'bytes from 10.9.0.1'
}

@test "network: a path to dom0's own namespace asks for the host's network" {
	networked '(.linux.namespaces[] | select(.type == "network")).path = "/proc/1/ns/net"'
	dom0 runX create --bundle "/b/$id" "$id"
	[ "$status" -eq 1 ]
	told "a VM cannot share the host's network"
}

@test "network: a seventeenth interface of a namespace is refused" {
	"$bed" sh 'ip netns add n1; for n in $(seq 17); do echo "link add b$n type bridge"; echo "link set b$n up"; done | ip -n n1 -batch -'
	networked '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/n1"'
	create
	[ "$status" -eq 0 ]
	dom0 runX start "$id"
	[ "$status" -eq 1 ]
	told 'network interface b17: a VM can have only 16 network interfaces'
}

@test "network: NETCONF with addresses: containers and the bridge reach each other, 30 MiB both ways" {
	local n=$id
	for id in $n-2 $n-3; do
		netconf s '.dns = {nameservers: ["10.8.0.1"], search: ["example"]}' 10.8.0.${id#*-} 'nc -ll -p 7 -e cat'
		dom0 sh -c "runX run --detach --bundle /b/$id $id </dev/null >/b/$id/out 2>&1"
		[ "$status" -eq 0 ]
	done
	id=$n-4
	netconf s '.dns = {nameservers: ["10.8.0.1"], search: ["example"]}' 10.8.0.4 \
		'for n in 1 2 3; do ping -c 1 10.8.0.$n | grep from; done; ip route; cat /etc/resolv.conf /etc/hosts /etc/hostname'
	dom0 supervise /b/$id $id
	has 'bytes from 10.8.0.1' 'bytes from 10.8.0.2' 'bytes from 10.8.0.3' 'default via 10.8.0.1' 'nameserver 10.8.0.1' 'search example' \
		$'10.8.0.4\trunc' $'\nrunc'
	dom0 sh -c 'head -c 30M /dev/urandom >/tmp/big; sha256sum </tmp/big; socat -t 60 - TCP:10.8.0.2:7 </tmp/big | sha256sum
		rm /tmp/big; grep -c . /bundles/busybox/rootfs/etc/resolv.conf 2>/dev/null'
	[ "${#lines[@]}" -le 3 ]
	[ "${lines[0]}" = "${lines[1]}" ]
	[ "${lines[2]:-0}" = 0 ]
}

# bats test_tags=core
@test "network: NETCONF with DHCP, from dnsmasq" {
	lan
	# With ping, dnsmasq would first wait for an answer from the address.
	"$bed" sh 'dnsmasq --conf-file=/dev/null --port=0 --interface=lan0 --bind-interfaces --leasefile-ro --no-ping \
		--log-facility=/tmp/dnsmasq.log --dhcp-range=10.9.0.50,10.9.0.59,1h --dhcp-option=option:dns-server,10.9.0.1 --domain=example'
	netconf d '.bridge = "lan0" | .ipam = {}' '' 'ip address show eth0; ip route; cat /etc/resolv.conf; ping -c 1 10.9.0.1'
	dom0 supervise /b/$id $id
	has 'inet 10.9.0.5' 'default via 10.9.0.1' 'nameserver 10.9.0.1' 'search example' 'bytes from 10.9.0.1'
	dom0 grep -o 'DHCP[A-Z]*(' /tmp/dnsmasq.log
	says 0 "$(printf '%s\n' 'DHCPDISCOVER(' 'DHCPOFFER(' 'DHCPREQUEST(' 'DHCPACK(')" ''
}

@test "network: a VM on a bridge cannot use another address, unless runX.conf allows it" {
	local spoof='.process.capabilities[] += ["CAP_NET_ADMIN"]'
	netconf f . 10.8.0.5 'ip address add 10.8.0.9/24 dev eth0; for n in 5 9; do ping -c 1 -W 5 -I 10.8.0.$n 10.8.0.1 | grep received; done'
	"$bed" sh "jq '$spoof' /b/$id/config.json >/b/$id/new && mv /b/$id/new /b/$id/config.json"
	dom0 sh -c "supervise /b/$id $id; runX delete $id"
	says 0 $'1 packets transmitted, 1 packets received, 0% packet loss\n1 packets transmitted, 0 packets received, 100% packet loss' ''
	conf 'spoofing = allow'
	dom0 sh -c "supervise /b/$id $id; runX delete $id"
	conf
	[ "$(grep -c '1 packets received' <<<"$output")" -eq 2 ]
}

# bats test_tags=core
@test "network: NETCONF with IPv6 in a list, and MTU 9000" {
	netconf l '{cniVersion: "1.0.0", name, plugins: [{type, bridge, isGateway, mtu: 9000, ipam: {type: "host-local",
		ranges: [[{subnet: "fd08::/64"}]], routes: [{dst: "::/0"}]}}, {type: "portmap"}]}' fd08::5 \
		'ip address show eth0; ip -6 route; ping -c 1 -s 8952 fd08::1'
	dom0 supervise /b/$id $id
	has 'mtu 9000' 'inet6 fd08::5/64' 'default via fd08::1' '8960 bytes from fd08::1'
}

@test "network: NETCONF with an address from host-local, eight times, four at a time" {
	netconf h . '' 'ip address show eth0 | grep -o "inet [0-9./]*"; ping -c 1 10.8.0.1 | grep -o "1 packets received"'
	output=$("$bed" run -t 500 sh -c "for round in 1 2; do
		for n in 1 2 3 4; do runX run --bundle /b/$id $id-\$n </dev/null & done; wait; done; ls /var/lib/cni/networks/h")
	[ "$(grep -c '1 packets received' <<<"$output")" -eq 8 ]
	[ "$(grep -c '^inet 10.8.0.[0-9]*/24$' <<<"$output")" -eq 8 ]
	[ "$(grep -o '^inet .*' <<<"$output" | sort -u | wc -l)" -eq 8 ]
	[[ $output != *$'\n10.8.0.'* ]]
}

@test "network: if NETCONF cannot be fulfilled, create fails and leaves nothing" {
	netconf e '.ipam.subnet = "10.8.0.0/30"' ''
	dom0 sh -c "runX run --detach --bundle /b/$id $id </dev/null >/dev/null 2>&1; runX create --bundle /b/$id $id-2 </dev/null"
	[ "$status" -eq 1 ]
	told 'host-local gave no address: '
	dom0 runX delete --force $id
	"$bed" run ip link del cni-e
	netconf e '.bridge = "eth0"' 10.8.0.2
	dom0 runX create --bundle "/b/$id" "$id"
	says 1 '' 'runX: NETCONF /etc/cni/e.conf: the network interface eth0 is not a bridge'
}
