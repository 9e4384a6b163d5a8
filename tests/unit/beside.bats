#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Verbs of one container beside each other: one wins, the other is told, hooks run once, and what is read is whole.

load helpers
load waiting

@test "beside: of two starts, one starts the container, and the other is refused and ends nothing" {
	in_state created
	waits_at xl '"unpause "*'
	begin start c1
	runX start c1
	fails_with 'container c1: cannot start an already running container'
	go_on
	ends 0
	[ "$(calls 'xl unpause')" -eq 1 ]
	[ "$(calls 'control start')" -eq 1 ]
	[ "$(calls 'control signal')" -eq 0 ]
}

@test "beside: of two starts that both found it created, the second to make the mark is refused, and leaves the first's record" {
	in_state created
	echo 'start 1 2' >"$RUNX_ROOT/c1/started"
	id=c1 dir=$RUNX_ROOT/c1 run ${RUNX_SHELL:-dash} -euc 'log_file="" log_failed=false noted=""
		. "$1/common.sh"; . "$1/verbs/start.sh"; claim_start; echo claimed' sh "$top/lib"
	[ "$status" -eq 1 ]
	[ "$output" = 'runX: container c1: cannot start an already running container' ]
	[ "$(cat "$RUNX_ROOT/c1/started")" = 'start 1 2' ]
}

@test "beside: a container of run cannot be started by somebody else" {
	waits_at xl '"unpause "*'
	begin run --detach --bundle "$bundle" c1
	runX start c1
	fails_with 'container c1: cannot start an already running container'
	go_on
	ends 0
	runX delete --force c1
	succeeds
}

@test "beside: a start that a kill overtakes tells the proxy's reason" {
	in_state created
	waits_at xl '"unpause "*'
	XL_FAIL=unpause begin start c1
	echo 'killed by signal 9' >"$RUNX_ROOT/c1/ended"
	go_on
	ends 1
	grep -qx 'runX: runX start failed: killed by signal 9' "$FAKE/said"
}

@test "beside: of two deletes, one runs the poststop hooks, and the other waits for its end" {
	mkfifo "$FAKE/there" "$FAKE/on"
	config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo >>'"$FAKE"'/hooks; echo >'"$FAKE"'/there; read _ <'"$FAKE"'/on"]}]'
	in_state stopped
	begin delete c1
	runX_beside delete --force c1
	awaits_lock
	go_on
	ends 0
	beside_ends 0
	[ "$(wc -l <"$FAKE/hooks")" -eq 1 ]
	nothing_left
}

@test "beside: delete --force ends a create that is at work, and its VM" {
	waits_at xl '"create "*'
	begin create --bundle "$bundle" c1
	runX_beside delete --force c1
	awaits_lock
	# xl makes the domain only now.
	go_on
	ends 143
	beside_ends 0
	nothing_left
}

@test "beside: delete without --force leaves a create alone" {
	waits_at xl '"create "*'
	begin create --bundle "$bundle" c1
	runX delete c1
	fails_with 'that is not stopped: creating'
	go_on
	ends 0
	runX delete --force c1
	succeeds
}

@test "beside: delete --force ends a run that has not started its process" {
	waits_at control '*" start"'
	begin run --detach --bundle "$bundle" c1
	runX_beside delete --force c1
	awaits_lock
	go_on
	ends 143
	beside_ends 0
	nothing_left
}

@test "beside: delete --force ends a start that is at work, and does not wait for its xl" {
	in_state created
	rm "$FAKE/libexec/control"
	printf '%s\n' '#!/bin/sh' '[ "$2" != end-start ] || exec '"$top/out/$(uname -m)"'/control "$@"' 'exec '"$top"'/tests/unit/fake/control "$@"' >"$FAKE/libexec/control"
	chmod 755 "$FAKE/libexec/control"
	hangs_at xl '"unpause "*'
	begin start c1
	runX delete --force c1
	succeeds
	ends 143
	grep -qx 'runX: container c1: somebody deleted it while it was started' "$FAKE/said"
	nothing_left
}

@test "beside: a pause while a start is at work is refused" {
	in_state created
	waits_at xl '"unpause "*'
	begin start c1
	runX pause c1
	fails_with 'container c1: container not running yet: a runX start is at work on it (wait for its end)'
	go_on
	ends 0
	runX pause c1
	succeeds
}

