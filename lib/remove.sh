# SPDX-License-Identifier: Apache-2.0
# Taking a container away, from whatever state it is in: shared by delete and by a create that failed.

# A guardian needs one xl destroy; more than this, and it hangs.
END_SECONDS=60

# Ends the VM, waits until everything of it is gone, and removes the record. Works from $dir alone, and
# again where an earlier try was interrupted.
remove_container() {
	local pid=0 domid='' start=''
	# For a proxy that has no record yet, as its create was killed: once it has, it looks for this, and ends.
	{ : >"$dir/removed"; } 2>/dev/null || :
	if [ -f "$dir/proxy" ]; then
		read -r domid pid start <"$dir/proxy" || :
		! proxy_lives "$pid" "$start" || kill -9 "$pid" 2>/dev/null || :
	fi
	trace 'wait for guardian'
	# The guardian destroys the domain whose proxy has ended; it holds the lock until then.
	helper control "$dir" wait $END_SECONDS ||
		die "container $id: its VM was not destroyed within $END_SECONDS s (try xl destroy, then delete again)"
	trace remove
	# Of a create that failed, where xl does not even list: it made none, and has said why.
	[ -f "$dir/destroyed" ] || domain_destroy || [ "$verb" != delete ] ||
		die "xl cannot list the domains, so container $id may still have one (try xl list, then delete again)"
	free_images
	[ ! -f "$dir/interfaces" ] || remove_interfaces
	[ ! -f "$dir/ipam" ] || remove_address
	[ ! -f "$dir/cgroups" ] || remove_cgroups
	[ ! -f "$dir/hooks" ] || remove_hooks
	rm -rf "$dir"
}

# Nothing that they do keeps the container from being removed.
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

# Images that a killed create has left, and loop devices of such that the hotplug script did not get to
# detach.
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
