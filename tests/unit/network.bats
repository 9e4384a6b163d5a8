#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# NETCONF and network namespaces, with stand-ins for xl and ip: what create tells the guest, and what it refuses.

load helpers
load waiting
bats_require_minimum_version 1.5.0

# The example of the README
README_CONF='{"cniVersion": "0.4.0", "name": "lan", "type": "bridge", "bridge": "rxtest0", "isGateway": true, "ipMasq": false,
	"ipam": {"type": "host-local", "subnet": "10.22.0.0/16", "gateway": "10.22.0.1", "routes": [{"dst": "0.0.0.0/0"}]},
	"dns": {"nameservers": ["10.22.0.1"], "search": ["lan", "example"]}}'

# network [PROGRAM]: makes the file $conf in host_files, changed by a jq program, and stand-ins for ip and sysctl
network() {
	conf=$BATS_TEST_TMPDIR/cni/lan.conf
	mkdir -p "$BATS_TEST_TMPDIR/cni"
	jq "${1:-.}" <<<"$README_CONF" >"$conf"
	printf '%s\n' "host_files = $BATS_TEST_TMPDIR/cni" "cni_path = $FAKE/cni" >>"$RUNX_CONF"
	printf '#!/bin/sh\necho "${0##*/}" "$@" >>"$FAKE/calls"\n' | tee "$FAKE/bin/ip" >"$FAKE/bin/sysctl"
	chmod 755 "$FAKE/bin/ip" "$FAKE/bin/sysctl"
}

# netconf PROGRAM [WORDS]: creates a container in that network; WORDS are the rest of NETCONF
netconf() {
	network "$1"
	config ".process.env += [\"NETCONF=$conf,${2-lan}\"]"
	runX create --bundle "$bundle" c1
}

# engine: makes a namespace, whose path is in $netns and in config.json, as an engine does
engine() {
	local pid
	read -r pid < <(unshare -n sh -c 'echo $$; exec sleep 60 >/dev/null' 3>&-)
	netns=/proc/$pid/ns/net
	config "(.linux.namespaces[] | select(.type == \"network\")).path = \"$netns\""
}

nic() {
	succeeds
	[ "$(cat "$RUNX_ROOT/c1/nic")" = "$(printf '%s\n' "$@")" ] || { cat "$RUNX_ROOT/c1/nic" && return 1; }
}

# plugin ANSWER: makes an IPAM plugin that prints ANSWER on ADD, and records its calls
plugin() {
	mkdir -p "$FAKE/cni"
	printf '%s\n' "$1" >"$FAKE/cni/answer"
	cat >"$FAKE/cni/host-local" <<-'END'
		#!/bin/sh
		echo "ipam $CNI_COMMAND $CNI_IFNAME ${CNI_ARGS:-} $(jq -c .ipam.subnet)" >>"$FAKE/calls"
		[ "$CNI_COMMAND" = DEL ] || cat "$FAKE/cni/answer"
		! grep -q '"code"' "$FAKE/cni/answer" || [ "$CNI_COMMAND" = DEL ]
	END
	chmod 755 "$FAKE/cni/host-local"
}

refused_netconf() {
	netconf "$1" "$3"
	fails_with "$2"
	nothing_left
	config '.process.env |= map(select(startswith("NETCONF") | not))'
}

@test "network: an address in NETCONF, with gateway, routes and names from the file" {
	netconf . lan,10.22.0.7
	nic files=yes address=10.22.0.7/16 'route=0.0.0.0/0 10.22.0.1 - 0 0 0' nameserver=10.22.0.1 'search=lan example'
	grep -qE '^vif = \[ "mac=00:16:3e:([0-9a-f]{2}:){2}[0-9a-f]{2},bridge=rxtest0,script=.*/vif" \]$' "$FAKE/xl.cfg"
}

@test "network: without an address, DHCP in the guest" {
	netconf .
	nic files=yes dhcp=yes nameserver=10.22.0.1 'search=lan example'
}

