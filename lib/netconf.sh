# SPDX-License-Identifier: Apache-2.0
# NETCONF: the network of a CNI configuration file, for people, and engines without a network of their own.

# Reads the file of $netconf (FILE,NAME[,IP]). On return the bridge is there, $vif is the interface for xl.cfg, and $nic
# its description for the guest (docs/guest-interface.md); an address from an IPAM plugin is the container's.
read_netconf() {
	local file="${netconf%%,*}" network='' ip='' plan
	local bridge='' bridge_mtu='' bridge_addresses='' bridge_masquerade=''
	local ipam_plugin='' ipam_ip='' ipam_default='' ipam_config=''
	network=${netconf#"$file"}
	network=${network#,}
	case $network in
	*,*) ip=${network#*,} network=${network%%,*} ;;
	esac
	[ -n "$network" ] || die "NETCONF $netconf: must be FILE,NAME or FILE,NAME,ADDRESS"

	prepare -n "checked:$file" "$rootfs" "$dir"
	find_ipam host-local
	plan=$(json 'values.jq addresses.jq netconf.jq' --arg name "$network" --arg ip "$ip" \
		--arg plugins "${ipam_path:+host-local}" "$dir/netconf") || bad_json "NETCONF $file" "$plan"
	[ -n "$plan" ] || die "NETCONF $file: is empty"
	eval "$plan" # jq's @sh quoted every value

	make_bridge
	[ -z "$ipam_plugin" ] || ask_ipam
	# Saved first: of two that ask at the same time at least one sees the other.
	save nic %s "$nic"
	check_addresses
	bridge_interface
}

# For a container that is to have the host's network: its bridge, and what DHCP gives there.
read_host_network() {
	local bridge="$conf_host_network"
	case $bridge in
	none) return 0 ;;
	refuse) die "linux.namespaces: no network namespace, and a VM cannot share the host's network: give it one, \
or let host_network in runX.conf be none, or the name of a bridge" ;;
	esac
	[ -d "/sys/class/net/$bridge/bridge" ] || die "host_network in runX.conf: $bridge is not a bridge of this host"
	nic='dhcp=yes
'
	bridge_interface
}

# The MAC is in Xen's range, and made from the UUID.
bridge_interface() {
	local digits="${uuid%%-*}" rest
	rest=${digits#??}
	rest=${rest%????}:${rest#??}
	xl_string "mac=00:16:3e:${digits%??????}:${rest%??},bridge=$bridge,script=$RUNX_LIBEXEC/vif"
	vif=$xl_string
}

# ---- the bridge ----

# As the CNI plugin of this name does; it stays when the container goes.
make_bridge() {
	local address
	[ ! -d "/sys/class/net/$bridge/bridge" ] || return 0
	command -v ip >/dev/null || die "ip is not installed (package iproute2), and runX makes bridges with it"
	ip_do link add "$bridge" type bridge || {
		# Another create may have been quicker. One that is just being made is in sysfs before it is a bridge there;
		# ip waits for that, as it needs the kernel's lock of interfaces.
		[ ! -d "/sys/class/net/$bridge/bridge" ] || return 0
		no_bridge
	}
	[ "$bridge_mtu" = 0 ] || bridge_do link set "$bridge" mtu "$bridge_mtu"
	for address in $bridge_addresses; do
		bridge_do address replace "$address" dev "$bridge"
		forward "$address"
	done
	bridge_do link set "$bridge" up
	for address in $bridge_masquerade; do
		masquerade "$address"
	done
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

# ip_do ARG…: on failure ip's word is in $problem.
ip_do() {
	problem=$(ip "$@" 2>&1 </dev/null) || {
		problem=${problem#*'answers: '}
		return 1
	}
}

# What has the gateway's address is to be one.
forward() {
	local setting=ipv4.ip_forward
	case $1 in *:*) setting=ipv6.conf.all.forwarding ;; esac
	problem=$(sysctl -q -w "net.$setting=1" 2>&1) || bridge_failed
}

# masquerade SUBNET: once, as the rule stays with the bridge
masquerade() {
	local tables=iptables
	case $1 in *:*) tables=ip6tables ;; esac
	command -v $tables >/dev/null || {
		problem="ipMasq needs $tables (package iptables)"
		bridge_failed
	}
	set -- POSTROUTING -s "$1" ! -d "$1" -j MASQUERADE
	$tables -w -t nat -C "$@" 2>/dev/null || problem=$($tables -w -t nat -A "$@" 2>&1) || bridge_failed
}

# ---- addresses ----

# Sets $ipam_path to the plugin $1, or to nothing where it is not installed.
find_ipam() {
	local directory
	for directory in $conf_cni_path; do
		ipam_path=$directory/$1
		[ ! -x "$ipam_path" ] || return 0
	done
	ipam_path=''
}

# Recorded before it is asked, so that whatever it gave is given back.
ask_ipam() {
	local answer lines
	save ipam '%s\n' "$ipam_path" "$ipam_config"
	answer=$(ipam ADD) || {
		lines=$(printf '%s\n' "$answer" | jq -r '.msg // empty' 2>/dev/null) || :
		die "NETCONF $file: the IPAM plugin $ipam_path gave no address: ${lines:-${answer%%
*}}"
	}
	lines=$(printf '%s\n' "$answer" | json 'values.jq addresses.jq ipam.jq' --arg default "$ipam_default") || bad_json "NETCONF $file: the IPAM plugin $ipam_path" "$lines"
	nic="$nic$lines
"
}

# ipam COMMAND: what the plugin of $dir/ipam answers. CNI's ids know no +, as ours do; the UUID has none.
ipam() {
	local path config
	{ read -r path && read -r config; } <"$dir/ipam" || return 1
	CNI_COMMAND=$1 CNI_CONTAINERID=$uuid CNI_NETNS=/proc/self/ns/net CNI_IFNAME=eth0 CNI_PATH=${path%/*} \
		CNI_ARGS="${ipam_ip:+IP=$ipam_ip}" "$path" 2>&1 <<-END
			$config
		END
}

release_ipam() {
	local said ipam_ip=''
	{ read -r uuid <"$dir/uuid"; } 2>/dev/null || return 0
	said=$(ipam DEL) || log_warning "container $id: its address was not given back: ${said%%
*}"
}

# No two containers with one address: only an IPAM plugin knows of the others on the bridge.
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
