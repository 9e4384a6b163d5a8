# SPDX-License-Identifier: Apache-2.0
# What every command uses: messages, options, a container's record, and how to run helpers and xl.
#
# All modules use printf, not echo, for text that may hold a backslash, because dash's echo interprets it.

# Sets $json to "$1" as a JSON string, without a process. Control characters become blanks.
json_string() {
	local rest="$1" head
	json=\"
	while :; do
		head=${rest%%[\"\\[:cntrl:]]*}
		json=$json$head
		[ "$head" != "$rest" ] || break
		rest=${rest#"$head"}
		case $rest in
		\"*) json=$json\\\" ;;
		\\*) json=$json\\\\ ;;
		*) json="$json " ;;
		esac
		rest=${rest#?}
	done
	json=$json\"
}

# Sets $shown to the message $1 with a blank for each control character of ASCII, and a ? for each other character that cannot
# be seen and each byte that is no UTF-8. A message may quote a path or a value of a bundle, and must stay one line, and not
# reach into the reader's terminal. Only a message with a byte that is not ASCII costs a process.
show() {
	local rest="$1" head
	shown=''
	while :; do
		head=${rest%%[[:cntrl:]]*}
		shown=$shown$head
		[ "$head" != "$rest" ] || break
		rest=${rest#"$head"?}
		shown="$shown "
	done
	case $shown in
	*[!\ -~]*)
		head=$shown
		# Where the program is missing or fails, no byte that is not ASCII stays.
		shown=$("$RUNX_LIBEXEC/text" "$head" 2>/dev/null) || shown=$(printf %s "$head" | tr '\200-\377' '?') ||
			shown=${head%%[!\ -~]*}
		;;
	esac
}

# Writes an error to the two places where callers look for it: stderr, and one line in the --log file. The line's time must
# be RFC 3339, because containerd and podman parse the file, and stop at what they cannot parse.
log_error() {
	# The log comes first: in a subshell, a write to a stderr without a reader ends the shell by SIGPIPE.
	local shown
	show "$1"
	log_line error "$shown"
	# The reader of stderr may be gone, or stderr may be a /dev/null that is open only for reading (go-runc's null I/O).
	printf 'runX: %s\n' "$shown" >&2 || :
}

# Writes a warning to the same two places. An engine takes only an error as the reason of a failure, never a warning.
log_warning() {
	local shown
	show "$1"
	log_line warning "$shown"
	printf 'runX: warning: %s\n' "$shown" >&2 || :
}

log_line() {
	local time
	[ -n "$log_file" ] || return 0
	# If there is no memory for a process, the message still comes, with a wrong time.
	time=$(date -u +%Y-%m-%dT%H:%M:%SZ) || time=1970-01-01T00:00:00Z
	json_string "$2"
	if [ "$log_format" = json ]; then
		printf '{"level":"%s","msg":%s,"time":"%s"}\n' "$1" "$json" "$time"
	else
		printf 'time="%s" level=%s msg=%s\n' "$time" "$1" "$json"
	fi 2>/dev/null >>"$log_file" || cannot_log
}

# An engine that finds nothing in the log must be told why, and only once. It never fails the command: a full disk must not
# stop a delete.
cannot_log() {
	local shown
	[ "$log_failed" = false ] || return 0
	log_failed=true
	show "cannot write the log $log_file"
	printf 'runX: warning: %s\n' "$shown" >&2 || :
}

# Ends runX with this message. A message is one line that names the thing, the cause and the next step. The exit status is
# 1, or $exit_status if the verb has set it.
die() {
	log_error "$1"
	exit "${exit_status:-1}"
}

usage_error() {
	die "$1 (runX --help lists commands and options)"
}

# ---- how runX ends ----
#
# dash runs no EXIT trap when a signal ends it. So at_end also traps the signals that end a program. A shell runs a trap only
# between two commands, and a command can take minutes. So whatever may take long runs by hear: there a signal counts at once.

# at_end ACTION: from here on, ACTION runs when runX ends, by itself or by a signal. A signal also ends the command that hear
# runs. A stderr without a reader (SIGPIPE) ends nothing, because a message is no reason to stop halfway.
at_end() {
	# shellcheck disable=SC2064 # the words are ACTION
	trap "$1" EXIT
	trap 'end_by_signal 129' HUP
	trap 'end_by_signal 130' INT
	trap 'end_by_signal 131' QUIT
	trap 'end_by_signal 143' TERM
	trap piped=true PIPE
	[ -z "$noted" ] || end_by_signal "$noted"
}

# Whether a SIGPIPE came since the last command of hear began.
piped=false

# Notes a signal for the at_end that follows. A verb calls this before the step that at_end's ACTION will undo, because a
# signal between the two must not be lost.
note_signals() {
	noted=''
	trap noted=129 HUP
	trap noted=130 INT
	trap noted=131 QUIT
	trap noted=143 TERM
	trap piped=true PIPE
}

# A delete --force tells a create, run or start by TERM to end. Its caller hears the reason.
end_by_signal() {
	ignore_signals
	end_command
	case $verb,$1 in
	create,143 | run,143 | start,143) ! is_doomed || { deleted && log_error "$problem"; } ;;
	esac
	exit "$1"
}

# Whether a delete is at work.
is_doomed() {
	[ -f "$dir/removed" ] || [ ! -d "$dir" ]
}

# Sets $problem to the reason of a verb whose container a delete has taken away.
deleted() {
	case $verb in
	create | run) problem="container $id: somebody deleted it while it was created" ;;
	start) problem="container $id: somebody deleted it while it was started" ;;
	*) problem="container $id: container does not exist" ;;
	esac
}

