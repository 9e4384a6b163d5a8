# SPDX-License-Identifier: Apache-2.0
# Runs hooks: programs of the host that config.json names for certain points of a container's life.

# run_hooks KIND STATUS: runs the recorded hooks of this kind, in order. Each gets the container's state on its stdin, with
# STATUS and $pid. Stops at the first hook that fails, returns 1, and $problem says why. Of kind poststop all hooks run, and
# a failure is only a warning.
run_hooks() {
	local kind="$1" status="$2" index=0 failed=''
	trace "$kind hooks"
	# The record has statements "hook …", and the variables that they need. jq's @sh quoted every value.
	# shellcheck source=/dev/null
	. "$dir/hooks"
	[ -z "$failed" ] || {
		problem=$failed
		return 1
	}
}

# hook KIND SECONDS ENV-COUNT PATH [ENV…] ARG…: one statement of the record. SECONDS is the hook's time-out, or empty.
# ENV-COUNT is the number of ENV words. If it is empty, the hook gets runX's environment.
hook() {
	local seconds="$2" count="$3"
	[ "$1" = "$kind" ] && [ -z "$failed" ] || return 0
	shift 3
	[ -z "$count" ] || set -- -e "$count" "$@"
	[ -z "$seconds" ] || set -- -t "$seconds" "$@"
	# The hook's program is still found on the host, because a network namespace has no files of its own.
	[ "$kind" != createContainer ] || set -- -n "/proc/$pid/ns/net" "$@"
	# Its bundle may be gone by then, and it has to undo what other hooks did.
	[ "$kind" != poststop ] || [ -d "$bundle" ] || bundle=/
	helper hook -p $$ -d "$bundle" "$@" 8<&- <<-END || hook_failed
		$state_head
		  "pid": $pid,
		  "status": "$status",
		  $state_tail
	END
	index=$((index + 1))
}

hook_failed() {
	problem="error running $kind hook #$index: $problem"
	if [ "$kind" = poststop ]; then
		log_warning "$problem"
	else
		failed=$problem
	fi
}