@test "beside: a pause while a run is at work is refused" {
	waits_at xl '"unpause "*'
	begin run --detach --bundle "$bundle" c1
	runX pause c1
	fails_with 'container c1: container not running yet'
	go_on
	ends 0
	runX pause c1
	succeeds
}

@test "beside: a start that begins while a delete is at work does nothing" {
	in_state created
	: >"$RUNX_ROOT/c1/removed"
	: >"$FAKE/calls"
	runX start c1
	fails_with 'container c1: somebody deleted it while it was started'
	[ "$(calls xl)" -eq 0 ]
}

@test "beside: a create whose directory was deleted leaves nothing" {
	mkfifo "$FAKE/there" "$FAKE/on"
	rm "$FAKE/libexec/claim"
	cat >"$FAKE/libexec/claim" <<-END
		#!/bin/sh
		[ "\${3##*/}" != json ] || { echo >"\$FAKE/there"; read -r _ <"\$FAKE/on"; }
		exec "$top/out/$(uname -m)/claim" "\$@"
	END
	chmod 755 "$FAKE/libexec/claim"
	begin create --bundle "$bundle" c1
	rm -r "$RUNX_ROOT/c1"
	go_on
	ends 1
	grep -qx 'runX: container c1: somebody deleted it while it was created' "$FAKE/said"
	nothing_left
}

# mkdir_then COMMAND: the mkdir that makes a state directory runs this command on it afterwards, when create has not opened it yet
mkdir_then() {
	cat >"$FAKE/bin/mkdir" <<-END
		#!/bin/sh
		$(command -v mkdir) "\$@" || exit
		[ "\$1" != -m ] || { for made; do :; done && $1; }
	END
	chmod 755 "$FAKE/bin/mkdir"
}

@test "beside: a create whose directory is removed before it writes into it says who did that" {
	# A link that leads nowhere stands for a directory in which nothing can be made any more.
	mkdir_then 'ln -s /nowhere/creator "$made/creator" && : >"$made/removed"'
	runX create --bundle "$bundle" c1
	fails_with 'container c1: somebody deleted it while it was created'
	nothing_left
}

@test "beside: a create that a delete looked for too early sees the delete's mark" {
	mkdir_then ': >"$made/removed"'
	runX create --bundle "$bundle" c1
	fails_with 'container c1: somebody deleted it while it was created'
	[ "$(calls xl)" -eq 0 ]
	nothing_left
}

@test "beside: a delete is not stopped by the file of a create that has not seen its mark" {
	mkdir -p "$RUNX_ROOT/c1"
	cat >"$FAKE/bin/rm" <<-END
		#!/bin/sh
		[ -f "\$FAKE/made" ] || { : >"\$FAKE/made" && $(command -v rm) "\$@" && mkdir "$RUNX_ROOT/c1" && : >"$RUNX_ROOT/c1/creator" && exit 1; }
		exec $(command -v rm) "\$@"
	END
	chmod 755 "$FAKE/bin/rm"
	runX delete --force c1
	succeeds
	nothing_left
}

@test "beside: a create whose name belongs to a new container leaves that alone" {
	local other created rc=0
	mkfifo "$FAKE/creator"
	mkdir_then 'ln -s "$FAKE/creator" "$made/creator"'
	runX_beside create --bundle "$bundle" c1
	until [ -e "/proc/$beside/fd/8" ]; do [ -d "/proc/$beside" ]; done
	# It waits for a reader of the FIFO. Meanwhile it is deleted, and another create begins.
	rm -r "$RUNX_ROOT/c1"
	"$(command -v -p mkdir)" "$RUNX_ROOT/c1"
	sleep 300 3>&- &
	other=$!
	awk -v pid=$other '{ print 7, pid, $22 }' /proc/$other/stat >"$RUNX_ROOT/c1/proxy"
	cat "$FAKE/creator" >/dev/null
	beside_ends 1
	grep -qx 'runX: container c1: somebody deleted it while it was created' "$FAKE/beside"
	[ "$(ls "$RUNX_ROOT/c1")" = proxy ]
	kill $other
}