deleted_meanwhile() {
	deleted
	die "$problem"
}

# The command of hear that was the last one to end. $! is the last one that began.
heard=''

# The commands of beside that nobody has joined, and whether beside starts one at this moment.
besides='' forking=false

# Ends the commands that hear and beside run at this moment. ACTION must not begin while one of them still works. A process that was
# just forked still has this shell's traps, and a SIGTERM to it can be lost. A command of hear ends by itself then. One of beside
# would not, and has nothing to clean up, so it gets SIGKILL.
end_command() {
	local pid
	if [ "${!:-}" != "$heard" ]; then
		if [ $forking = true ]; then
			besides="$besides $!"
		else
			{ kill "$!" && wait "$!"; } 2>/dev/null || :
		fi
		heard=$!
	fi
	for pid in $besides; do
		{ kill -9 "$pid" && wait "$pid"; } 2>/dev/null || :
	done
	besides=''
}

# From here on only SIGKILL ends runX, and the terminal's signals do not end the commands that it runs. A second Ctrl-C must
# not stop the clean-up, and neither must a message that nobody reads. SIGPIPE still ends the commands that runX runs.
ignore_signals() {
	trap '' HUP INT QUIT TERM
	trap piped=true PIPE
}

# The verb is done, and there is nothing to undo any more. The signals stay ignored for the few steps that are left.
at_end_nothing() {
	ignore_signals
	trap - EXIT
}

# ---- options ----

# parse_options HANDLER VALUED SWITCHES ARG…: reads the options up to the first word that is none, or up to --, as runc
# does. VALUED (options with a value) and SWITCHES (options without) are lists of names without dashes. Calls HANDLER NAME
# VALUE for each option, in order. A switch without a value has the value true. Sets $options_used to the number of words
# that it read. Ends with an error if an option is unknown or its value is missing. Every verb knows --help and -h, which
# print its part of the help and end runX.
parse_options() {
	local handler="$1" valued=" $2 " switches=" $3 " name
	shift 3
	options_used=0 options_ended=false
	while [ $# -gt 0 ]; do
		case $1 in
		--) options_used=$((options_used + 1)) options_ended=true && break ;;
		-?*) name=${1#-} name=${name#-} ;;
		*) break ;;
		esac
		case "$valued$switches" in
		*" ${name%%=*} "*) [ -n "${name%%=*}" ] || usage_error "unknown option: $1" ;;
		*)
			case $name in help | h) verb_help ;; esac
			usage_error "unknown option: $1"
			;;
		esac
		case $name,$valued in
		*=*,*) "$handler" "${name%%=*}" "${name#*=}" ;;
		*" $name "*)
			[ $# -gt 1 ] || usage_error "option $1 needs a value"
			"$handler" "$name" "$2"
			options_used=$((options_used + 1))
			shift
			;;
		*) "$handler" "$name" true ;;
		esac
		options_used=$((options_used + 1))
		shift
	done
}

