#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/network that runs in dom0.
#
# usage: network.sh REPEAT
set -eu
. "${0%/*}/lib.sh"

repeat=$1

# namespace COUNT: makes a network namespace with so many interfaces, all on the bridge lan0
namespace() {
	local n=0
	ip netns add n1
	while [ $((n += 1)) -le "$1" ]; do
		ip link add "out$n" type veth peer name "eth$n" netns n1
		ip link set "out$n" master lan0 up
		ip -n n1 link set "eth$n" up
		ip -n n1 address add "10.9.0.$n/24" dev "eth$n"
	done
}

# start_with N: adds the milliseconds of a start of a VM with N interfaces to /tmp/startN
start_with() {
	namespace "$1"
	quietly runX create --bundle /b/bench n
	ms runX start n >>"/tmp/start$1"
	[ "$1" -ne 0 ] || bare
	runX delete --force n
	ip netns del n1
}

# Attaches two interfaces to the VM that has none: one with Xen's own script, one without a script.
bare() {
	local domain
	domain=$(xl list | awk 'NR > 2 { print $2 }')
	ms xl network-attach "$domain" bridge=lan0 >>/tmp/bridge
	ms xl network-attach "$domain" script=/bin/true >>/tmp/none
}

ip link add lan0 type bridge
ip address add 10.9.0.254/24 dev lan0
ip link set lan0 up
round=0
while [ $((round += 1)) -le "$repeat" ]; do
	for n in 0 1 3; do
		start_with "$n"
	done
done
one=$(($(median /tmp/start1) - $(median /tmp/start0)))
printf '%s\n' "| milliseconds, median (least–most) of $repeat | |" '| --- | --- |' \
	"| xl network-attach, Xen's vif-bridge | $(spread /tmp/bridge) |" \
	"| xl network-attach, no script | $(spread /tmp/none) |" \
	"| start without an interface | $(spread /tmp/start0) |" \
	"| start with 1 | $(spread /tmp/start1) |" \
	"| start with 3 | $(spread /tmp/start3) |" \
	"| an interface adds | $one, $((one * 100 / $(median /tmp/bridge))) % of vif-bridge, $((one * 100 / $(median /tmp/none))) % of no script |"
ip link del lan0
