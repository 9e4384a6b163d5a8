# SPDX-License-Identifier: Apache-2.0
# The network that an engine sets up: gives the VM the interfaces of the container's network namespace.

# Gives the VM of $id an interface for each interface in its network namespace. start does this, because engines make the
# interfaces between create and start. Ends with an error if one cannot be attached.
attach_namespace() {
	local netns="/proc/$pid/ns/net" mac interface
	has_interfaces || return 0
	# The list comes before the first of them is attached, because vif may be killed half way. delete gives back those that
	# this VM has got, and leaves those that another VM has.
	{ helper network list "$netns" >"$dir/interfaces"; } 2>/dev/null ||
		die "runX $verb failed: ${problem:-cannot write $dir/interfaces}"
	while read -r mac interface; do
		attach_interface "$mac" "$interface"
	done <"$dir/interfaces"
}

# Whether the namespace has an interface besides the loopback. Starts no process.
has_interfaces() {
	local line
	{
		# Two lines of headings. Any other may have any name.
		read -r line && read -r line || return 1
		while read -r line; do
			[ "${line%%:*}" = lo ] || return 0
		done
	} <"/proc/$pid/net/dev"
	return 1
}

# attach_interface MAC NAME: xl runs helpers/net/vif.c, which gets these environment variables through xl.
attach_interface() {
	local said
	hear env "RUNX_NETNS=$netns" "RUNX_INTERFACE=$2" "$RUNX_LIBEXEC/stage" -p $$ -t "$TOOL_SECONDS" - -- \
		xl network-attach "$domid" "mac=$1" "script=$RUNX_LIBEXEC/vif" >/dev/null </dev/null ||
		die "$(why_xl_failed "container $id: xl cannot attach a network interface for $2")"
}

# Undoes the changes in the network namespace, if it can outlive the container. It is then as the engine made it. What
# vif has set names its domain, $domid, so another container's interface stays as it is. A failure may be of the moment, so
# there is a second try. Then it is only a warning.
restore_namespace() {
	local netns mac interface
	[ -s "$dir/interfaces" ] || return 0
	read -r netns <"$dir/netns"
	[ "$netns" != new ] || return 0
	set --
	while read -r mac interface; do
		set -- "$@" "$interface"
	done <"$dir/interfaces"
	helper network restore "$netns" "$domid" "$@" || helper network restore "$netns" "$domid" "$@" ||
		log_warning "container $id: ${problem#"container $id: "}"
}
