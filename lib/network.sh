# SPDX-License-Identifier: Apache-2.0
# The network that an engine sets up: what is in the container's network namespace becomes the VM's.

# Gives the VM of $id an interface for each that its network namespace has. They are looked for at start,
# since engines bring them between create and start.
attach_namespace() {
	local netns="/proc/$pid/ns/net" mac interface
	has_interfaces || return 0
	# Its names are what delete has to give back.
	{ helper network list "$netns" >"$dir/interfaces"; } 2>/dev/null ||
		die "runX $verb failed: ${problem:-cannot write $dir/interfaces}"
	while read -r mac interface; do
		attach_interface "$mac" "$interface"
	done <"$dir/interfaces"
}

# Whether there is more than the loopback, with no process.
has_interfaces() {
	local line
	while read -r line; do
		case ${line%%:*} in
		*'|'* | lo) ;;
		*) return 0 ;;
		esac
	done <"/proc/$pid/net/dev"
	return 1
}

# What helpers/net/vif.c, which xl runs, takes from the environment reaches it through xl.
attach_interface() {
	local said
	said=$(RUNX_NETNS=$netns RUNX_INTERFACE=$2 \
		xl network-attach "$domid" "mac=$1" "script=$RUNX_LIBEXEC/vif" 2>&1 </dev/null) ||
		die "$(why_xl_failed "container $id: xl cannot attach a network interface for $2")"
}

# The namespace, if it outlives the container, is as the engine made it again.
restore_namespace() {
	local netns mac interface
	[ -s "$dir/interfaces" ] || return 0
	read -r netns <"$dir/netns"
	[ "$netns" != new ] || return 0
	set --
	while read -r mac interface; do
		set -- "$@" "$interface"
	done <"$dir/interfaces"
	helper network restore "$netns" "$@" || log_warning "container $id: $problem"
}
