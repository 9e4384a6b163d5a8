# SPDX-License-Identifier: Apache-2.0
#
# What an IPAM plugin answered (CNI specification, "Success", of 0.2.0 as well) -> lines of the guest's
# description. $default: whether the network is to have a default route.

object("its answer")
| ([.ips | items("ips") | .value | {address, gateway, routes: null}]
	+ [(.ip4, .ip6) | select(. != null) | {address: .ip, gateway, routes}]
	| map(. + (.address | subnet("ips")))) as $ips
| if $ips == [] then fail("ips"; "it gave no address") else . end
| ($ips[] | "address=\(.text)/\(.bits)"),
(([.routes[]?] + [$ips[].routes[]?])[]
	| (.dst | subnet("routes")) as $to
	| route("\($to.text)/\($to.bits)";
		.gw // (first($ips[] | select((.groups | length) == ($to.groups | length)) | .gateway) // null))),
(select($default == "true") | $ips[] | select(.gateway) | route(any_address; .gateway)),
(.dns // {} | (.nameservers[]? | "nameserver=\(address("dns.nameservers") | .text)"),
	([.search[]?] | if . == [] then empty else "search=\(join(" "))" end))
