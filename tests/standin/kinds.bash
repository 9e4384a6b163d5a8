# SPDX-License-Identifier: Apache-2.0
# The kinds of containers that tests/standin/sweep makes: where the root comes from, which network it has, and whether it has
# bind mounts, a volume, hooks and a control group. Everything is in namespaces of the sweep's own.
# shellcheck shell=bash

# kinds_up: makes what the kinds need, in $directory. What this machine cannot do is said, and no round chooses it.
kinds_up() {
	# disk is written, base is read-only and compressed, device is a block device that is mounted at the root.
	roots='share disk base overlay device'
	# new is a namespace that the proxy makes, engine is one with an interface, netconf is a bridge that runX makes,
	# and bridge is the one of host_network.
	networks='new engine netconf bridge'
	mount -t sysfs sysfs /sys
	networks_up 2>/dev/null || { networks=new && echo '# no networks: this kernel or this machine lacks what they need'; }
	disks_up 2>/dev/null || { roots='share' && echo '# no disks: this machine has no loop devices, or no mkfs.ext4'; }
	cgroups_up
}

networks_up() {
	[ -c /dev/net/tun ] && ip link set lo up && ip link add lan0 type bridge && ip link set lan0 up || return
	: >"$directory/netns"
	unshare --net="$directory/netns" true || return
	ip link add engine0 type veth peer name eth0 && ip link set eth0 netns "$directory/netns" || return
	ip link set engine0 master lan0 up
	in_engine ip link set eth0 up && in_engine ip address add 10.9.0.2/24 dev eth0 || return
	in_engine tc qdisc add dev eth0 clsact && in_engine tc qdisc del dev eth0 clsact || return
	mkdir "$directory/cni" "$directory/plugins" "$directory/leases"
	jq -n '{cniVersion: "0.4.0", name: "lan", type: "bridge", bridge: "runx0", isGateway: true,
		ipam: {type: "host-local", subnet: "10.8.0.0/24"}}' >"$directory/cni/lan.conf"
	cat >"$directory/plugins/host-local" <<-END
		#!/bin/sh
		cat >/dev/null
		case \$CNI_COMMAND in
		ADD) : >"$directory/leases/\$CNI_CONTAINERID" &&
			echo '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.8.0.7/24", "gateway": "10.8.0.1"}]}' ;;
		DEL) rm -f "$directory/leases/\$CNI_CONTAINERID" ;;
		esac
	END
	chmod 755 "$directory/plugins/host-local"
}

in_engine() {
	nsenter --net="$directory/netns" "$@"
}

disks_up() {
	truncate -s 4M "$directory/volume.img" && mkfs.ext4 -q -F "$directory/volume.img" || return
	mkdir -p "$directory/device/bin"
	printf '#!/bin/sh\n' | tee "$directory/device/bin/sleep" >"$directory/device/bin/cat"
	chmod 755 "$directory/device/bin/sleep" "$directory/device/bin/cat"
	truncate -s 4M "$directory/device.img" && mkfs.ext4 -q -F -d "$directory/device" "$directory/device.img" || return
	volume=$(losetup --show -f "$directory/volume.img")
}

# A group of cgroup v2 for this sweep. Without one, containers have no control group.
cgroups_up() {
	cgroups=''
	mkdir "$directory/cgroup"
	mount -t cgroup2 cgroup2 "$directory/cgroup" 2>/dev/null || return 0
	cgroups=$directory/cgroup/runx-sweep-$BASHPID-$RANDOM
	mkdir "$cgroups" || cgroups=''
}

kinds_down() {
	[ -z "${volume:-}" ] || losetup -d "$volume"
	[ -z "${cgroups:-}" ] || find "$cgroups" -depth -type d -exec rmdir {} + 2>/dev/null
	umount "$directory/netns" "$directory/cgroup" 2>/dev/null
}

# choose_kind: sets $kind_name, and makes the bundle and runX.conf so
choose_kind() {
	local root network more program='.'
	# shellcheck disable=SC2086 # words
	pick_of $roots && root=$picked
	# shellcheck disable=SC2086 # words
	pick_of $networks && network=$picked
	pick_of plain more && more=$picked
	kind_name="$root, $network, $more"
	on_device=no
	sed -i '/^rootfs/d; /^host/d; /^cni/d' "$RUNX_CONF"
	umount "$bundle/rootfs" 2>/dev/null
	"root_$root"
	"network_$network"
	[ "$more" = plain ] || have_more
	jq "$program" "$work/config.json" >"$bundle/config.json"
	rm -f "$work/hooked"
}