# parse_words HANDLER VALUED SWITCHES ARG…: does the same, and reads the options behind other words too, up to --. So does runc,
# but for exec and ps, where they may belong to the program. Behind the first other word, an unknown option is a word, too.
# Sets $words: after `eval "set -- $words"` the caller has only the other words.
parse_words() {
	local handler="$1" valued="$2" switches="$3" total name
	shift 3
	words='' total=$#
	parse_options "$handler" "$valued" "$switches" "$@"
	shift "$options_used"
	while [ $# -gt 0 ]; do
		name=${1#-}
		[ "$name" = "$1" ] || name=${name#-} name=${name%%=*}
		case $options_ended,$1," $valued $switches help h " in
		false,--,* | false,-*" ${name:-=} "*)
			parse_options "$handler" "$valued" "$switches" "$@"
			shift "$options_used"
			;;
		*)
			words="$words \"\${$((total - $# + 1))}\""
			shift
			;;
		esac
	done
}

verb_help() {
	# shellcheck source=lib/help.sh
	. "$RUNX_LIBDIR/help.sh"
	help_about "$verb"
	exit 0
}

# The HANDLER of a verb that has no options.
no_option() {
	usage_error "unknown option: --$1"
}

# An id is part of file names, which can have 255 bytes, also of other programs' log files (xl-rx-ID.log.10). 200 fits
# everywhere, with room to spare.
ID_MAX=200

# Checks that the first argument is a valid id, because it becomes part of paths and of a domain's name. Sets $id, and $dir
# to the container's state directory. Ends with an error if the id is missing or invalid.
check_id() {
	[ $# -gt 0 ] || usage_error "container id: none given"
	[ -n "$1" ] || die "container id cannot be empty"
	case $1 in
	. | .. | -* | *[!A-Za-z0-9_+.-]*)
		die "invalid container ID format: $1 (use only letters, digits and _+.-, and no dash at the beginning)"
		;;
	esac
	[ ${#1} -le $ID_MAX ] || die "invalid container ID format: ${#1} characters, and an ID can have at most $ID_MAX"
	id=$1
	dir=$RUNX_ROOT/$id
	trace options
}

# trace WHAT: records that this step begins now. lib/trace.sh replaces this function if RUNX_TRACE is set.
trace() { :; }

# Sets $absolute to the path $1 as an absolute path. A relative one starts at the caller's working directory.
absolute_path() {
	case $1 in
	/*) absolute=$1 ;;
	*) absolute=$PWD/$1 ;;
	esac
}

# Makes $absolute the physical path of a directory, without links, `.`, `..` and repeated slashes, as runc does. If there is
# no such directory, or no way back from it (somebody removed the working directory), only what text shows is taken out.
clean_path() {
	local from="$PWD"
	# shellcheck disable=SC2164 # the path stays
	if [ -n "$from" ] && cd "$from" 2>/dev/null && cd -P "$absolute" 2>/dev/null; then
		absolute=$PWD
		cd "$from" || die "cannot return to the working directory $from"
		return 0
	fi
	while :; do
		case $absolute in
		*/../* | */..) return 0 ;; # it may follow a link
		*/./*) absolute=${absolute%%/./*}/${absolute#*/./} ;;
		*//*) absolute=${absolute%%//*}/${absolute#*//} ;;
		*/.) absolute=${absolute%.} ;;
		?*/) absolute=${absolute%/} ;;
		*) return 0 ;;
		esac
	done
}

# save NAME FORMAT TEXT…: writes the file NAME of the container's record, with printf's FORMAT. Ends with an error if it
# cannot.
save() {
	local file="$dir/$1"
	shift
	# The shell's own message about a failed write is dropped, because runX's says more.
	# shellcheck disable=SC2059 # the format is the caller's
	{ printf "$@" >"$file"; } 2>/dev/null && return 0
	! is_doomed || deleted_meanwhile
	die "cannot write $file (is the disk full?)"
}

# Sets, from the container's record and its proxy:
#   $status  creating, created, running, paused or stopped
#   $domid   the domain's number, `-` for a pod's sandbox, or empty if no proxy was recorded yet
#   $pid     the proxy's process id, or 0 if there is no proxy
# Starts no process while the proxy lives or when the guardian has done its work, because podman and CRI-O ask often. Ends
# with an error if there is no such container.
read_status() {
	[ -d "$dir" ] || die "container $id: container does not exist"
	find_status
}

# Sets the same for a container that somebody may delete at this moment: never an error.
find_status() {
	local start=''
	domid='' pid=0
	status=creating
	[ -f "$dir/proxy" ] || return 0
	{ read -r domid pid start <"$dir/proxy"; } 2>/dev/null || :
	if ! lives "$pid" "$start"; then
		status=stopped pid=0
		[ -f "$dir/destroyed" ] || find_vm
	elif [ ! -f "$dir/created" ]; then
		:
	elif [ ! -f "$dir/started" ]; then
		status=created
	else
		status=running
		[ ! -f "$dir/paused" ] || status=paused
	fi
}

