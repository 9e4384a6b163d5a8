# SPDX-License-Identifier: Apache-2.0
# NETCONF: joins a VM to the network of a CNI configuration file, without an engine's network.

# Reads the file that $netconf (FILE,NAME[,IP]) names. Ends with an error if anything in it cannot be done. On return:
#   the bridge exists
#   $vif  the interface for xl.cfg
#   $nic  the interface's description for the guest (docs/guest-interface.md)
#   an IPAM plugin, if the file names one, has given the container its address
read_netconf() {
	local file="${netconf%%,*}" network='' ip='' plan
	local bridge='' bridge_mtu='' bridge_addresses='' bridge_masquerade=''
	local ipam_plugin='' ipam_ip='' ipam_default='' ipam_config=''
	network=${netconf#"$file"}
	network=${network#,}
	case $network in
	*,*) ip=${network#*,} network=${network%%,*} ;;
	esac
	[ -n "$network" ] || die "NETCONF $netconf: it must be FILE,NAME or FILE,NAME,ADDRESS"

	prepare -n "checked:$file" "$rootfs" "$dir"
	find_ipam host-local
	read_json 'values.jq addresses.jq netconf.jq' --arg name "$network" --arg ip "$ip" \
		--arg plugins "${ipam_path:+host-local}" "$dir/netconf" || die "NETCONF $file: $problem"
	[ -n "$plan" ] || die "NETCONF $file: the file is empty"
	eval "$plan" # jq's @sh quoted every value

	make_bridge
	[ -z "$ipam_plugin" ] || ask_ipam
	# This comes before the check. If two containers ask for an address at the same time, at least one sees the other.
	save nic %s "$nic"
	check_addresses
	bridge_interface
}

# For a container without a network namespace of its own, which asks for the host's network. Sets $vif and $nic for an interface on
# the bridge of host_network, with DHCP, or leaves them empty for `none`. Ends with an error for `refuse`.
read_host_network() {
	local bridge="$conf_host_network"
	case $bridge in
	none) return 0 ;;
	refuse) die "linux.namespaces: the container has no network namespace of its own, and a VM cannot share the host's network: give it \
one, or set host_network in runX.conf to none or to the name of a bridge" ;;
	esac
	[ -d "/sys/class/net/$bridge/bridge" ] || die "host_network in runX.conf: $bridge is not a bridge of this host"
	nic='dhcp=yes
'
	bridge_interface
}

