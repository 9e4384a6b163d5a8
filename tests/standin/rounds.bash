# SPDX-License-Identifier: Apache-2.0
# The rounds of tests/standin/sweep: each sets $name to what it does, and calls wrong for what must not be.
# shellcheck shell=bash

# ---- what they share ----

# pick_of WORD…: sets $picked to one of them
pick_of() {
	pick $#
	shift "$picked"
	picked=$1
}

# boots: how long the VMs of this round boot
boots() {
	pick_of 0 0 1 5 20
	config ".process.env |= map(select(startswith(\"STANDIN_FAULTS=\") | not)) + [\"STANDIN_FAULTS=boot=$picked\"]"
}

# slow_xl: how long each of the next calls takes
slow_xl() {
	local verb
	[ "$slow" -gt 0 ] || return 0
	for verb in create unpause destroy; do
		pick "$slow"
		xl_fault "$verb" "slow $picked"
		name="$name, $verb $picked ms"
	done
}

# before VERB: brings c1 into the state in which the verb has something to do
before() {
	prepare_root
	case $1 in
	create | run | foreground) return 0 ;;
	esac
	create_one || return
	case $1 in
	start) return 0 ;;
	esac
	quietly start 0 -- runX start c1
	case $1 in
	delete) quietly kill 0 -- runX kill c1 KILL && gone c1 ;;
	resume) quietly pause 0 -- runX pause c1 ;;
	esac
}

create_one() {
	quietly create 0 -- runX create --bundle "$bundle" c1
}

# words_of VERB: sets $words to its command line
words_of() {
	case $1 in
	create) words=(create --bundle "$bundle" c1) ;;
	run) words=(run --detach --bundle "$bundle" c1) ;;
	foreground) words=(run --bundle "$bundle" c1) ;;
	foreground-exec) words=(exec c1 sleep 0.2) ;;
	update) words=(update --cpu-quota 50000 --cpu-period 100000 c1) ;;
	exec) words=(exec --detach c1 sleep 1000) ;;
	kill) words=(kill c1 KILL) ;;
	delete-force) words=(delete --force c1) ;;
	*) words=("$1" c1) ;;
	esac
}

# tripped WORDS… -- VERB: runs the verb, which trip trips so. Sets $rc to its status, and adds to $name what was tripped.
tripped() {
	local how=()
	while [ "$1" != -- ]; do
		how+=("$1")
		shift
	done
	words_of "$2"
	rm -f "$work/tripped"
	: >"$work/said"
	[ "${reader:-yes}" = no ] && open_without_reader || exec 8>"$work/said"
	rc=0
	local begun=$SECONDS
	timeout -k 5 "$PATIENCE" "$top/out/standin/trip" -r "$work/tripped" "${how[@]}" \
		dash "$top/runX" "${words[@]}" <"${input:-/dev/null}" >"$work/out" 2>&8 8>&- || rc=$?
	exec 8>&-
	took=$((SECONDS - begun))
}

# hung: the last verb had to be killed. 137 is also how an exec ends that has lost its VM.
hung() {
	[ "$rc" -eq 124 ] || { [ "$rc" -eq 137 ] && [ "$took" -ge "$PATIENCE" ]; }
}

# Descriptor 8 is a pipe that nobody reads.
open_without_reader() {
	rm -f "$work/pipe"
	mkfifo "$work/pipe" && exec 9<>"$work/pipe" 8>"$work/pipe" 9<&-
}

add_tripped() {
	[ ! -f "$work/tripped" ] || name="$name: $(cat "$work/tripped")"
}

# how_many VERB SET: sets $calls to how many calls it makes, which is counted once for each kind of container
declare -A counted
how_many() {
	local key="$1 $2 $kind_name" rc
	if [ -z "${counted[$key]:-}" ]; then
		before "$1"
		tripped count "$2" -- "$1"
		[ "$rc" -eq 0 ] || wrong "$1 fails, without a fault: $(head -c 300 "$work/said")"
		runX delete --force c1 >/dev/null 2>&1
		# The proxy's are counted until its end.
		# shellcheck disable=SC2046 # words
		await $(pgrep -x trip-server) >/dev/null
		counted[$key]=$(cat "$work/tripped")
		rm -f "$work/hooked"
	fi
	calls=${counted[$key]}
}

