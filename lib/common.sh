# SPDX-License-Identifier: Apache-2.0
# Words that every command uses: saying what is wrong, reading options, reading a container's record.

# Everywhere: printf, not echo, for what may hold a backslash, which the echo of dash interprets.

# Writes "$1" as a JSON string to $json, without a process. Control characters become blanks.
json_string() {
	local rest="$1" head special
	json=\"
	while :; do
		head=${rest%%[\"\\[:cntrl:]]*}
		json=$json$head
		[ "$head" != "$rest" ] || break
		rest=${rest#"$head"}
		special=${rest%"${rest#?}"}
		rest=${rest#?}
		case $special in
		\" | \\) json=$json\\$special ;;
		*) json="$json " ;;
		esac
	done
	json=$json\"
}

# One error to where callers look for it: stderr, and one line in --log, whose time must be RFC 3339
# (containerd and podman parse the file, and stop at what they cannot parse).
log_error() {
	# Its reader may be gone, or stderr be a /dev/null opened for reading (go-runc's null I/O).
	printf 'runX: %s\n' "$1" >&2 || :
	log_line error "$1"
}

# As log_error does; engines take only errors for the reason of a failure.
log_warning() {
	printf 'runX: warning: %s\n' "$1" >&2 || :
	log_line warning "$1"
}

log_line() {
	local time
	[ -n "$log_file" ] || return 0
	# A system without memory for a process still gets its message.
	time=$(date -u +%Y-%m-%dT%H:%M:%SZ) || time=1970-01-01T00:00:00Z
	json_string "$2"
	if [ "$log_format" = json ]; then
		printf '{"level":"%s","msg":%s,"time":"%s"}\n' "$1" "$json" "$time"
	else
		printf 'time="%s" level=%s msg=%s\n' "$time" "$1" "$json"
	fi 2>/dev/null >>"$log_file" || :
}

# Ends with one sentence that names the thing, the cause and the next step; a verb may have set
# $exit_status.
die() {
	log_error "$1"
	exit "${exit_status:-1}"
}

usage_error() {
	die "$1 (runX --help lists commands and options)"
}

# parse_options HANDLER VALUED SWITCHES ARG…: reads the options before the first other word, or --, as
# runc does. VALUED and SWITCHES are names without dashes. Calls HANDLER NAME VALUE for each, in order;
# leaves in $options_used how many words it read.
parse_options() {
	local handler="$1" valued=" $2 " switches=" $3 " name
	shift 3
	options_used=0
	while [ $# -gt 0 ]; do
		case $1 in
		--) options_used=$((options_used + 1)) && break ;;
		-?*) name=${1#-} name=${name#-} ;;
		*) break ;;
		esac
		case "$valued$switches" in
		*" ${name%%=*} "*) ;;
		*) usage_error "unknown option: $1" ;;
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

# For verbs that have none.
no_option() {
	usage_error "unknown option: --$1"
}

# The longest name that QEMU's log file (qemu-dm-rx-ID.log.10) leaves room for is longer; this is
# what fits everywhere with room to spare.
ID_MAX=200

# Checks the id at the door: from here on it is a part of paths and of a domain's name.
check_id() {
	[ $# -gt 0 ] || usage_error "container id: none given"
	[ -n "$1" ] || die "container id cannot be empty"
	case $1 in
	. | .. | -* | *[!A-Za-z0-9_+.-]*)
		die "invalid container ID format: $1 (letters, digits and _+.- only, not first a dash)"
		;;
	esac
	[ ${#1} -le $ID_MAX ] || die "invalid container ID format: ${#1} characters, more than $ID_MAX"
	id=$1
	dir=$RUNX_ROOT/$id
	trace options
}

# trace WHAT: begins now; lib/trace.sh, where RUNX_TRACE is set, else nothing.
trace() { :; }

# Sets $absolute to $1, seen from the caller's working directory.
absolute_path() {
	case $1 in
	/*) absolute=$1 ;;
	*) absolute=$PWD/$1 ;;
	esac
}

# save NAME FORMAT TEXT…: writes a file of the container's record, by printf's FORMAT.
save() {
	local file="$dir/$1"
	shift
	# The shell's own words on a failed write go nowhere; ours are better.
	# shellcheck disable=SC2059 # the format is the caller's
	{ printf "$@" >"$file"; } 2>/dev/null || die "cannot write $file (is the disk full?)"
}

# Says in $status whether the container is creating, created, running, paused or stopped, from its record
# and its proxy, with no process: podman and CRI-O ask often. Sets $domid and $pid (0 when stopped).
read_status() {
	[ -d "$dir" ] || die "container $id: container does not exist"
	find_status
}

# As read_status, of a container that may vanish meanwhile.
find_status() {
	local start=''
	domid='' pid=0
	status=creating
	[ -f "$dir/proxy" ] || return 0
	{ read -r domid pid start <"$dir/proxy"; } 2>/dev/null || :
	if ! proxy_lives "$pid" "$start"; then
		status=stopped pid=0
	elif [ -f "$dir/started" ]; then
		status=running
		[ ! -f "$dir/paused" ] || status=paused
	elif [ -f "$dir/state" ]; then
		status=created
	fi
}

# For what is done to a VM, or in it.
need_vm() {
	[ "$domid" != - ] || die "container $id: the sandbox of a pod, which has no VM"
}

# Whether process $1 exists, is no zombie, and is the one that started at $2 (clock ticks since boot).
proxy_lives() {
	local line='' started="$2"
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	# Behind the name, which may contain anything, come state, 18 other fields, and the start time.
	# shellcheck disable=SC2086 # fields of numbers, to be split
	set -- ${line##*) }
	case $1 in
	Z | X | x) return 1 ;;
	esac
	[ "${20}" = "$started" ]
}

# has_helper NAME: whether that one of runX's C programs is installed; else the sentence that says so is in $problem.
has_helper() {
	[ -x "$RUNX_LIBEXEC/$1" ] || { problem="no $RUNX_LIBEXEC/$1: install runX again" && return 1; }
}

# helper NAME ARG…: runs one of them, with our stdin and stdout. On failure its one line is in $problem: kept in memory,
# since the disk may be what is full.
helper() {
	local name="$1" rc=0
	shift
	has_helper "$name" || return 127
	{ problem=$("$RUNX_LIBEXEC/$name" "$@" 2>&1 >&5 5>&-) || rc=$?; } 5>&1
	problem=${problem%%
*}
	[ $rc -eq 0 ] || : "${problem:=$name failed with status $rc}"
	return $rc
}

# xl_do VERB ARG…: on failure xl's words are in $problem. They are also how to know: xl pause and unpause end
# with 0 whatever libxl said (tools/xl/xl_vmcontrol.c).
xl_do() {
	local rc=0
	problem=$(xl "$@" 2>&1 >/dev/null </dev/null) || rc=$?
	case $problem in
	*error:*) rc=1 ;;
	esac
	return $rc
}

# xl_domain VERB: does it to the container's domain.
xl_domain() {
	xl_do "$1" "$domid"
}