# Sets $vif to an interface on $bridge. Its MAC is in Xen's range and made from the UUID. xl gives the variable to vif.
bridge_interface() {
	local digits="${uuid%%-*}" rest
	export RUNX_SPOOFING="$conf_spoofing"
	rest=${digits#??}
	rest=${rest%????}:${rest#??}
	xl_string "mac=00:16:3e:${digits%??????}:${rest%??},bridge=$bridge,script=$RUNX_LIBEXEC/vif"
	vif=$xl_string
}

# ---- the bridge ----

# Makes the bridge if it is missing, as the CNI plugin bridge does. The bridge stays when the container is deleted. A bridge
# that is down is one whose create was killed: all is done again, and the last step brings it up.
make_bridge() {
	local address
	! bridge_is_up || return 0
	command -v ip >/dev/null || die "ip is not installed, and runX makes bridges with it (install the package iproute2)"
	# Another create may have made the bridge first. sysfs shows a new interface before it shows that it is a bridge. ip has
	# already waited for that, because it needs the kernel's lock on interfaces.
	ip_do link add "$bridge" type bridge || [ -d "/sys/class/net/$bridge/bridge" ] || no_bridge
	refuse_advertisements
	[ "$bridge_mtu" = 0 ] || bridge_do link set "$bridge" mtu "$bridge_mtu"
	for address in $bridge_addresses; do
		bridge_do address replace "$address" dev "$bridge"
		forward "$address"
	done
	for address in $bridge_masquerade; do
		masquerade "$address"
	done
	bridge_do link set "$bridge" up
}

# Whether there is the bridge, and it is up (IFF_UP is bit 0).
bridge_is_up() {
	local flags
	[ -d "/sys/class/net/$bridge/bridge" ] || return 1
	read -r flags <"/sys/class/net/$bridge/flags" && [ $((flags & 1)) = 1 ]
}

# A guest must not become the host's router, or give it an address, by a router advertisement (as CVE-2020-10749). This comes
# before the bridge is up. A host without IPv6 has no such setting.
refuse_advertisements() {
	local setting="/proc/sys/net/ipv6/conf/$bridge/accept_ra"
	[ -e "$setting" ] || return 0
	{ echo 0 >"$setting"; } 2>/dev/null || {
		problem="cannot write $setting"
		bridge_failed
	}
}

no_bridge() {
	[ ! -e "/sys/class/net/$bridge" ] || die "NETCONF $file: the network interface $bridge is not a bridge"
	die "NETCONF $file: cannot make the bridge $bridge: $problem"
}

bridge_do() {
	ip_do "$@" || bridge_failed
}

bridge_failed() {
	local said="$problem"
	ip_do link del "$bridge" || :
	die "NETCONF $file: cannot set up the bridge $bridge: $said"
}

# ip_do ARG…: runs ip. On failure $problem is what ip said.
ip_do() {
	local said
	hear "$RUNX_LIBEXEC/stage" -p $$ -t "$TOOL_SECONDS" - -- ip "$@" >/dev/null </dev/null && return 0
	problem=${said#*'answers: '}
	return 1
}

# Turns forwarding on for the family of the address $1. The host has the gateway's address, so it must be a gateway.
forward() {
	local setting=ipv4.ip_forward
	case $1 in *:*) setting=ipv6.conf.all.forwarding && keep_default_route ;; esac
	problem=$(sysctl -q -w "net.$setting=1" 2>&1) || bridge_failed
}

# With forwarding, Linux drops the default routes that it made from router advertisements, unless accept_ra is 2
# (net/ipv6/addrconf.c). This sets it where the host has such a route. In ipv6_route, bit 16 is set for a default route, and
# bit 18 for one from an advertisement. read fails on a sysctl, because the shell reads single bytes and finds no newline,
# but it has the digit.
keep_default_route() {
	local setting='' flags device
	{ read -r setting </proc/sys/net/ipv6/conf/all/forwarding; } 2>/dev/null || :
	[ "$setting" = 0 ] || return 0
	while read -r _ _ _ _ _ _ _ _ flags device; do
		[ $((0x$flags & 0x50000)) -eq $((0x50000)) ] || continue
		{ echo 2 >"/proc/sys/net/ipv6/conf/$device/accept_ra"; } 2>/dev/null || {
			problem="cannot write /proc/sys/net/ipv6/conf/$device/accept_ra"
			bridge_failed
		}
	done </proc/net/ipv6_route
}

# masquerade SUBNET: adds the rule if it is not there yet. It stays, as the bridge does.
masquerade() {
	local tables=iptables said
	case $1 in *:*) tables=ip6tables ;; esac
	command -v $tables >/dev/null || {
		problem="ipMasq needs $tables (install the package iptables)"
		bridge_failed
	}
	set -- POSTROUTING -s "$1" ! -d "$1" -j MASQUERADE
	hear_table $tables -C "$@" || hear_table $tables -A "$@" || {
		problem=$said
		bridge_failed
	}
}

# hear_table PROGRAM ARG…: runs iptables or ip6tables on the table nat. With -w it waits for others who use it.
hear_table() {
	local program="$1"
	shift
	hear "$RUNX_LIBEXEC/stage" -p $$ -t "$TOOL_SECONDS" - -- "$program" -w -t nat "$@" </dev/null
}

# ---- addresses ----

# Sets $ipam_path to the path of the plugin $1, or to nothing if it is not installed.
find_ipam() {
	local directory
	for directory in $conf_cni_path; do
		ipam_path=$directory/$1
		[ ! -x "$ipam_path" ] || return 0
	done
	ipam_path=''
}

# Asks the plugin for an address, and adds its answer to $nic. The plugin is recorded before it is asked, so that a delete
# gives back what it gave, even after a killed create.
ask_ipam() {
	local said warned plan json_text
	save ipam '%s\n' "$ipam_path" "$ipam_config"
	ipam ADD || {
		why_ipam_failed
		die "NETCONF $file: the IPAM plugin $ipam_path gave no address: $problem"
	}
	[ -z "$warned" ] || log_warning "NETCONF $file: the IPAM plugin $ipam_path: $warned"
	json_text=$said
	read_json 'values.jq addresses.jq ipam.jq' --arg default "$ipam_default" || die "NETCONF $file: the IPAM plugin $ipam_path: $problem"
	nic="$nic$plan
"
}

# ipam COMMAND: sets $said to the answer of the plugin that $dir/ipam names, and $warned to the first line that it writes to stderr.
# Its container id is the UUID, because a CNI id cannot hold a +, and a container's id can.
ipam() {
	local path config rc=0 words="$dir/ipam.stderr"
	warned=''
	{ read -r path && read -r config; } <"$dir/ipam" || return 1
	# A delete works where no file can be made.
	{ printf '' >"$words"; } 2>/dev/null || words=/dev/null
	hear_all ipam_run "$words" env "CNI_COMMAND=$1" "CNI_CONTAINERID=$uuid" CNI_NETNS=/proc/self/ns/net CNI_IFNAME=eth0 \
		"CNI_PATH=${path%/*}" "CNI_ARGS=${ipam_ip:+IP=$ipam_ip}" \
		"$RUNX_LIBEXEC/stage" -p $$ -t "$TOOL_SECONDS" - -- "$path" <<-END || rc=$?
			$config
		END
	read -r warned <"$words" || :
	return $rc
}

# ipam_run FILE COMMAND…: becomes the command, with FILE as its stderr. There a plugin may also write if it succeeds.
ipam_run() {
	local words="$1"
	shift
	exec "$@" 2>"$words"
}

# Sets $problem to the reason of a plugin that failed: the error that it printed as JSON, or what else it wrote.
why_ipam_failed() {
	problem=$(printf '%s\n' "$said" | jq -r '.msg // empty' 2>/dev/null) || :
	problem=${problem:-${said%%
*}}
	problem=${problem:-${warned:-it failed and gave no reason}}
}

# Gives the address back to the plugin. A plugin may be killed, so it is asked twice: a DEL without an address is no error
# (CNI). A failure is only a warning.
release_ipam() {
	local said='' warned='' ipam_ip=''
	{ read -r uuid <"$dir/uuid"; } 2>/dev/null || return 0
	ipam DEL || ipam DEL || {
		why_ipam_failed
		log_warning "container $id: its IPAM plugin did not take its address back: $problem"
	}
}

# Ends with an error if another container of this root has one of the addresses in $nic. An IPAM plugin knows all addresses
# on the bridge, so its answer needs no check.
check_addresses() {
	local line
	[ -z "$ipam_plugin" ] || return 0
	while read -r line; do
		case $line in
		address=*) check_address "${line#address=}" ;;
		esac
	done <<-END
		$nic
	END
}

check_address() {
	local other line
	for other in "$RUNX_ROOT"/*/nic; do
		[ -f "$other" ] || continue
		[ "$other" != "$dir/nic" ] || continue
		while read -r line; do
			case $line in
			"address=${1%/*}/"*)
				other=${other%/nic}
				die "NETCONF $file: the address ${1%/*} is in use by container ${other##*/}"
				;;
			esac
		done <"$other"
	done
}