# status_of: sets $status to the status of c1, or `none`
status_of() {
	status=none
	[ ! -e "$RUNX_ROOT/c1" ] || status=$(runX state c1 2>"$work/said.state" | jq -r .status)
	[ -n "$status" ] || wrong "state says: $(head -c 300 "$work/said.state")"
}

# is_one_of STATUS…: c1 has one of these
is_one_of() {
	local status
	status_of
	case " $* " in
	*" $status "*) ;;
	*) wrong "the container is $status (and is to be: $*), where the verb ended with $rc: $(head -c 300 "$work/said")" ;;
	esac
}

# The container runs, if need be after a resume: its VM is paused only where its record says so.
usable() {
	local status
	status_of
	[ "$status" != paused ] || quietly resume 0 -- runX resume c1
	quietly 'exec true' 0 -- runX exec c1 true
	is_one_of running
}

# ---- kill ----

kill_round() {
	local verb whom signal n rc=0 reader=yes
	pick_of create create run start exec kill delete foreground pause resume update
	verb=$picked
	pick_of KILL KILL KILL TERM INT HUP PIPE
	signal=$picked
	whom_of "$signal"
	[ "$verb" != foreground ] || command_is sleep 0.2
	how_many "$verb" kill
	pick "$calls"
	n=$((picked + 1))
	name="$verb, $signal to the $whom at call $n of $calls"
	before "$verb"
	[ "$signal" != PIPE ] || reader=no
	tripped -s "$(kill -l "$signal")" kill "$n" "$whom" -- "$verb"
	add_tripped
	! hung || wrong "$verb hangs"
	[ "$signal" = KILL ] || hung || ended_by_signal
	case $verb in pause | resume | update) usable ;; esac
	command_is sleep 1000
}

# SIGKILL hits any of the processes. The others come from a person or an engine, or from a terminal. SIGPIPE is the process's own.
whom_of() {
	case $1 in
	KILL) pick_of command group caller ;;
	PIPE) pick_of command ;;
	*) pick_of command group ;;
	esac
	whom=$picked
}

# Of a verb that a signal ended: it tells how it ended, and left the container as it was, as it was to be, or ended.
ended_by_signal() {
	local number
	number=$(kill -l "$signal")
	case $rc,$signal in
	0,* | $((128 + number)),* | *,PIPE) ;;
	*) said_why "$verb" "$work/said" ;;
	esac
	case $verb,$rc in
	create,0) is_one_of created ;;
	run,0) is_one_of running ;;
	create,* | run,* | foreground,*) is_one_of none && left_at_once ;;
	start,0) is_one_of running ;;
	start,*) is_one_of created stopped ;;
	exec,*) is_one_of running && left_of_exec ;;
	kill,*) is_one_of running stopped ;;
	delete,0) is_one_of none ;;
	delete,*) is_one_of none stopped ;;
	esac
}

# Nothing is left, although nobody has deleted it. The mount of a device is the engine's until create takes it.
left_at_once() {
	umount "$bundle/rootfs" 2>/dev/null
	nothing_left >"$work/left" || wrong "without a delete, $(cat "$work/left")"
}

left_of_exec() {
	[ $rc -eq 0 ] || await_execs
	! ls "$RUNX_ROOT/c1" | grep '^exec[.]' || wrong 'exec has left its description'
}

# ---- fault ----

# Name and number, of errno.h; `short` is a write of a half.
errors='ENOSPC=28 EMFILE=24 ENOMEM=12 EAGAIN=11 EIO=5 EINTR=4 short=short'

