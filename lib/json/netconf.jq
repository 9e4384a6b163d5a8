# SPDX-License-Identifier: Apache-2.0
#
# Makes shell assignments for lib/netconf.sh from a CNI network configuration of type bridge, or from a list of plugins.
#
# $name     the network's name in NETCONF
# $ip       the address that NETCONF asks for, or ""
# $plugins  the IPAM plugins that are installed, as words

def word($field):
	text($field)
	| if . == "" or (explode | any(. <= 32 or . >= 127)) then
		fail($field; "must be printable ASCII without blanks, and not empty")
	else . end;

def versions: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

def check_version:
	.cniVersion | otherwise("0.1.0") | text("cniVersion")
	| . as $version
	| if versions | index($version) then . else fail("cniVersion"; "\(.) is not one of \(versions | join(", "))") end;

# The plugin of a list that makes the network, as {config, field}. The other plugins are for engines.
def main_plugin:
	if .plugins == null then {config: ., field: ""}
	else
		[.plugins | items("plugins")
			| "plugins[\(.key)]" as $field
			| {config: (.value | object($field)), field: "\($field)."}]
		| (map(select(.config.type == "bridge")) + .)[0] // fail("plugins"; "must not be empty")
	end;

def bridge_name($field):
	otherwise("cni0") | word($field)
	| if length > 15 or index("/") != null or . == "." or . == ".." then
		fail($field; "a network interface cannot have this name: \(.)")
	else . end;

def subnets($field):
	[
		(select(.subnet) | {value: ., field: $field}),
		(.ranges | items("\($field).ranges") | .key as $i
			| .value | items("\($field).ranges[\($i)]")
			| {value: (.value | object("\($field).ranges[\($i)]")), field: "\($field).ranges[\($i)][\(.key)]"})
		| .field as $f | .value
		| (.subnet | subnet("\($f).subnet")) as $subnet
		| $subnet + {
			declared: (.gateway != null),
			gateway: (if .gateway == null then $subnet | first_host else .gateway | address("\($f).gateway") end)
		}
	];

# The routes of the address families that the VM has an address of.
def routes($field; $addresses):
	.routes | items("\($field).routes") | "\($field).routes[\(.key)]" as $f
	| .value | object($f)
	| (.dst | subnet("\($f).dst")) as $to
	| .gw as $gw
	| first($addresses[] | select((.groups | length) == ($to.groups | length)))
	| (if $gw == null then .gateway else $gw | address("\($f).gw") end) as $gateway
	| route("\($to.text)/\($to.bits)"; $gateway.text);

# The default routes. isDefaultGateway asks for one. A gateway that the file names is used too if the file has no routes.
def default_routes($config; $addresses):
	$addresses[] | select(.gateway)
	| select(($config.isDefaultGateway == true) or (.declared and $config.ipam.routes == null))
	| route(any_address; .gateway.text);

def names:
	section("dns")
	| ((.nameservers | texts("dns.nameservers")[] | "nameserver=\(address("dns.nameservers") | .text)"),
	(.domain | if . == null or . == "" then empty else "domain=\(word("dns.domain"))" end),
	([.search | texts("dns.search")[] | word("dns.search")] | if . == [] then empty else "search=\(join(" "))" end),
	([.options | texts("dns.options")[] | word("dns.options")] | if . == [] then empty else "options=\(join(" "))" end));

# The address that NETCONF asks for.
def given($subnets):
	$ip | address("NETCONF")
	| . as $address
	| (first($subnets[] | select(. as $s | $address | within($s))) // null) as $subnet
	| if .bits == null and $subnet == null then
		fail("NETCONF"; "\(.text) is in no subnet of the network \($name), and has no length of its own (such as \(.text)/24)")
	elif $subnet != null and ($subnet.gateway.groups == .groups) then
		fail("NETCONF"; "\(.text) is the address of the gateway of the network \($name): use another address")
	elif $subnet != null and ($subnet.groups == .groups) then
		fail("NETCONF"; "\(.text) is the address of the subnet itself: use another address")
	else . + {bits: (.bits // $subnet.bits), gateway: $subnet.gateway, declared: $subnet.declared} end;

def static_addresses($field):
	.addresses | items("\($field).addresses") | "\($field).addresses[\(.key)]" as $f
	| .value | object($f)
	| (.address | subnet("\($f).address"))
	+ {gateway: (.gateway | if . == null then . else address("\($f).gateway") end), declared: (.gateway != null)};

def fixed($config; $addresses; $field):
	($addresses[] | "address=\(.text)/\(.bits)"),
	($config.ipam // {} | routes("\($field)ipam"; $addresses)),
	default_routes($config; $addresses);

def check_type($field):
	.type | text("\($field)type")
	| if . != "bridge" then
		fail("\($field)type"; "\(.) is not supported: NETCONF joins the VM to a bridge, so the type must be bridge")
	else . end;

object("the file")
| check_version as $version
| (.name | text("name") | if . == $name then . else
	fail("NETCONF"; "the file has no network of the name \($name): its network is \(.)") end) as $network
| .dns as $dns
| main_plugin as {$config, $field}
| $config
| check_type($field) as $type
| (if (.vlan // 0) != 0 then fail("\($field)vlan"; "runX does not support it") else . end)
| (.bridge | bridge_name("\($field)bridge")) as $bridge
| (.mtu | otherwise(0) | whole("\($field)mtu"; 65535)) as $mtu
| (.ipam | section("\($field)ipam")) as $ipam
| ($ipam | subnets("\($field)ipam")) as $subnets
| ($ipam.type // "dhcp") as $kind
| ([.isGateway, .isDefaultGateway] | any(. == true)) as $gateway
| (if ["host-local", "static", "dhcp"] | index($kind) then . else
	fail("\($field)ipam.type"; "\($kind) is not one of host-local, static and dhcp") end)
| (if $kind == "host-local" and ($plugins / " " | index("host-local")) then "host-local" else "" end) as $plugin
| (if $ip == "" then null else given($subnets) end) as $wanted
| (if $plugin != "" then []
	elif $wanted then [$wanted]
	elif $kind == "static" then [$ipam | static_addresses("\($field)ipam")]
	else [] end) as $addresses
| [
	"files=yes",
	(if $plugin != "" then empty elif $addresses == [] then "dhcp=yes" else fixed($config; $addresses; $field) end),
	($config.dns // $dns // $ipam.dns | names)
] as $lines
| "bridge=\($bridge | @sh)",
"bridge_mtu=\($mtu)",
"bridge_addresses=\(if $gateway then [$subnets[] | "\(.gateway.text)/\(.bits)"] | join(" ") else "" end | @sh)",
"bridge_masquerade=\(if $config.ipMasq == true then [$subnets[] | "\(.text)/\(.bits)"] | join(" ") else "" end | @sh)",
"nic=\($lines | map(. + "\n") | join("") | @sh)",
"ipam_plugin=\($plugin | @sh)",
"ipam_ip=\($wanted.text // "" | @sh)",
"ipam_default=\($config.isDefaultGateway == true)",
"ipam_config=\({cniVersion: $version, name: $network, type: "bridge", ipam: $ipam} | tojson | @sh)"
