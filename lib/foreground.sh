# SPDX-License-Identifier: Apache-2.0
# run and exec without --detach: the same in the background, and a program that stays for it.

# in_foreground STATUS ID WORD…: becomes a program that runs `runX WORD…`, with our global options, and
# relays signals and terminal to the process that it leaves, until that has ended; then deletes the
# container ID, unless that is empty. Its exit status is the process's, STATUS where there is none.
in_foreground() {
	local status="$1" doomed="$2" count
	shift 2
	has_helper foreground || die "$problem"
	set -- "$0" "--root=$RUNX_ROOT" "--log=$log_file" "--log-format=$log_format" \
		"--systemd-cgroup=$systemd_cgroup" "$@"
	count=$#
	[ -z "$doomed" ] ||
		set -- "$@" "$0" "--root=$RUNX_ROOT" "--log=$log_file" "--log-format=$log_format" delete "$doomed"
	exec "$RUNX_LIBEXEC/foreground" -f "$status" "$count" "$@"
}
