# SPDX-License-Identifier: Apache-2.0
# runX exec: runs another process in a running container.

EXEC_VALUED='process p console-socket pidfd-socket pid-file cwd env e user u additional-gids g'
EXEC_VALUED="$EXEC_VALUED process-label apparmor cap c preserve-fds cgroup"
EXEC_SWITCHES='tty t detach d no-new-privs ignore-paused'

exec_option() {
	case $1 in
	process | p) process=$2 ;;
	console-socket) absolute_path "$2" && console_socket=$absolute ;;
	pid-file) absolute_path "$2" && pid_file=$absolute ;;
	tty | t) terminal=true ;;
	detach | d) detach=true ;;
	ignore-paused) ignore_paused=true ;;
	preserve-fds) [ "$2" = 0 ] || die "--preserve-fds $2: runX cannot give file descriptors to a VM" ;;
	cap | c) caps="$caps $2" ;;
	user | u)
		case $2 in
		'' | *[!0-9:]* | :* | *: | *:*:*) usage_error "exec: --user $2: must be UID or UID:GID, as numbers" ;;
		esac
		;;
	additional-gids | g)
		case $2 in
		'' | *[!0-9]*) usage_error "exec: --additional-gids $2: must be a number (give the option once for each group)" ;;
		esac
		;;
	cwd)
		case $2 in
		/*) ;;
		*) usage_error "exec: --cwd $2: must be an absolute path" ;;
		esac
		;;
	# exec_record reads the options about the process later. The rest is ignored, because a VM has no label and no cgroup to
	# join.
	*) ;;
	esac
}

cmd_exec() {
	# shellcheck source=lib/background.sh
	. "$RUNX_LIBDIR/background.sh"
	# shellcheck source=lib/conf.sh
	. "$RUNX_LIBDIR/conf.sh"
	# shellcheck source=lib/json.sh
	. "$RUNX_LIBDIR/json.sh"
	# shellcheck source=lib/plan.sh
	. "$RUNX_LIBDIR/plan.sh"
	# shellcheck source=lib/foreground.sh
	. "$RUNX_LIBDIR/foreground.sh"

	exit_status=255
	take_foreground
	exec_parse "$@"
	read_status
	need_vm
	exec_check_status
	[ $detach = true ] || exec_in_foreground "$@"

	read_conf
	# With --process, runc ignores the other options about the process (getProcess in its exec.go).
	if [ -n "$process" ]; then read_process; elif [ -n "$caps" ]; then read_caps; fi
	check_terminal
	null_streams
	execed='' described=false
	at_end end_exec
	forget_execs
	{ exec_describe "$@" >"$dir/exec.$$" && command exec 7<"$dir/exec.$$"; } 2>/dev/null ||
		die "cannot write $dir/exec.$$ (is the disk full?)"
	described=true
	set -- -p $$ -t "$conf_start_timeout"
	[ -z "$console_socket" ] || set -- "$@" -c "$console_socket" -s "$console_size"
	trace 'wait for process'
	helper exec "$@" "$dir" "$dir/exec.$$" 3>&2 || {
		described=false
		die "exec failed: $problem"
	}
	read_execed
	described=false
	[ -n "$execed" ] || die "exec failed: it names no process"
	pid=$execed
	announce_pid
	at_end_nothing
}

# Of an exec that fails, or that a signal ends, nothing is left: the process ends with the program exec.
end_exec() {
	ignore_signals
	[ ! -f "$dir/exec.$$" ] || rm -f "$dir/exec.$$"
	[ "$described" = false ] || [ -n "$execed" ] || read_execed
	[ -z "$execed" ] || kill -9 "$execed" 2>/dev/null || :
}

# Sets $execed to the pid of the program exec, which writes it over the description once the process runs. It stays empty
# before that.
read_execed() {
	IFS= read -r execed 2>/dev/null <&7 || :
	case $execed in *[!0-9]*) execed='' ;; esac
}

# Removes the descriptions that killed execs left. The ends of their names are their process ids.
forget_execs() {
	local file
	for file in "$dir"/exec.*; do
		[ ! -f "$file" ] || [ -d "/proc/${file##*.}" ] || rm -f "$file"
	done
}

exec_parse() {
	process='' console_socket='' pid_file='' console_size='' guest='' caps='' terminal=false detach=false ignore_paused=false
	parse_options exec_option "$EXEC_VALUED" "$EXEC_SWITCHES" "$@"
	shift "$options_used"
	check_id "$@"
	[ -n "$process" ] || [ $# -gt 1 ] || usage_error "exec: process args cannot be empty"
}

exec_check_status() {
	case $status,$ignore_paused in
	running,* | paused,true) ;;
	paused,*) die "container $id: cannot exec in a paused container (resume it, or use --ignore-paused)" ;;
	stopped,*) die "container $id: cannot exec in a stopped container" ;;
	*) die "container $id: cannot exec in a container that is $status: its VM does not run before start" ;;
	esac
}

exec_in_foreground() {
	[ -z "$console_socket" ] ||
		die "cannot use console socket if runX will not detach or allocate tty (exec --detach)"
	in_foreground 255 '' exec --detach "$@"
}

# Prints the records of the process (docs/guest-interface.md). The guest starts from the records of the container process,
# and these change or extend them.
exec_describe() {
	printf %b "$guest"
	[ -z "$process" ] || return 0
	parse_options exec_record "$EXEC_VALUED" "$EXEC_SWITCHES" "$@"
	shift $((options_used + 1))
	printf 'arg=%s\0' "$@"
}

exec_record() {
	case $1 in
	cwd) printf 'cwd=%s\0' "$2" ;;
	env | e) printf 'env=%s\0' "$2" ;;
	user | u)
		printf 'uid=%s\0' "${2%%:*}"
		case $2 in *:*) printf 'gid=%s\0' "${2#*:}" ;; esac
		;;
	additional-gids | g) printf 'group=%s\0' "$2" ;;
	tty | t) printf 'terminal=true\0' ;;
	no-new-privs) printf 'no_new_privileges=true\0' ;;
	esac
}