@test "network: a missing bridge is made as the file says" {
	netconf '.mtu = 1400'
	succeeds
	[ "$(grep -E '^(ip|sysctl) ' "$FAKE/calls")" = "$(printf '%s\n' 'ip link add rxtest0 type bridge' \
		'ip link set rxtest0 mtu 1400' 'ip address replace 10.22.0.1/16 dev rxtest0' 'sysctl -q -w net.ipv4.ip_forward=1' 'ip link set rxtest0 up')" ]
}

@test "network: a list of plugins, and IPv6" {
	netconf '{cniVersion: "1.0.0", name, plugins: [{type: "loopback"}, {type, bridge, ipam: {type: "host-local",
		ranges: [[{subnet: "10.1.2.0/24"}], [{subnet: "fd00:1::/64", gateway: "fd00:1::ff"}]],
		routes: [{dst: "0.0.0.0/0"}, {dst: "::/0"}, {dst: "10.9.0.0/16", gw: "10.1.2.9"}]}}, {type: "portmap"}]}' lan,fd00:1::7
	nic files=yes address=fd00:1::7/64 'route=::/0 fd00:1::ff - 0 0 0'
}

@test "network: static addresses in the file" {
	netconf '.ipam = {type: "static", addresses: [{address: "10.5.0.2/24", gateway: "10.5.0.1"}]} | .dns = null'
	nic files=yes address=10.5.0.2/24 'route=0.0.0.0/0 10.5.0.1 - 0 0 0'
}

@test "network: an address from the IPAM plugin, given back at delete" {
	plugin '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.22.0.9/16", "gateway": "10.22.0.1"}],
		"routes": [{"dst": "0.0.0.0/0"}], "dns": {}}'
	netconf . lan,10.22.0.9
	nic files=yes nameserver=10.22.0.1 'search=lan example' address=10.22.0.9/16 'route=0.0.0.0/0 10.22.0.1 - 0 0 0'
	runX delete --force c1
	succeeds
	[ "$(grep '^ipam' "$FAKE/calls")" = "$(printf '%s\n' 'ipam ADD eth0 IP=10.22.0.9 "10.22.0.0/16"' 'ipam DEL eth0  "10.22.0.0/16"')" ]
}

@test "network: an IPAM plugin that is killed in its DEL is asked again" {
	plugin '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.22.0.9/16", "gateway": "10.22.0.1"}]}'
	netconf .
	succeeds
	sed -i '2i [ "$CNI_COMMAND" != DEL ] || ! mkdir "$FAKE/killed" || kill -9 $$' "$FAKE/cni/host-local"
	runX delete --force c1
	succeeds
	[ -z "$output" ]
	[ "$(grep -c '^ipam DEL' "$FAKE/calls")" -eq 1 ]
}

@test "network: an IPAM plugin that refuses" {
	plugin '{"cniVersion": "0.4.0", "code": 11, "msg": "no IP addresses available in range set"}'
	netconf .
	fails_with "host-local gave no address: no IP addresses available in range set"
	nothing_left
	grep -q '^ipam DEL' "$FAKE/calls"
}

# warner ANSWER COMMAND: as plugin, but in this command of CNI it warns on stderr, in two lines
warner() {
	plugin "$1"
	sed -i "2i [ \$CNI_COMMAND != $2 ] || printf '%s\\\\n' 'the subnet is nearly full' '{\"code\": 7}' >&2" "$FAKE/cni/host-local"
}

@test "network: an IPAM plugin that warns on its stderr gives its address, and the warning is told" {
	warner '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.22.0.9/16", "gateway": "10.22.0.1"}]}' ADD
	netconf .
	succeeds
	grep -qx address=10.22.0.9/16 "$RUNX_ROOT/c1/nic"
	[ "$output" = "runX: warning: NETCONF $conf: the IPAM plugin $FAKE/cni/host-local: the subnet is nearly full" ]
}