# A container copies its input, or is told to end, or is joined: all is right in the end, or somebody has said what went wrong.
fault_round() {
	local verb error n rc=0
	pick_of create create create start exec kill delete run foreground foreground-exec pause resume update
	verb=$picked
	# shellcheck disable=SC2086 # words
	pick_of $errors
	error=$picked
	: >"$work/input"
	[ "$verb" != foreground ] || copying
	how_many "$verb" fail
	pick "$calls"
	n=$((picked + 1))
	name="$verb, ${error%=*} at call $n of $calls"
	[ "$verb" != create ] || copying
	before "$verb"
	input=$work/input tripped fail "$n" "${error#*=}" -- "$verb"
	! hung || wrong "$verb hangs"
	case $rc,$verb in
	0,* | 137,foreground-exec) ;;
	*) said_why "$verb" "$work/said" ;;
	esac
	after_fault
	add_tripped
	command_is sleep 1000
}

after_fault() {
	case $verb,$rc in
	create,0) copied ;;
	foreground,0) same_bytes ;;
	pause,* | resume,* | update,*) usable ;;
	esac
}

copying() {
	command_is cat
	head -c 100000 /dev/urandom >"$work/input"
}

# Of the container that was created with a fault to come: its output is its input, where it has ended well.
copied() {
	local pid how=''
	pid=$(proxy c1)
	# The proxy may have said something before start, whose own words come into the same file.
	cp "$work/said" "$work/said.create"
	quietly start 0 1 -- runX start c1 || return 0
	await "$pid" >/dev/null || { wrong 'the proxy does not end' && return; }
	[ ! -f "$RUNX_ROOT/c1/ended" ] || how=$(cat "$RUNX_ROOT/c1/ended")
	[ "$how" != 'exited with status 0' ] || same_bytes "$work/said.create"
}

# same_bytes [FILE]: the output is the input, or words in these files say why not
same_bytes() {
	cmp -s "$work/input" "$work/out" || grep -qa '^runX: cannot' "$work/said" "$@" ||
		wrong "bytes are lost: $(stat -c %s "$work/out") of $(stat -c %s "$work/input")"
}

# ---- race ----

# FIRST SECOND BEFORE, and how many of the two may end with 0
races='create/create/create/1 start/start/start/1 start/kill/start/1-2 start/delete-force/start/1-2 kill/kill/exec/1-2
kill/delete-force/exec/1-2 delete/delete/delete/1-2 delete-force/delete-force/exec/1-2 exec/kill/exec/1-2
exec/delete-force/exec/1-2 pause/resume/exec/1-2 pause/pause/exec/1 state/create/create/1-2 state/delete/delete/1-2 create/delete-force/create/1-2
run/run/create/1 run/kill/create/1-2 run/delete-force/create/1-2 start/pause/start/1-2 pause/delete-force/exec/1-2 update/update/exec/2
update/delete-force/exec/1-2 update/pause/exec/2 pause/kill/exec/1-2 resume/kill/resume/1-2 foreground/foreground/create/1-2
foreground/kill/create/1-2 foreground/delete-force/create/1-2 foreground-exec/kill/exec/1-2 foreground-exec/delete-force/exec/1-2
foreground-exec/foreground-exec/exec/2'

race_round() {
	local race first second gap status1=0 status2=0
	# shellcheck disable=SC2086 # words
	pick_of $races
	IFS=/ read -r first second race winners <<<"$picked"
	pick 50
	gap=$picked
	name="$first and, $gap ms later, $second"
	[ "$first" != foreground ] || command_is sleep 0.2
	before "$race"
	slow_xl
	local begun=$SECONDS
	words_of "$first"
	runX "${words[@]}" </dev/null >"$work/out1" 2>"$work/said1" &
	perl -e 'select(undef, undef, undef, $ARGV[0] / 1000)' "$gap"
	words_of "$second"
	runX "${words[@]}" </dev/null >"$work/out2" 2>"$work/said2" || status2=$?
	wait $! || status1=$?
	took=$((SECONDS - begun))
	told "$first" $status1 "$work/said1"
	told "$second" $status2 "$work/said2"
	[ "$first" != state ] || [ $status1 -ne 0 ] || jq -e .status "$work/out1" >/dev/null 2>&1 ||
		wrong "state ends with 0 and says $(head -c 300 "$work/out1")"
	won
	case $first,$second in
	start,start | start,pause) still_runs ;;
	update,update | update,pause | pause,resume) usable ;;
	esac
	command_is sleep 1000
}