@test "beside: a create that does not end when delete tells it to is killed" {
	local began line
	# A process ignores from its first moment what its parent ignores. One that is stopped instead may get TERM before it stops.
	trap '' TERM
	sleep 300 &
	began=$!
	trap - TERM
	mkdir -p "$RUNX_ROOT/c1"
	read -r line <"/proc/$began/stat"
	# shellcheck disable=SC2086 # fields of numbers
	set -- ${line##*) }
	echo "$began ${20}" >"$RUNX_ROOT/c1/creator"
	# It has the claim, for this stand-in.
	rm "$FAKE/libexec/claim"
	cat >"$FAKE/libexec/claim" <<-END
		#!/bin/sh
		[ "\$3" = true ] || exec "$top/out/$(uname -m)/claim" "\$@"
		echo "claim \$*" >>"\$FAKE/calls"
		[ "\$(grep -c '^claim' "\$FAKE/calls")" -gt 1 ] || exit 121
	END
	chmod 755 "$FAKE/libexec/claim"
	runX delete --force c1
	succeeds
	[ "$(calls claim)" -eq 2 ]
	is_over "$began"
	nothing_left
}

@test "beside: state and list show nothing of a create that has not finished" {
	in_state created
	rm "$RUNX_ROOT/c1/created"
	runX state c1
	fails_with 'container c1: container does not exist (its create has not finished)'
	runX list --quiet
	[ -z "$output" ]
	runX start c1
	fails_with 'cannot start a container that is creating'
}

@test "beside: a container is not stopped while its guardian works, or while its VM lives" {
	in_state running
	end_process "$(cat "$BATS_TEST_TMPDIR/pid")"
	: >"$FAKE/calls"
	# The guardian's mark comes while state waits.
	runX state c1
	[ "$(jq -r .status <<<"$output")" = stopped ]
	[ "$(cat "$FAKE/calls")" = 'control wait 10' ]
	# Now it costs no process.
	: >"$FAKE/calls"
	runX state c1
	[ "$(jq -r .status <<<"$output")" = stopped ]
	[ ! -s "$FAKE/calls" ]
	# A guardian that was killed leaves no mark. Then only xl knows.
	rm "$RUNX_ROOT/c1/destroyed"
	cp "$RUNX_ROOT/c1/uuid" "$FAKE/domains"
	: >"$FAKE/no-guardian"
	runX state c1
	[ "$(jq -r .status <<<"$output")" = running ]
	runX delete c1
	fails_with 'that is not stopped: running'
	XL_FAIL=list runX state c1
	[ "$(jq -r .status <<<"$output")" = running ]
	: >"$FAKE/domains"
	runX state c1
	[ "$(jq -r .status <<<"$output")" = stopped ]
}

@test "beside: state that a delete overtakes tells that there is no container" {
	in_state running
	rm "$RUNX_ROOT/c1/state"
	runX state c1
	fails_with 'container c1: container does not exist'
}

@test "beside: a resume waits for the pause that is at work, and then lets the VM run on" {
	in_state running
	waits_at xl '"pause "*'
	begin pause c1
	runX_beside resume c1
	awaits_lock
	go_on
	ends 0
	beside_ends 0
	[ "$(grep '^xl ' "$FAKE/calls" | tail -n 2 | xargs)" = 'xl pause 7 xl unpause 7' ]
	[ ! -e "$RUNX_ROOT/c1/paused" ]
}

@test "beside: of two pauses one pauses, and the other is told" {
	in_state running
	waits_at xl '"pause "*'
	begin pause c1
	runX pause c1
	fails_with 'container c1: container paused already'
	go_on
	ends 0
	[ "$(calls 'xl pause')" -eq 1 ]
	[ -f "$RUNX_ROOT/c1/paused" ]
}

@test "beside: of two updates the second keeps what the first has changed" {
	in_state running
	waits_at xl '"mem-set "*'
	begin update --memory 64m c1
	runX_beside update --cpu-share 512 c1
	awaits_lock
	go_on
	ends 0
	beside_ends 0
	[ "$(calls 'xl mem-set')" -eq 1 ]
	runX update --memory 64m c1
	succeeds
	[ "$(calls 'xl mem-set')" -eq 1 ]
}

@test "beside: of a create that is killed while jq works, nothing holds the claim" {
	mkfifo "$FAKE/there"
	printf '#!/bin/sh\necho >"$FAKE/there"\nexec sleep 300\n' >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	begin create --bundle "$bundle" c1
	kill -9 "$runx"
	rm "$FAKE/bin/jq"
	timeout 20 "$top/runX" delete --force c1 3>&-
	nothing_left
}