@test "network: an IPAM plugin that refuses and also writes to its stderr: its answer counts" {
	warner '{"cniVersion": "0.4.0", "code": 11, "msg": "no IP addresses available in range set"}' ADD
	netconf .
	fails_with "host-local gave no address: no IP addresses available in range set"
	nothing_left
}

@test "network: an IPAM plugin that fails without an answer: its stderr has the reason" {
	warner '' ADD
	sed -i '3i [ $CNI_COMMAND != ADD ] || exit 1' "$FAKE/cni/host-local"
	netconf .
	fails_with "host-local gave no address: the subnet is nearly full"
	nothing_left
}

@test "network: an IPAM plugin that does not take its address back: delete warns with the reason of its answer" {
	plugin '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.22.0.9/16", "gateway": "10.22.0.1"}]}'
	netconf .
	succeeds
	printf '%s\n' '#!/bin/sh' 'echo "a word" >&2' "printf '{\n  \"code\": 11,\n  \"msg\": \"the store is locked\"\n}\n'" 'exit 1' >"$FAKE/cni/host-local"
	runX delete --force c1
	succeeds
	[ "$output" = 'runX: warning: container c1: its IPAM plugin did not take its address back: the store is locked' ]
	nothing_left
}

@test "network: an IPAM plugin's answer in the format of CNI 0.2.0" {
	plugin '{"cniVersion": "0.2.0", "ip4": {"ip": "10.22.0.9/16", "gateway": "10.22.0.1", "routes": [{"dst": "10.0.0.0/8"}]}}'
	netconf '.dns = null'
	nic files=yes address=10.22.0.9/16 'route=10.0.0.0/8 10.22.0.1 - 0 0 0'
}

@test "network: bad files and words in NETCONF" {
	refused_netconf . "the file has no network of the name wan: its network is lan" wan
	refused_netconf '.type = "macvlan"' "type: macvlan is not supported" lan
	refused_netconf '.cniVersion = "9.0.0"' "cniVersion: 9.0.0 is not one of" lan
	refused_netconf '.bridge = "a name of more than it may have"' "bridge: must be printable" lan
	refused_netconf '.bridge = "../../../etc"' "a network interface cannot have this name: ../../../etc" lan
	refused_netconf '.ipam.type = "whereabouts"' "whereabouts is not one of" lan
	refused_netconf '.ipam.subnet = "10.22.0.0"' "ipam.subnet: this is not a subnet" lan
	refused_netconf '.ipam.routes[0].dst = "nowhere/8"' "ipam.routes[0].dst: this is not an IP address: nowhere/8" lan,10.22.0.7
	refused_netconf '.dns.nameservers = ["10.22.0.1\nsearch evil"]' "not an IP address" lan
	refused_netconf '.dns.search = ["a\nb"]' "dns.search: must be printable ASCII without blanks" lan
	refused_netconf '.vlan = 7' "vlan: runX does not support it" lan
}

@test "network: addresses that the container cannot have" {
	refused_netconf . "NETCONF: this is not an IP address: 10.22.0.300" lan,10.22.0.300
	refused_netconf . "10.23.0.1 is in no subnet of the network lan" lan,10.23.0.1
	refused_netconf . "10.22.0.1 is the address of the gateway" lan,10.22.0.1
	refused_netconf . "10.22.0.0 is the address of the subnet itself" lan,10.22.0.0
	netconf . lan,10.22.0.7
	succeeds
	runX create --bundle "$bundle" c2
	fails_with "the address 10.22.0.7 is in use by container c1"
}

@test "network: NETCONF that is malformed, or whose file is missing, malformed or not safe" {
	network
	for words in "$conf" "$conf," relative,lan; do
		config ".process.env = [\"NETCONF=$words\"]"
		runX create --bundle "$bundle" c1
		fails_with NETCONF
		nothing_left
	done
	bad ".process.env = [\"NETCONF=$BATS_TEST_TMPDIR/cni/none,lan\"]" "NETCONF $BATS_TEST_TMPDIR/cni/none: No such file"
	printf '{' >"$conf"
	bad ".process.env = [\"NETCONF=$conf,lan\"]" "NETCONF $conf: not JSON"
	: >"$conf"
	bad . "NETCONF $conf: the file is empty"
	chmod 666 "$conf"
	bad . "nobody else may write it"
	cp "$conf" "$bundle/rootfs/lan"
	bad ".process.env = [\"NETCONF=$bundle/rootfs/lan,lan\"]" "NETCONF $bundle/rootfs/lan: "
}

