#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The result of each operation in every state of a container on real Xen: the table of unit/states.bats. Operations that
# change the state are not in the table; the test uses them to go from column to column.

load helpers
load ../states
bats_require_minimum_version 1.5.0

# ok: it succeeds. Another word: it fails with the reason that states.bash has for it, and changes nothing. -: not tried.
TABLE='
operation    unknown  created   running   paused    stopped
create       -        taken     taken     taken     taken
run          -        taken     taken     taken     taken
run-d        -        taken     taken     taken     taken
start        absent   -         runs      no-start  ended
state        absent   ok        ok        ok        ok
kill         absent   ok        ok        ok        not-up
kill-a       absent   ok        ok        ok        ok
delete       absent   -         no-delete no-delete -
delete-f     ok       -         -         -         -
exec         absent   no-exec   ok        held      no-exec
exec-paused  absent   no-exec   ok        -         no-exec
ps           absent   ok        ok        ok        ok
pause        absent   not-up    -         paused    not-up
resume       absent   not-held  not-held  -         not-held
update       absent   ok        ok        ok        not-up
events       absent   ok        ok        ok        not-up
list         ok       ok        ok        ok        ok
'

# words_for OPERATION: sets $command to the arguments of runX
words_for() {
	case $1 in
	create | run) command="$1 --bundle /b/$id $id" ;;
	run-d) command="run --detach --bundle /b/$id $id" ;;
	# CONT has no effect, even before the process runs.
	kill) command="kill $id CONT" ;;
	kill-a) command="kill --all $id CONT" ;;
	delete-f) command="delete --force $id" ;;
	exec) command="exec $id true" ;;
	exec-paused) command="exec --ignore-paused $id true" ;;
	# The value that the VM already has
	update) command="update --cpu-share 1024 $id" ;;
	events) command="events --stats $id" ;;
	list) command=list ;;
	*) command="$1 $id" ;;
	esac
}

# Runs in dom0: brings the container into the column's state, and tries each command. Prints the status and stderr of each,
# then whether the record has changed, and the state.
walk='
	id=$1 step=$2
	shift 2
	record() {
		[ ! -d "/run/runX/$id" ] || find "/run/runX/$id" -type f -exec cksum {} + | sort
	}
	eval "$step" >/dev/null || echo "failed: $step"
	before=$(record)
	for command; do
		rc=0
		said=$(runX $command 2>&1 >/dev/null </dev/null) || rc=$?
		printf "%s %s\n" "$rc" "$said"
	done
	[ "$(record)" = "$before" ] || echo "the record has changed"
	status=$(runX state "$id" 2>/dev/null) || status="\"status\": \"unknown\","
	printf "%s\n" "$status" | sed -n "s/.*\"status\": \"\(.*\)\",/\1/p"
'

# column STATE STEP: brings the container into STATE by the script STEP, and tries the column's operations
column() {
	local state="$1" step="$2" operation unknown created running paused stopped command words number=0
	local -a operations=() outcomes=() commands=()
	# shellcheck disable=SC2034 # one of them is ${!state}
	while read -r operation unknown created running paused stopped; do
		case $operation,${!state} in
		, | operation,* | *,-) continue ;;
		esac
		words_for "$operation"
		operations+=("$operation") outcomes+=("${!state}") commands+=("$command")
	done <<<"$TABLE"

	dom0 sh -c "$walk" walk "$id" "$step" "${commands[@]}"
	echo "$state:" "$output" "$stderr"
	for operation in "${operations[@]}"; do
		comes_to "${lines[$number]}" "$operation" "${outcomes[$number]}"
		number=$((number + 1))
	done
	[ "${lines[$number]}" = "$state" ]
	[ "${#lines[@]}" -eq $((number + 1)) ]
}

# comes_to LINE OPERATION OUTCOME: this line of the walk is the right result of the operation
comes_to() {
	local rc=1
	case $2,$3 in
	*,ok) [ "$1" = '0 ' ] || { echo "$2: wanted success, got: $1" && return 1; } ;;
	exec*) rc=255 ;;&
	*)
		words_of "$3" "$state"
		[[ $1 == "$rc runX: "*"$words"* ]] || { echo "$2: wanted: $rc $words, got: $1" && return 1; }
		;;
	esac
}

@test "states: each operation in each state has its result, and a refused one changes nothing" {
	bundle '.process.args = ["sleep", "1000"]'
	column unknown :
	column created "runX create --bundle /b/$id $id </dev/null 2>/dev/null"
	column running "runX start $id"
	column paused "runX pause $id"
	column stopped "runX resume $id && runX kill $id KILL && /usr/libexec/runX/control /run/runX/$id wait 60"
	dom0 runX delete "$id"
	says 0 '' ''
}
