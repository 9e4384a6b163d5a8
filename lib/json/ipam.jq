# SPDX-License-Identifier: Apache-2.0
#
# Makes lines of the guest's description from an IPAM plugin's answer (CNI specification, "Success", also of version 0.2.0).
#
# $default is "true" if the network shall have a default route.

object("its answer")
| ([.ips | items("ips") | .value | {address, gateway, routes: null}]
	+ [(.ip4, .ip6) | select(. != null) | {address: .ip, gateway, routes}]
	| map(. + (.address | subnet("ips")))) as $ips
| if $ips == [] then fail("ips"; "the plugin gave no address") else . end
| ($ips[] | "address=\(.text)/\(.bits)"),
(([.routes[]?] + [$ips[].routes[]?])[]
	| (.dst | subnet("routes")) as $to
	| route("\($to.text)/\($to.bits)";
		.gw // (first($ips[] | select((.groups | length) == ($to.groups | length)) | .gateway) // null))),
(select($default == "true") | $ips[] | select(.gateway) | route(any_address; .gateway)),
(.dns // {} | (.nameservers[]? | "nameserver=\(address("dns.nameservers") | .text)"),
	([.search[]?] | if . == [] then empty else "search=\(join(" "))" end))