# The guardian destroys the VM after the proxy's end. This is how long one command waits for all guardians that it asks for.
# guardians_by is when that is over, in seconds of /proc/uptime.
GUARDIAN_SECONDS=10
guardians_by=''
# What xl has said of the domains (domain_find_listed).
domains='' domains_rc=''

# A container is not stopped while its VM lives. The proxy is dead, and the guardian has not left its mark: either it still
# works, or it cannot write the mark, or somebody has killed it. In the last two cases only xl knows of the VM. Without an
# answer of xl the container counts as running. list asks for many containers. So there is one time-out and one xl for all.
find_vm() {
	local rc=0
	await_guardian
	[ -d "$dir" ] && [ ! -f "$dir/destroyed" ] || return 0
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"
	uuid=''
	domain_find_listed || rc=$?
	[ $rc -eq $NO_DOMAIN ] || status=running
}

# Waits for the container's guardian, up to guardians_by.
await_guardian() {
	local now=0 left
	{ read -r now _ <"${RUNX_HOST:-}/proc/uptime"; } 2>/dev/null || :
	now=${now%.*}
	guardians_by=${guardians_by:-$((now + GUARDIAN_SECONDS))}
	left=$((guardians_by - now))
	[ $left -le 0 ] || helper control "$dir" wait $left || :
}

# Ends with an error if the container has no VM. For verbs that do something to a VM or in it.
need_vm() {
	[ "$domid" != - ] || die "container $id: this is the sandbox of a pod, which has no VM"
}

# Whether process $1 exists, is not a zombie, and started at $2 (clock ticks since boot).
lives() {
	local line='' started="$2"
	case $1 in '' | *[!0-9]*) return 1 ;; esac
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	# The process's name may contain anything. Behind it come the state, 18 other fields, and the start time.
	# shellcheck disable=SC2086 # fields of numbers, to be split
	set -- ${line##*) }
	case $1 in
	Z | X | x) return 1 ;;
	esac
	[ "${20:-}" = "$started" ]
}