setting() {
	printf '%s\n' "$1" >>"$RUNX_CONF"
}

root_share() {
	:
}

root_disk() {
	setting 'rootfs = disk'
	program="$program | .root.readonly = false"
}

root_base() {
	setting 'rootfs = disk'
}

root_overlay() {
	setting 'rootfs = overlay'
}

root_device() {
	setting 'rootfs = disk'
	on_device=yes
}

network_new() {
	:
}

network_engine() {
	program="$program | (.linux.namespaces[] | select(.type == \"network\")).path = \"$directory/netns\""
}

network_netconf() {
	setting "host_files = $directory/cni"
	setting "cni_path = $directory/plugins"
	program="$program | .process.env += [\"NETCONF=$directory/cni/lan.conf,lan\"]"
	pick 2
	[ "$picked" = 0 ] || ip link del runx0 2>/dev/null
}

network_bridge() {
	setting 'host_network = lan0'
	program="$program | del(.linux.namespaces[] | select(.type == \"network\"))"
}

have_more() {
	mkdir -p "$work/rw" "$work/ro"
	: >"$work/file"
	printf '#!/bin/sh\ncat >/dev/null\necho "$1" >>"%s/hooked"\n' "$work" >"$work/hook"
	chmod 755 "$work/hook"
	program="$program | .mounts += [{destination: \"/rw\", type: \"bind\", source: \"$work/rw\", options: [\"rbind\", \"rw\"]},
		{destination: \"/ro\", type: \"bind\", source: \"$work/ro\", options: [\"bind\", \"ro\"]},
		{destination: \"/file\", type: \"bind\", source: \"$work/file\", options: [\"bind\"]}]
		| .hooks = ([\"prestart\", \"createRuntime\", \"createContainer\", \"poststart\", \"poststop\"]
			| map({key: ., value: [{path: \"$work/hook\", args: [\"hook\", .]}]}) | from_entries)
		| .linux.cgroupsPath = \"/pod/c1\""
	[ -z "${volume:-}" ] || program="$program | .mounts += [{destination: \"/volume\", type: \"bind\", source: \"$volume\", options: [\"bind\"]}]"
}

# What create takes from the host, for the next life.
prepare_root() {
	[ $on_device = yes ] && ! mountpoint -q "$bundle/rootfs" || return 0
	cp "$directory/device.img" "$work/device.img"
	mount -o loop "$work/device.img" "$bundle/rootfs"
}

# What nothing_left does not look at.
kind_left() {
	local interface
	for interface in /sys/class/net/vif*; do
		[ ! -e "$interface" ] || echo "interface: ${interface##*/}"
	done
	[ -z "$cgroups" ] || find "$cgroups" -mindepth 1 -type d | sed 's/^/cgroup: /'
	[ "$networks" = new ] || engine_left
	hooks_ran
}

# The namespace is as the engine made it.
engine_left() {
	ls "$directory/leases" | sed 's/^/address of an IPAM plugin: /'
	in_engine sh -c 'ip -o link | sed "/ lo:/d; / eth0@/d; s/^/in the engine'"'"'s namespace: /"
		tc qdisc show dev eth0 | sed "/noqueue/d; s/^/in the engine'"'"'s namespace: /"'
}

# What a failed round has left does not fail the next one.
kind_reset() {
	[ "$networks" = new ] || { rm -f "$directory/leases/"* && in_engine tc qdisc del dev eth0 clsact 2>/dev/null; }
}

# Each kind of hook runs at most once, and poststop where another has. A poststop whose delete was killed may come again, and one
# that could not be run is a warning.
hooks_ran() {
	[ -f "$work/hooked" ] || return 0
	sort "$work/hooked" | uniq -d | if [ "$kind" = race ]; then cat; else grep -v '^poststop$'; fi | sed 's/^/ran twice: hook /'
	[ "$kind" != race ] || grep -q '^poststop$' "$work/hooked" || echo 'no poststop hook ran'
}