# told VERB STATUS FILE. The status of a verb in the foreground may be that of the process, which was killed.
told() {
	local rc=$2
	! hung || wrong "$1 hangs"
	case $rc,$1 in
	0,* | 137,foreground*) ;;
	*) said_why "$1" "$3" ;;
	esac
}

won() {
	local n=$(((status1 == 0) + (status2 == 0)))
	[ "$n" -ge "${winners%-*}" ] && [ "$n" -le "${winners#*-}" ] ||
		wrong "$n of the two ended with 0: $(cat "$work/said1" "$work/said2")"
}

still_runs() {
	local state
	state=$(runX state c1 2>&1)
	[[ $state == *'"running"'* ]] || { [ "$second" = pause ] && [[ $state == *'"paused"'* ]]; } || wrong "the container that one of them started does not run: $state"
}

# ---- many ----

# A container with some execs, after which its proxy, and in the end the stand-in, holds what it held after the first one.
# One exec in ten waits for its process.
many_round() {
	local i proxy first='' detach kept
	name="a container with $execs execs"
	command_is sleep 1000000
	before exec
	proxy=$(proxy c1)
	kept=$(ls "$RUNX_ROOT/c1")
	for ((i = 0; i < execs; i++)); do
		[ $((i % 10)) = 0 ] && detach='' || detach=--detach
		# shellcheck disable=SC2086 # a word or none
		quietly exec 0 -- runX exec $detach c1 true
		[ $i != 0 ] || { size_of "$proxy" && first=$size; }
		[ $(((i + 1) % 1000)) != 0 ] || { size_of "$proxy" && echo "# the proxy after $((i + 1)) execs: $size, after one: $first"; }
	done
	await_execs
	# The proxy has done with the others before this one.
	quietly exec 0 -- runX exec c1 true
	size_of "$proxy"
	[ "$execs" = 0 ] || same 'the proxy' "$first" "$size"
	[ "$(ls "$RUNX_ROOT/c1")" = "$kept" ] || wrong "the state directory has other files than before: $(ls "$RUNX_ROOT/c1")"
	quietly delete 0 -- runX delete --force c1
	size_of "$xen"
	# The first rounds fill what is kept for later.
	[ "$count" -lt 2 ] || [ -n "${first_size:-}" ] || first_size=$size
	# The sanitizer does not use all that was freed again: 13 to 16 KiB a container. Without the sanitizer the stand-in has
	# 284 KiB after 100 containers, and after 300.
	[ -z "${first_size:-}" ] || same 'the stand-in' "$first_size" "$size" $((16 * count))
	[ $(((count + 1) % 100)) != 0 ] || echo "# the stand-in after $((count + 1)) containers: $size, after three: $first_size"
}

# The program exec of a process in the background ends after the process.
await_execs() {
	# shellcheck disable=SC2046 # words
	await $(pgrep -f "^([^ ]*/)?exec\b.*$work") || wrong 'an exec does not end'
}

# size_of PID: sets $size to how many descriptors it has, and how much memory, in KiB. Starts no process.
size_of() {
	local fds=("/proc/$1/fd/"*) status
	size='0 0'
	[ -r "/proc/$1/status" ] || { wrong "process $1 is gone" && return; }
	status=$(<"/proc/$1/status")
	status=${status#*RssAnon:}
	status=${status%% kB*}
	size="${#fds[@]} $((status))"
}

# same WHAT FIRST NOW [MORE]: a MiB, and MORE KiB, are what the sanitizer may keep
same() {
	[ "${2% *}" = "${3% *}" ] && [ "${3#* }" -lt $((${2#* } + 1024 + ${4:-0})) ] ||
		wrong "$1 had $2, and now has $3 (descriptors, KiB)"
}