@test "network: runX.conf can forbid NETCONF" {
	echo 'environment = XLCONF' >>"$RUNX_CONF"
	netconf .
	[ "$status" -eq 0 ]
	[[ $output == *"NETCONF in process.env is ignored"* ]]
	[ ! -e "$RUNX_ROOT/c1/nic" ]
}

@test "network: XLCONF may set vif, but not together with NETCONF" {
	network
	echo 'vif = [ "bridge=br0" ]' >"$BATS_TEST_TMPDIR/cni/xl"
	creates ".process.env += [\"XLCONF=$BATS_TEST_TMPDIR/cni/xl\"]"
	runX delete --force c1
	bad ".process.env += [\"NETCONF=$conf,lan,10.22.0.7\"]" "runX sets vif itself"
}

@test "network: the host's network is refused, unless runX.conf says what the container gets instead" {
	bad 'del(.linux.namespaces[] | select(.type == "network"))' "a VM cannot share the host's network"
	echo 'host_network = none' >>"$RUNX_CONF"
	creates .
	! grep -q '^vif' "$FAKE/xl.cfg" || return 1
	runX delete --force c1
	echo 'host_network = rxtest0' >>"$RUNX_CONF"
	bad . "host_network in runX.conf: rxtest0 is not a bridge of this host"
}

@test "network: with only a loopback in the namespace, start calls no program for the network" {
	# The stand-in for the proxy runs in its own network namespace.
	PROXY_RUN='exec unshare -n sleep 300' runX create --bundle "$bundle" c1
	succeeds
	runX start c1
	succeeds
	[ "$(calls 'xl network-attach')" -eq 0 ]
}

@test "network: each interface of a namespace is attached, and given back at delete if the namespace stays" {
	engine
	runX create --bundle "$bundle" c1
	succeeds
	NETWORK=$'02:00:00:00:00:01 eth0\n02:00:00:00:00:02 net1' runX start c1
	succeeds
	[ "$(grep '^xl network' "$FAKE/calls")" = "$(printf "xl network-attach 7 mac=02:00:00:00:00:0%d script=$FAKE/libexec/vif\n" 1 2)" ]
	runX delete --force c1
	succeeds
	grep -qx "network restore $netns 7 eth0 net1" "$FAKE/calls"
}

@test "network: an interface that cannot be given back at once is given back by a second try" {
	engine
	runX create --bundle "$bundle" c1
	NETWORK='02:00:00:00:00:01 eth0' runX start c1
	: >"$FAKE/no-restore"
	runX delete --force c1
	succeeds
	[ -z "$output" ]
	[ "$(calls 'network restore')" -eq 2 ]
}

@test "network: a delete --force beside a start that attaches an interface takes it back, once the start has ended" {
	engine
	hangs_at xl '"network-attach "*'
	printf '#!/bin/sh\n[ "$2" != end-start ] || exec "%s" "$@"\nexec "%s" "$@"\n' \
		"$top/out/$(uname -m)/control" "$top/tests/unit/fake/control" >"$FAKE/control"
	chmod 755 "$FAKE/control"
	ln -sf "$FAKE/control" "$FAKE/libexec/control"
	runX create --bundle "$bundle" c1
	NETWORK='02:00:00:00:00:01 eth0' begin start c1
	runX delete --force c1
	succeeds
	ends 143
	[ "$(grep -c '^xl network-attach' "$FAKE/calls")" -eq 0 ] # the stand-in was killed before it was recorded
	grep -qx "network restore $netns 7 eth0" "$FAKE/calls"
	nothing_left
}

