# SPDX-License-Identifier: Apache-2.0
# Hooks: programs of the host that config.json wants run at points of a container's life.

# run_hooks KIND STATUS: runs the recorded ones of that kind, in order, with the state on their stdin:
# STATUS and $pid are what it says. The first that fails is the last, and $problem says why; but all of
# poststop run, and only warnings tell.
run_hooks() {
	local kind="$1" status="$2" index=0 failed=''
	trace "$kind hooks"
	# Statements "hook …", and what they need: every value quoted by jq's @sh.
	# shellcheck source=/dev/null
	. "$dir/hooks"
	[ -z "$failed" ] || {
		problem=$failed
		return 1
	}
}

# hook KIND SECONDS ENV-COUNT PATH [ENV…] ARG…: one of the record; without ENV-COUNT it gets our
# environment.
hook() {
	local seconds="$2" count="$3"
	[ "$1" = "$kind" ] && [ -z "$failed" ] || return 0
	shift 3
	[ -z "$count" ] || set -- -e "$count" "$@"
	[ -z "$seconds" ] || set -- -t "$seconds" "$@"
	# Looked up on the host all the same: a network namespace has no files of its own.
	[ "$kind" != createContainer ] || set -- -n "/proc/$pid/ns/net" "$@"
	helper hook -d "$bundle" "$@" <<-END || hook_failed
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
