# SPDX-License-Identifier: Apache-2.0
# Gives a container's state directory to one create, run, delete, pause, resume or update at a time.
#
# The claim is a lock on the directory itself (helpers/client/claim.c). This runX opens the directory as descriptor 8 and
# keeps it. The kernel frees the lock when runX ends, however it ends. The claim needs no file, so delete also works where no
# file can be made. It needs no process, because claim becomes a command that the verb runs anyway.

# The exit statuses of claim itself.
REMOVED=120
HELD=121

# A guardian needs the time of one xl destroy, and a create that was told to end the time of one xl create. If it takes
# longer than this, it hangs.
END_SECONDS=60

# The caller of runX may have left a descriptor 8, which is none of ours.
claim_open=false

# Opens $dir as descriptor 8. Returns 1 if the directory is gone.
open_claim() {
	# Without `command`, a failed redirection of exec would end the shell.
	{ command exec 8<"$dir"; } 2>/dev/null || return 1
	claim_open=true
}

# Whether $dir is the directory that open_claim opened. Somebody may have removed that one, and its name may belong to a new container.
is_claims_directory() {
	# shellcheck disable=SC3013 # dash and busybox ash have -ef
	[ /proc/self/fd/8 -ef "$dir" ]
}

# claimed COMMAND…: claims the open directory, and runs the command in the same process. The command inherits the claim's
# descriptor. Returns the command's exit status, $REMOVED or $HELD. On failure $problem is the reason.
claimed() {
	helper claim 8 "$END_SECONDS" "$@"
}

# claim_after CHECK: claims the state directory $dir until this runX ends, so that what the verb reads stays true. CHECK ends with an
# error if the verb cannot act. It runs before, so that such a verb waits for nobody, and once more after, because another runX may
# have been at work until then. Ends with an error if another runX keeps the directory.
claim_after() {
	local rc=0
	"$1"
	if open_claim; then claimed true || rc=$?; fi
	case $rc in
	0 | "$REMOVED") ;;
	"$HELD") die "container $id: another runX has been at work on it for $END_SECONDS s (wait for its end, then try again)" ;;
	*) die "container $id: cannot claim it: $problem" ;;
	esac
	# If the directory is gone, this says so.
	"$1"
}