@test "network: xl gives vif no descriptor of the caller, and ends with the start that is killed" {
	engine
	hangs_at xl '"network-attach "*'
	sed -i '2i ls /proc/$$/fd >"$FAKE/open"; echo "$$ $RUNX_XL" >"$FAKE/attach"' "$FAKE/bin/xl"
	runX create --bundle "$bundle" c1
	NETWORK='02:00:00:00:00:01 eth0' begin start c1 7</dev/null 9</dev/null
	! grep -qE '^(7|9)$' "$FAKE/open" || return 1
	read -r pid of_xl <"$FAKE/attach"
	[ "$pid" = "$of_xl" ]
	kill -KILL "$runx"
	ends 137
	is_over "$pid"
}

@test "network: a vif or block whose xl has ended does nothing" {
	run env RUNX_XL=4194305 vif=v XENBUS_PATH=x "$top/out/$(uname -m)/vif" online
	[ "$status" -eq 125 ]
	[[ $output == *'the xl that called this has ended' ]]
	run env RUNX_XL=4194305 XENBUS_PATH=x "$top/out/$(uname -m)/block" add
	[[ $output == *'the xl that called this has ended' ]]
}

@test "network: a path to the host's own namespace asks for the host's network" {
	local path
	for path in "/proc/$$/ns/net" /proc/1/ns/net; do
		[ -r "$path" ] || continue
		bad "(.linux.namespaces[] | select(.type == \"network\")).path = \"$path\"" "a VM cannot share the host's network"
	done
	echo 'host_network = none' >>"$RUNX_CONF"
	creates .
	[ ! -e "$RUNX_ROOT/c1/netns" ]
	NETWORK='02:00:00:00:00:01 eth0' runX start c1
	succeeds
	[ "$(calls 'xl network-attach')" -eq 0 ]
}

@test "network: an interface that is named like a heading of /proc/net/dev is one" {
	local made
	mkfifo "$FAKE/made"
	PROXY_RUN='exec unshare -n sh -c "ip link add \"a|b\" type bridge; echo \$? >$FAKE/made; exec sleep 300"' \
		runX create --bundle "$bundle" c1
	succeeds
	read -r made <"$FAKE/made"
	[ "$made" = 0 ] || skip 'needs ip, and a kernel with bridge'
	NETWORK='02:00:00:00:00:01 a|b' runX start c1
	succeeds
	[ "$(calls 'xl network-attach')" -eq 1 ]
}

@test "network: what is forbidden on a bridge reaches vif" {
	network
	printf '#!/bin/sh\necho "spoofing ${RUNX_SPOOFING-unset}" >>"$FAKE/calls"\nexec "%s" "$@"\n' "$top/tests/unit/fake/xl" >"$FAKE/xl"
	chmod 755 "$FAKE/xl" && mv "$FAKE/xl" "$FAKE/bin/xl"
	creates ".process.env += [\"NETCONF=$conf,lan\"]"
	grep -qx 'spoofing refuse' "$FAKE/calls"
	runX delete --force c1
	echo 'spoofing = allow' >>"$RUNX_CONF"
	creates .
	grep -qx 'spoofing allow' "$FAKE/calls"
	echo 'spoofing = maybe' >>"$RUNX_CONF"
	runX create --bundle "$bundle" c2
	fails_with 'spoofing = maybe is not a setting'
}

# bridged COMMAND: runs a shell command, with $CREATE to create c1, in a network namespace where a real ip makes the bridge
# of `network .ipam…`
bridged() {
	rm "$FAKE/bin/ip"
	command -v ip >/dev/null && unshare -n ip link add br0 type bridge 2>/dev/null || skip 'needs ip, and a kernel with bridge'
	[ -e /proc/sys/net/ipv6 ] || skip 'needs a kernel with IPv6'
	export CREATE="${RUNX_SHELL:-dash} $top/runX create --bundle $bundle c1"
	run unshare -n -m sh -c "mount -t sysfs sysfs /sys && exec </dev/null 3>&- && { $1; }"
}

