# SPDX-License-Identifier: Apache-2.0
# run and exec without --detach: runs the same command in the background, and a program that waits for the process.

# in_foreground STATUS ID WORD…: replaces this process with the helper foreground, and so never returns. The helper:
#   - runs `runX WORD…` with the same global options
#   - passes signals on to this command, if it is run, which then leaves no container
#   - relays signals and the terminal to the process that this command leaves, until the process has ended
#   - deletes the container ID, unless ID is empty
#   - ends with the exit status of the process, or with STATUS if there is no process
# Ends with an error if the helper is not installed.
in_foreground() {
	local status="$1" doomed="$2" count relay=''
	shift 2
	has_helper foreground || die "$problem"
	set -- "$0" "--root=$RUNX_ROOT" "--log=$log_file" "--log-format=$log_format" \
		"--systemd-cgroup=$systemd_cgroup" "$@"
	count=$#
	[ -z "$doomed" ] ||
		set -- "$@" "$0" "--root=$RUNX_ROOT" "--log=$log_file" "--log-format=$log_format" delete "$doomed"
	[ "$verb" != run ] || relay=-s
	[ -z "${RUNX_DEBUG:-}" ] || export RUNX_DEBUG # --debug is for the command that does the work, too
	exec "$RUNX_LIBEXEC/foreground" $relay -f "$status" "$count" "$@"
}
