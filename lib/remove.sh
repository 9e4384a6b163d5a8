# SPDX-License-Identifier: Apache-2.0
# Removes a container in any state, for delete and for a create that failed.
#
# All of it runs without a file that it could make: a full or read-only state directory must not keep a VM alive. It may run
# in an EXIT trap. There, a special builtin that fails (`:`, `.`, `exec`, …) would end the shell before anything is removed.
# shellcheck source=lib/claim.sh
. "$RUNX_LIBDIR/claim.sh"

# Ends the VM, waits until everything of it is gone, and removes the container's record. It needs only $dir, and works again
# after an earlier try was interrupted. A create that is at work is told to end, and cleans up by itself. Returns 1 if somebody
# else has removed the container. Ends with an error if the VM may still exist. The record then stays.
#
# A create that failed knows more than its record does, and the record may be gone: $uuid, $images, $may_have_domain.
remove_container() {
	local pid=0 domid='' rc=0
	ignore_signals
	end_command
	[ "$claim_open" = true ] || open_claim || return 1
	is_claims_directory || {
		remove_unrecorded
		return 1
	}
	# If its create was killed, a proxy may be running that has no record yet. Such a proxy looks for this file after it has
	# written its record, and ends.
	{ printf '' >"$dir/removed"; } 2>/dev/null || :
	end_creator
	end_proxy
	end_starter
	trace 'wait for guardian'
	# The guardian destroys the domain when the proxy has ended, and holds the lock until then.
	claimed "$RUNX_LIBEXEC/control" "$dir" wait $END_SECONDS || rc=$?
	case $rc in
	0) remove_rest ;;
	"$REMOVED") remove_unrecorded ;;
	"$HELD") die "container $id: another runX has been at work on it for $END_SECONDS s (wait for its end, then delete it again)" ;;
	"$TOO_LATE") die "container $id: its VM was not destroyed within $END_SECONDS s (try xl destroy${domid:+ $domid}, then delete it again)" ;;
	*) die "container $id: cannot wait for the end of its VM: $problem" ;;
	esac
}

end_proxy() {
	local start=''
	{ read -r domid pid start <"$dir/proxy"; } 2>/dev/null || return 0
	! lives "$pid" "$start" || kill -9 "$pid" 2>/dev/null || :
}

# Tells the create or run that makes the container to end, and waits until it has cleaned up. A proxy that it has started in the
# meantime ends too. A create that does not end is killed. It takes its xl with it (helpers/root/stage.c).
end_creator() {
	local creator='' start='' signal rc
	{ read -r creator start <"$dir/creator"; } 2>/dev/null || return 0
	[ "$creator" != $$ ] || return 0
	for signal in TERM KILL; do
		lives "$creator" "$start" || break
		trace 'wait for create'
		# A create that is stopped hears SIGTERM only when it goes on.
		{ kill -$signal "$creator" && kill -CONT "$creator"; } 2>/dev/null || :
		rc=0
		claimed true || rc=$?
		[ $rc -eq $HELD ] || break
	done
	end_proxy
}

# Ends the start that is at work. Otherwise it could give the VM an interface that nobody takes back, or end a new container of
# this name. The record of run is its `creator`, and its mark is empty.
end_starter() {
	local starter='' start='' rc=0
	{ read -r _ starter start <"$dir/started"; } 2>/dev/null || return 0
	lives "$starter" "$start" || return 0
	trace 'wait for start'
	helper control "$dir" end-start $END_SECONDS || rc=$?
	# 3: it does not end, although it was killed. It does no harm then.
	[ $rc -ne 125 ] || die "container $id: cannot end its start: $problem"
}

# The guardian has killed the file server, if there was one.
end_files() {
	local rc=0
	helper control "$dir" kill-files $END_SECONDS || rc=$?
	case $rc in
	0) ;;
	3) die "container $id: its file server does not end within $END_SECONDS s (is a file system of the host stuck?)" ;;
	*) die "container $id: cannot end its file server: $problem" ;;
	esac
}

remove_rest() {
	trace remove
	[ -f "$dir/destroyed" ] || [ ! -f "$dir/files" ] || end_files
	# A create may fail because xl does not work, and then xl cannot list domains either. If it has not asked for a domain, it
	# needs no list, and has already said why it failed.
	if [ ! -f "$dir/destroyed" ]; then
		[ -n "$domid" ] || { read -r domid _ <"$dir/files"; } 2>/dev/null || :
		domain_destroy || [ "$may_have_domain" = false ] ||
			die "xl cannot list the domains, so container $id may still have one (try xl list, then delete it again)"
		[ -z "$domid" ] || helper control "$dir" withdraw "$domid" || :
	fi
	free_images
	[ ! -f "$dir/interfaces" ] || remove_interfaces
	[ ! -f "$dir/ipam" ] || remove_address
	[ ! -f "$dir/cgroups" ] || remove_cgroups
	[ ! -f "$dir/hooks" ] || remove_hooks
	# A create that begins at this moment may write a file before it sees the mark. The directory then is not empty.
	rm -rf "$dir" 2>/dev/null || rm -rf "$dir" 2>/dev/null || die "container $id: cannot remove its state directory $dir, but its VM is gone (is it read-only?)"
}

# Somebody has removed the record. A create still has in memory what only it could make. Its name may belong to a new
# container, so nothing of $dir counts any more.
remove_unrecorded() {
	[ -z "$uuid" ] || domain_destroy || :
	[ -z "$images" ] || free_images
	return 1
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
	local file backing
	[ -n "$images" ] || { read -r images <"$dir/images"; } 2>/dev/null || return 0
	for file in /sys/block/loop*/loop/backing_file; do
		{ read -r backing <"$file"; } 2>/dev/null || continue
		case $backing in
		"$images"/*)
			file=${file#/sys/block/}
			losetup -d "/dev/${file%%/*}" 2>/dev/null || :
			;;
		esac
	done
	rm -rf "$images" 2>/dev/null || :
}