@test "network: a bridge that runX makes takes no router advertisement, and one that is half made is finished" {
	network
	config ".process.env += [\"NETCONF=$conf,lan,10.22.0.7\"]"
	bridged '$CREATE && cat /proc/sys/net/ipv6/conf/rxtest0/accept_ra && ip link set rxtest0 down &&
		echo 1 >/proc/sys/net/ipv6/conf/rxtest0/accept_ra && ip address flush dev rxtest0 && '"$top/runX delete --force c1"' &&
		$CREATE && cat /proc/sys/net/ipv6/conf/rxtest0/accept_ra && cat /sys/class/net/rxtest0/flags && ip -br address show rxtest0'
	succeeds
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = 0x1003 ]
	[[ ${lines[3]} == *10.22.0.1/16* ]]
}

@test "network: forwarding does not take the host's default route away" {
	network '.ipam.subnet = "fd22::/64" | .ipam.gateway = "fd22::1" | .ipam.routes = null'
	config ".process.env += [\"NETCONF=$conf,lan,fd22::7\"]"
	cat >"$FAKE/advertise" <<-'END'
		# A router at the interface router0 says that it is the default router.
		use Socket qw(:DEFAULT inet_pton AF_INET6);
		sub sum { my ($s, @w) = (0, unpack("n*", $_[0])); $s += $_ for @w; $s = ($s & 65535) + ($s >> 16) for 1, 2; ~$s & 65535 }
		socket(my $s, 17, SOCK_RAW, 0xdd86) or die;
		open(my $f, "<", "/sys/class/net/router0/address"); my $mac = pack("H12", <$f> =~ s/[:\n]//gr);
		open($f, "<", "/sys/class/net/router0/ifindex"); my $index = <$f> + 0;
		my @ends = map { inet_pton(AF_INET6, $_) } "fe80::1", "ff02::1";
		my $icmp = pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0);
		substr($icmp, 2, 2) = pack("n", sum($ends[0] . $ends[1] . pack("NN", length($icmp), 58) . $icmp));
		my $frame = pack("H12", "333300000001") . $mac . pack("n", 0x86dd) . pack("NnCC", 6 << 28, length($icmp), 58, 255) . $ends[0] . $ends[1] . $icmp;
		send($s, $frame, 0, pack("SnlSCCa8", 17, 0x86dd, $index, 0, 0, 6, pack("H12", "333300000001"))) or die $!;
	END
	printf '#!/bin/sh\n[ "$3" != net.ipv6.conf.all.forwarding=1 ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n' >"$FAKE/bin/sysctl"
	bridged 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		ip link add up0 type veth peer name router0 && ip link set router0 up && ip link set up0 up
		perl "$FAKE/advertise"; ip -6 route show default
		$CREATE && ip -6 route show default && cat /proc/sys/net/ipv6/conf/all/forwarding'
	printf '%s\n' "$output"
	[ "$(grep -c '^default via fe80::1 dev up0' <<<"$output")" -eq 2 ]
	[ "${lines[2]}" = 1 ]
}

@test "network: an interface that xl cannot attach fails start" {
	in_state created
	export XL_FAIL=network-attach XL_SAYS='libxl: error: libxl_device.c:1262:cb: script: network interface eth0 is not there'
	NETWORK='02:00:00:00:00:01 eth0' runX start c1
	fails_with 'container c1: xl cannot attach a network interface for eth0: network interface eth0 is not there'
}

# sweep fault --seed 30131: start, ENOMEM at vif's recvfrom
@test "network: an interface that vif has no memory for fails start" {
	in_state created
	export XL_FAIL=network-attach XL_SAYS='libxl: error: libxl_device.c:1262:cb: script: eth0: Cannot allocate memory'
	NETWORK='02:00:00:00:00:01 eth0' runX start c1
	fails_with 'container c1: xl cannot attach a network interface for eth0: eth0: Cannot allocate memory'
}