# Sets $since to the start time of this runX, as lives compares it.
own_start_time() {
	local line
	read -r line <"/proc/$$/stat"
	# shellcheck disable=SC2086 # fields of numbers
	set -- ${line##*) }
	since=${20}
}

# has_helper NAME: whether this one of runX's C programs is installed. If it is not, $problem says so.
has_helper() {
	[ -x "$RUNX_LIBEXEC/$1" ] || { problem="$RUNX_LIBEXEC/$1 is missing: install runX again" && return 1; }
}

# The most characters of $said. Only its first lines are used, and a container's XLCONF can make xl write many.
SAID_MAX=65536

# hear COMMAND…: runs a command with runX's stdin and stdout. Sets $said to what it writes to stderr, and returns its exit
# status (126 and 127 as the shell has them). hear_all: $said has what it writes to stdout, too.
#
# This is what said=$(COMMAND 2>&1 …) would do, with as many processes. But no shell runs a trap while it reads the output of
# a substitution, and here `read` and `wait` end when a signal comes. The words come by a pipe and not by a file, because a
# full disk may be what they are about. An empty here-document is such a pipe (or a file in memory, in newer dashes).
hear() { hear_by 1 "$@"; }
hear_all() { hear_by 5 "$@"; }

hear_by() {
	local out="$1" rc=0
	shift
	said='' piped=false
	{
		# Without <&4, a command in the background has /dev/null as its stdin. If descriptor 5 cannot be opened, the command does
		# not run, and there is nothing to read.
		{ "$@" <&4 >&"$out" 2>&5 4<&- 5>&- 6<&- & } 5>/proc/self/fd/6 || {
			said='too many open files (raise ulimit -n)'
			return 126
		}
		hear_words
		await_command "$!" || rc=$?
		heard=$!
	} 4<&0 6<<-END
	END
	return $rc
}

# Goes on after a SIGPIPE, which has ended the `read`, and is to end nothing.
hear_words() {
	local line=''
	while :; do
		while IFS= read -r line || [ -n "$line" ]; do
			[ ${#said} -gt $SAID_MAX ] || said=$said${said:+
}$line
		done <&6
		[ $piped = true ] || return 0
		piped=false
	done
}

# Waits for the process $1, and returns its status. A SIGPIPE ends the `wait`, and is to end nothing.
await_command() {
	local rc
	while :; do
		rc=0 piped=false
		wait "$1" 2>/dev/null || rc=$?
		[ $rc -eq 141 ] && [ $piped = true ] || return $rc
	done
}

# beside NAME ARG…: starts one of runX's C programs beside what follows, with runX's stdin and stdout, and with runX's stderr as
# descriptor 3. What the program says on its own stderr is for join. Ends with an error if it cannot be started.
beside() {
	local program="$RUNX_LIBEXEC/$1"
	has_helper "$1" || die "$problem"
	shift
	[ -n "$besides" ] || open_besides
	forking=true
	{ "$program" "$@" <&4 3>&2 2>&5 4<&- 5>&- 8<&- 9<&- & } 4<&0 5>>/proc/self/fd/9 || die 'too many open files (raise ulimit -n)'
	besides="$besides $!" heard=$! forking=false
}

# Opens descriptor 9 for what the commands of beside say: a pipe (or a file in memory, in newer dashes).
open_besides() {
	{ command exec 9<<-END; } 2>/dev/null || die 'too many open files (raise ulimit -n)'
	END
}

# join: waits for all commands of beside. Returns 1 if one of them has failed, and ends the others. $problem is then the first line
# that they wrote.
join() {
	local rc=0 said=''
	# shellcheck disable=SC2086 # process ids
	set -- $besides
	while [ $# -gt 0 ] && [ $rc -eq 0 ]; do
		await_command "$1" || rc=1
		shift
		besides=$*
	done
	if [ $rc -ne 0 ]; then
		hear_besides
		problem=${said:-container $id: a helper failed and gave no reason (run it again with --debug)}
	fi
	exec 9<&-
	return $rc
}

# Ends the commands of beside, and sets $said to the first line that they wrote. What they have started may keep the pipe open. So
# an empty line marks the end.
hear_besides() {
	end_command
	echo >>/proc/self/fd/9
	IFS= read -r said <&9 || :
}

TOO_LARGE='its arguments and environment are more than Linux gives to a program (128 KiB for one, 2 MiB for all): make them smaller'

# helper NAME ARG…: runs one of runX's C programs with runX's own stdin and stdout. Returns its exit status (127: it is not
# installed). On failure $problem is the line that it wrote to stderr.
helper() {
	local name="$1" rc=0 said
	shift
	has_helper "$name" || return 127
	hear "$RUNX_LIBEXEC/$name" "$@" || rc=$?
	problem=${said%%
*}
	# This is the shell's line about an execve(2) that failed, with the shell's own names in it.
	case $rc,$problem in
	126,*': Argument list too long') problem="$TOO_LARGE" ;;
	esac
	[ $rc -eq 0 ] || problem=${problem:-container $id: $name ended with status $rc and gave no reason (run it again with --debug)}
	return $rc
}

# The exit status of the helper control when the container has no proxy, or no longer has one.
NO_PROXY=2

# The exit status of control's `wait` after its time.
TOO_LATE=3

# ask_proxy WORD…: asks the container's proxy for something (helpers/client/control.c). Fails if the proxy refuses, and
# $problem says why. $problem is empty if there is no proxy any more.
ask_proxy() {
	local rc=0
	helper control "$dir" "$@" || rc=$?
	[ $rc -ne $NO_PROXY ] || problem=''
	return $rc
}

# The time that a tool of the host has for an answer or a change. xl itself waits for as long as xenstored does not answer. Only
# `xl create` and its scripts may take longer (they copy disks).
TOOL_SECONDS=60

# xl_within ARG…: runs xl for up to TOOL_SECONDS, without stdin and without the descriptors that the caller of runX left open
# (helpers/root/stage.c). Returns xl's status.
xl_within() {
	"$RUNX_LIBEXEC/stage" -t "$TOOL_SECONDS" - -- xl "$@" </dev/null
}

# xl_do VERB ARG…: does the same for this runX only, so xl is killed if runX is. On failure $problem is what xl wrote. Its
# words also tell whether it failed: xl pause and xl unpause end with status 0 even if libxl reports an error
# (tools/xl/xl_vmcontrol.c).
xl_do() {
	local rc=0 said
	hear "$RUNX_LIBEXEC/stage" -p $$ -t "$TOOL_SECONDS" - -- xl "$@" >/dev/null </dev/null || rc=$?
	problem=$said
	case $problem in
	*error:*) rc=1 ;;
	esac
	return $rc
}

# xl_domain VERB: runs xl VERB for the container's domain. On failure $problem is what xl wrote.
xl_domain() {
	xl_do "$1" "$domid"
}

# xl_unpause: unpauses the container's domain, if it is paused. On failure $problem is what xl wrote.
xl_unpause() {
	xl_domain unpause || case $problem in
	# This is Xen's error for a domain that is not paused.
	*'Invalid argument'*) ;;
	*) return 1 ;;
	esac
}
