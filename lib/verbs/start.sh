# SPDX-License-Identifier: Apache-2.0
# runX start: runs the process of a created container.

# The proxy destroys a VM that does not end its process within 5 s. If the end takes longer than this, xl hangs.
STOP_SECONDS=60

cmd_start() {
	parse_words no_option '' '' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "start: too many arguments: $*"

	check_created
	note_signals
	claim_start
	at_end end_container
	record_start
	start_container
	at_end_nothing
}

check_created() {
	read_status
	case $status in
	created) ;;
	running) die "container $id: cannot start an already running container" ;;
	stopped) die "container $id: cannot start a container that has stopped" ;;
	*) die "container $id: cannot start a container that is $status" ;;
	esac
}

# Makes the mark `started`. Of two starts, the one that makes it starts the container, and the other is refused: the shell opens
# the file only if it is new (set -C). The mark comes before everything else. Otherwise a process that ends at once could leave
# a container that looks created.
claim_start() {
	local made=true
	set -C
	{ printf '' >"$dir/started"; } 2>/dev/null || made=false
	set +C
	[ $made = false ] || return 0
	[ ! -f "$dir/started" ] || die "container $id: cannot start an already running container"
	[ -d "$dir" ] || die "container $id: container does not exist"
	die "cannot write $dir/started (is the disk full?)"
}

# Tells delete whom it has to end. A delete makes its mark before it looks for this record, and start looks for that mark after
# it has made the record. So one of them sees the other.
record_start() {
	own_start_time
	save started '%s\n' "start $$ $since"
	! is_doomed || deleted_meanwhile
}

# Starts the created container $id, with its $domid and $pid. $verb is start or run, and has the mark `started`. Ends with an
# error if the process does not start, or if a poststart hook fails. The caller then has to end the container.
start_container() {
	[ ! -f "$dir/fill" ] || fill_disk
	[ ! -f "$dir/netns" ] || start_network
	trace 'xl unpause'
	[ "$domid" = - ] || xl_domain unpause || process_ran ||
		die "${how:+runX $verb failed: }${how:-container $id: xl cannot unpause its domain $domid (xl list shows whether it is there)}"
	trace 'wait for process'
	ask_proxy start || process_ran ||
		die "runX $verb failed: ${how:-${problem:-the proxy of container $id died before the process ran}}"
	[ ! -f "$dir/hooks" ] || start_hooks
}

# Ends the container after a failed start or a failed poststart hook (runtime-spec 1.3). It must have ended when runX returns,
# because engines delete only a container that has ended (containerd's client, task.Delete).
end_container() {
	ignore_signals
	helper control "$dir" signal 9 || :
	helper control "$dir" wait $STOP_SECONDS || :
}

fill_disk() {
	trace binds
	# shellcheck source=lib/rootfs.sh
	. "$RUNX_LIBDIR/rootfs.sh"
	fill_files
}

start_network() {
	trace network
	# shellcheck source=lib/network.sh
	. "$RUNX_LIBDIR/network.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	attach_namespace
}

# Whether the process ran and ended before its proxy could be asked. If the VM ended in another way, perhaps by a kill, $how is
# the proxy's record of it. A start that was still waiting gets the same words from the proxy.
process_ran() {
	how=''
	{ read -r how <"$dir/ended"; } 2>/dev/null || return 1
	case $how in
	'exited with status '*) return 0 ;;
	*) return 1 ;;
	esac
}

start_hooks() {
	# shellcheck source=lib/hooks.sh
	. "$RUNX_LIBDIR/hooks.sh"
	run_hooks poststart running || die "runX $verb failed: $problem"
}
