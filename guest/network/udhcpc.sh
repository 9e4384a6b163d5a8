#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# udhcpc runs this in the guest. It configures $interface as the lease says.
#
# usage: udhcpc.script deconfig|bound|renew|nak|leasefail
# Environment: from udhcpc: interface, ip, mask (bits), router, mtu, dns, domain; from PID 1: RUNX_RESOLV_CONF
# Writes: $RUNX_RESOLV_CONF (/etc/resolv.conf if unset)
set -eu
: "${interface:?}" "${ip:=}"

resolv_conf() {
	local server
	[ -z "${domain:-}" ] || echo "search $domain"
	for server in ${dns:-}; do echo "nameserver $server"; done
}

bound() {
	[ -z "${mtu:-}" ] || ip link set "$interface" mtu "$mtu"
	ip address flush dev "$interface"
	ip address add "$ip/${mask:-32}" dev "$interface"
	# The route to the router itself makes a router outside of the subnet reachable too.
	for router in ${router:-}; do
		ip route replace "$router" dev "$interface" 2>/dev/null || :
		ip route replace default via "$router" dev "$interface"
		break
	done
	[ -z "${dns:-}" ] || resolv_conf >"${RUNX_RESOLV_CONF:-/etc/resolv.conf}"
}

case $1 in
deconfig)
	ip address flush dev "$interface"
	ip link set "$interface" up
	;;
bound | renew) bound ;;
esac
