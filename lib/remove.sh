# SPDX-License-Identifier: Apache-2.0
# Removes a container in any state, for delete and for a create that failed.

# A guardian needs the time of one xl destroy. If it takes longer than this, it hangs.
END_SECONDS=60

# Ends the VM, waits until everything of it is gone, and removes the container's record. It needs only $dir, and works again
# after an earlier try was interrupted. Ends with an error if the VM may still exist. The record then stays.
remove_container() {
	local pid=0 domid='' start=''
	# If its create was killed, a proxy may be running that has no record yet. Such a proxy looks for this file after it has
	# written its record, and ends.
	{ : >"$dir/removed"; } 2>/dev/null || :
	if [ -f "$dir/proxy" ]; then
		read -r domid pid start <"$dir/proxy" || :
		! proxy_lives "$pid" "$start" || kill -9 "$pid" 2>/dev/null || :
	fi
	trace 'wait for guardian'
	# The guardian destroys the domain when the proxy has ended, and holds the lock until then.
	helper control "$dir" wait $END_SECONDS ||
		die "container $id: its VM was not destroyed within $END_SECONDS s (try xl destroy${domid:+ $domid}, then delete it again)"
	trace remove
	# A create may fail because xl does not work, and then xl cannot list domains either. It has made no domain, and has
	# already said why it failed. So only delete needs the list.
	[ -f "$dir/destroyed" ] || domain_destroy || [ "$verb" != delete ] ||
		die "xl cannot list the domains, so container $id may still have one (try xl list, then delete it again)"
	free_images
	[ ! -f "$dir/interfaces" ] || remove_interfaces
	[ ! -f "$dir/ipam" ] || remove_address
	[ ! -f "$dir/cgroups" ] || remove_cgroups
	[ ! -f "$dir/hooks" ] || remove_hooks
	rm -rf "$dir"
}

# A hook that fails does not stop the removal.
remove_hooks() {
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	pid=0
	run_hooks poststop stopped
}

remove_interfaces() {
	# shellcheck source=lib/network.sh
	. "$RUNX_LIBDIR/network.sh"
	restore_namespace
}

remove_address() {
	# shellcheck source=lib/netconf.sh
	. "$RUNX_LIBDIR/netconf.sh"
	release_ipam
}

remove_cgroups() {
	# shellcheck source=lib/cgroups.sh
	. "$RUNX_LIBDIR/cgroups.sh"
	leave_cgroups
}

# Frees the disk images that a killed create has left, and the loop devices that the hotplug script could no longer detach.
free_images() {
	local file backing images
	[ -f "$dir/images" ] || return 0
	read -r images <"$dir/images" || return 0
	for file in /sys/block/loop*/loop/backing_file; do
		{ read -r backing <"$file"; } 2>/dev/null || continue
		case $backing in
		"$images"/*)
			file=${file#/sys/block/}
			losetup -d "/dev/${file%%/*}" 2>/dev/null || :
			;;
		esac
	done
	rm -rf "$images"
}
