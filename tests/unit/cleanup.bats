#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Nothing is left, whatever happens to create, run, start and delete: signals, and a host that is full or read-only.

load helpers
load waiting

@test "cleanup: a create that a signal ends leaves nothing" {
	local signal
	waits_at xl '"create "*'
	for signal in HUP:129 INT:130 QUIT:131 TERM:143; do
		begin create --bundle "$bundle" c1
		kill -"${signal%:*}" "$runx"
		go_on
		ends "${signal#*:}"
		nothing_left
	done
}

# ends_at_once SIGNAL:STATUS: the runX of begin, whose program hangs, ends by this signal to it alone
ends_at_once() {
	kill -"${1%:*}" "$runx"
	ends "${1#*:}"
}

@test "cleanup: a create that a signal ends does not wait for an xl that hangs, nor for a hook" {
	local signal
	hangs_at xl '"create "*'
	for signal in HUP:129 INT:130 QUIT:131 TERM:143; do
		begin create --bundle "$bundle" c1
		ends_at_once $signal
		nothing_left
	done
	ln -sf "$top/tests/unit/fake/xl" "$FAKE/bin/xl"
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >'"$FAKE"'/hook; echo >'"$FAKE"'/there; exec sleep 300"]}]'
	begin create --bundle "$bundle" c1
	ends_at_once TERM:143
	nothing_left
	is_over "$(cat "$FAKE/hook")"
}

# proxy_waits: the proxy waits for the domain as long as it lives, and tells $FAKE/waiting its process id
proxy_waits() {
	mkfifo "$FAKE/waiting"
	rm "$FAKE/libexec/proxy"
	printf '%s\n' '#!/bin/sh' 'echo $$ >"$FAKE/waiting"' 'exec sleep 300' >"$FAKE/libexec/proxy"
	chmod 755 "$FAKE/libexec/proxy"
}

@test "cleanup: what waits beside xl for the domain ends with a create whose xl fails, or that a signal ends" {
	local proxy
	proxy_waits
	hangs_at xl '"create "*'
	XL_FAIL=create XL_SAYS='libxl: error: libxl_create.c:1:x: no' begin create --bundle "$bundle" c1
	read -r proxy <"$FAKE/waiting"
	go_on
	ends 1
	[ "$(cat "$FAKE/said")" = 'runX: xl cannot create the VM: no' ]
	nothing_left
	is_over "$proxy"
	begin create --bundle "$bundle" c1
	read -r proxy <"$FAKE/waiting"
	ends_at_once TERM:143
	nothing_left
	is_over "$proxy"
}

@test "cleanup: a file server that cannot start ends the create, and the proxy that waits for it" {
	local proxy
	proxy_waits
	hangs_at files '*'
	FILES_FAIL='no tree' begin create --bundle "$bundle" c1
	read -r proxy <"$FAKE/waiting"
	go_on
	ends 1
	[ "$(cat "$FAKE/said")" = 'runX: runX create failed: no tree' ]
	nothing_left
	is_over "$proxy"
}

@test "cleanup: a create that is stopped ends at once by delete --force" {
	hangs_at xl '"create "*'
	begin create --bundle "$bundle" c1
	kill -STOP "$runx"
	runX delete --force c1
	succeeds
	# By SIGTERM: SIGKILL comes only after END_SECONDS.
	ends 143
	nothing_left
}

# quick_tempered: xl gets one second for an answer
quick_tempered() {
	cp -r "$top/lib" "$BATS_TEST_TMPDIR/lib"
	sed -i 's/^TOOL_SECONDS=60$/TOOL_SECONDS=1/' "$BATS_TEST_TMPDIR/lib/common.sh"
	export RUNX_LIBDIR=$BATS_TEST_TMPDIR/lib
	grep -q '^TOOL_SECONDS=1$' "$RUNX_LIBDIR/common.sh"
}

@test "cleanup: an xl that gives no answer is not waited for" {
	quick_tempered
	runX create --bundle "$bundle" c1
	runX start c1
	rm "$FAKE/bin/xl"
	printf '#!/bin/sh\nexec sleep 300\n' >"$FAKE/bin/xl"
	chmod 755 "$FAKE/bin/xl"
	runX pause c1
	fails_with 'container c1: xl can neither pause its domain 7 nor unpause it (xl list shows whether it is there; if so, runX resume)'
	runX events --stats c1
	fails_with 'container c1: xl list does not show its domain 7'
	touch "$FAKE/no-guardian"
	runX delete --force c1
	fails_with 'xl cannot list the domains, so container c1 may still have one (try xl list, then delete it again)'
	ln -sf "$top/tests/unit/fake/xl" "$FAKE/bin/xl"
	runX delete --force c1
	succeeds
	nothing_left
}

@test "cleanup: a create that a signal ends does not wait for a disk image" {
	printf 'rootfs = disk\n' >>"$RUNX_CONF"
	printf '#!/bin/sh\necho >"$FAKE/there"\nexec sleep 300\n' | tee "$FAKE/bin/mksquashfs" >"$FAKE/bin/mkfs.ext4"
	chmod 755 "$FAKE/bin/mksquashfs" "$FAKE/bin/mkfs.ext4"
	mkfifo "$FAKE/there"
	begin create --bundle "$bundle" c1
	ends_at_once TERM:143
	config '.root.readonly = false'
	begin create --bundle "$bundle" c1
	ends_at_once TERM:143
	nothing_left
}

@test "cleanup: a start that a signal ends does not wait for an xl, a VM or a hook that hangs" {
	local signal
	hangs_at xl '"unpause "*'
	for signal in HUP:129 INT:130 QUIT:131 TERM:143; do
		in_state created
		begin start c1
		ends_at_once $signal
		[ "$(tail -n 2 "$FAKE/calls" | xargs)" = 'control signal 9 control wait 60' ]
		runX delete --force c1
		nothing_left
	done
	ln -sf "$top/tests/unit/fake/xl" "$FAKE/bin/xl"
	hangs_at control '*" start"'
	in_state created
	begin start c1
	ends_at_once TERM:143
	runX delete --force c1
	ln -sf "$top/tests/unit/fake/control" "$FAKE/libexec/control"
	config '.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >'"$FAKE"'/hook; echo >'"$FAKE"'/there; exec sleep 300"]}]'
	in_state created
	begin start c1
	ends_at_once TERM:143
	is_over "$(cat "$FAKE/hook")"
	runX delete --force c1
	nothing_left
}

@test "cleanup: a run that a signal ends does not wait for a VM that hangs" {
	hangs_at control '*" start"'
	begin run --detach --bundle "$bundle" c1
	ends_at_once TERM:143
	nothing_left
}

@test "cleanup: an exec that a signal ends leaves neither its description nor its program" {
	local signal
	in_state running
	hangs_at exec '*'
	for signal in HUP:129 INT:130 QUIT:131 TERM:143; do
		begin exec --detach c1 true
		[ -n "$(ls "$RUNX_ROOT/c1" | grep '^exec')" ]
		ends_at_once $signal
		[ -z "$(ls "$RUNX_ROOT/c1" | grep '^exec')" ]
	done
}

@test "cleanup: an exec whose pid file cannot be written leaves no process" {
	local pid
	in_state running
	EXEC_RUN='exec sleep 3000 >/dev/null 2>&1' runX exec --detach --pid-file /nowhere/pid c1 true
	fails_with 'cannot write the pid file /nowhere/pid'
	# It is a shell first.
	for pid in $(pgrep -f '/alive"; eval|^sleep 3000'); do
		! grep -qsxz "FAKE=$FAKE" "/proc/$pid/environ" || is_over "$pid"
	done
}

@test "cleanup: an exec removes the descriptions that killed execs have left, and no other" {
	in_state running
	: >"$RUNX_ROOT/c1/exec.4194305"
	: >"$RUNX_ROOT/c1/exec.$$"
	runX exec --detach c1 true
	succeeds
	[ "$(cd "$RUNX_ROOT/c1" && echo exec*)" = "exec.$$" ]
}

@test "cleanup: a second signal does not stop the removal" {
	waits_at control '*" wait "*'
	PROXY_FAIL=bad begin create --bundle "$bundle" c1
	kill -TERM "$runx"
	go_on
	ends 1
	nothing_left
}

@test "cleanup: a run that a signal ends before its process runs leaves nothing" {
	local signal
	waits_at control '*" start"'
	for signal in HUP:129 INT:130 TERM:143; do
		begin run --detach --bundle "$bundle" c1
		kill -"${signal%:*}" "$runx"
		go_on
		ends "${signal#*:}"
		nothing_left
	done
}

@test "cleanup: a run in the foreground that is told to end while it makes the VM leaves nothing" {
	waits_at xl '"create "*'
	begin run --bundle "$bundle" c1
	kill -TERM "$runx"
	# The signal has reached the command when the program has read it: then it is no longer pending.
	while grep -qE '^ShdPnd:.*4[0-9a-f]{3}$' "/proc/$runx/status"; do :; done
	go_on
	ends 143
	nothing_left
}

@test "cleanup: a run in the foreground that is killed while it makes the VM leaves nothing" {
	local before
	before=$(ls -d /run/runX.* 2>/dev/null || :)
	hangs_at xl '"create "*'
	begin run --bundle "$bundle" c1
	kill -9 "$runx"
	ends 137
	timeout 20 sh -c 'while [ -d "$1" ]; do sleep 0.05; done' sh "$RUNX_ROOT/c1"
	nothing_left
	[ "$(ls -d /run/runX.* 2>/dev/null || :)" = "$before" ]
}

# sweep kill --seed 1113: exec, SIGPIPE to the command
@test "cleanup: a SIGPIPE to create, start, exec or delete ends no wait" {
	piped_at xl '"create "*' create --bundle "$bundle" c1
	piped_at xl '"unpause "*' start c1
	piped_at exec '*' exec --detach c1 true
	piped_at control '*" wait "*' delete --force c1
	nothing_left
}

# piped_at PROGRAM CALL VERB…: a SIGPIPE to runX while it waits for the program, which ends well
piped_at() {
	waits_at "$1" "$2"
	shift 2
	begin "$@"
	kill -PIPE "$runx"
	go_on
	ends 0
}

@test "cleanup: a start that a signal ends has ended the container" {
	in_state created
	waits_at xl '"unpause "*'
	begin start c1
	kill -TERM "$runx"
	go_on
	ends 143
	[ "$(tail -n 2 "$FAKE/calls" | xargs)" = 'control signal 9 control wait 60' ]
}

@test "cleanup: a delete that gets a signal goes on to its end" {
	in_state stopped
	waits_at control '*" wait "*'
	begin delete c1
	kill -TERM "$runx"
	kill -INT "$runx"
	go_on
	ends 0
	nothing_left
}

# without_reader COMMAND…: runs the command with a stderr whose reader has gone, and with the default for SIGPIPE
without_reader() {
	perl -e 'pipe(R, W); close R; open STDERR, ">&", \*W; $SIG{PIPE} = "DEFAULT"; exec @ARGV' "$@" </dev/null
}

@test "cleanup: a create whose stderr has no reader leaves nothing, and its reason is in the log" {
	config '.hooks.prestart = [{path: "/bin/false"}]'
	# shellcheck disable=SC2086 # "busybox sh" is two words
	run without_reader ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json create --bundle "$bundle" c1
	[ "$status" -eq 1 ]
	nothing_left
	grep -q 'error running prestart hook #0' "$log"
	config 'del(.hooks) | .process.capabilities.bounding += ["CAP_FUTURE"]'
	# shellcheck disable=SC2086
	run without_reader ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json create --bundle "$bundle" c1
	succeeds
	grep -q '"level":"warning".*CAP_FUTURE' "$log"
}

@test "cleanup: a delete whose stderr has no reader says nothing, and removes all" {
	config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo >>'"$FAKE"'/hooks; exit 1"]}]'
	in_state stopped
	# shellcheck disable=SC2086
	run without_reader ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json delete c1
	succeeds
	nothing_left
	[ "$(wc -l <"$FAKE/hooks")" -eq 1 ]
	grep -q 'poststop' "$log"
}

# small_root INODES: the state directory becomes a file system with this many inodes
small_root() {
	[ "$(id -u)" -eq 0 ] || skip 'only root mounts a file system'
	mkdir -p "$RUNX_ROOT"
	mount -t tmpfs -o "nr_inodes=$1" runX "$RUNX_ROOT"
}

fill_root() {
	local n=0
	while : >"$RUNX_ROOT/fill.$n"; do n=$((n + 1)); done 2>/dev/null
}

teardown() {
	umount "$RUNX_ROOT" 2>/dev/null || :
}

@test "cleanup: a create that runs out of inodes leaves nothing" {
	local inodes
	for inodes in 2 3 4 5 6 7 8 9 10; do
		small_root "$inodes"
		runX create --bundle "$bundle" c1
		[ "$status" -eq 1 ]
		nothing_left
		umount "$RUNX_ROOT"
	done
}

@test "cleanup: delete --force needs no inode" {
	local pid
	small_root 40
	in_state running
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	fill_root
	runX delete --force c1
	succeeds
	[ ! -d "$RUNX_ROOT/c1" ]
	[ ! -s "$FAKE/domains" ]
	is_over "$pid"
}

@test "cleanup: on a read-only state directory delete --force ends the VM, and says what it cannot do" {
	small_root 40
	in_state running
	mount -o remount,ro "$RUNX_ROOT"
	runX delete --force c1
	fails_with "container c1: cannot remove its state directory $RUNX_ROOT/c1, but its VM is gone (is it read-only?)"
	is_over "$(cat "$BATS_TEST_TMPDIR/pid")"
	[ ! -s "$FAKE/domains" ]
	mount -o remount,rw "$RUNX_ROOT"
	runX delete c1
	succeeds
	nothing_left
}

# closed VERB WORDS…: runs runX with each of its standard streams closed, and with all
closed() {
	local shell="${RUNX_SHELL:-dash}"
	case $1 in
	stdin) shift && $shell "$top/runX" "$@" <&- ;;
	stdout) shift && $shell "$top/runX" "$@" </dev/null >&- ;;
	stderr) shift && $shell "$top/runX" "$@" </dev/null 2>&- ;;
	all) shift && $shell "$top/runX" "$@" <&- >&- 2>&- ;;
	esac
}

@test "cleanup: closed standard streams change nothing of what the verbs do" {
	local what
	for what in stdin stdout stderr all; do
		closed $what create --bundle "$bundle" c1 3>&-
		closed $what start c1
		[ "$(calls 'control start')" -eq 1 ]
		closed $what kill c1 TERM
		[ "$(calls 'control signal 15')" -eq 1 ]
		closed $what delete --force c1
		nothing_left
		: >"$FAKE/calls"
	done
	config '.process.args = ["nosuch"]'
	for what in stdin stdout stderr all; do
		closed $what --log "$log" create --bundle "$bundle" c1 3>&- && return 1
		nothing_left
	done
	[ "$(grep -c 'executable file not found' "$log")" -eq 4 ]
}

@test "cleanup: with too few descriptors a verb fails or succeeds, and does not hang" {
	local most
	for most in 12 14 15 16 17 18 20 24; do
		# bats has some open above.
		(ulimit -n $most && timeout 30 ${RUNX_SHELL:-dash} "$top/runX" create --bundle "$bundle" c1) </dev/null >"$FAKE/said" 2>&1 3>&- 4>&- ||
			[ $? -ne 124 ] || { echo "it hangs with $most" && return 1; }
		runX delete --force c1
		succeeds
		nothing_left
	done
}

@test "cleanup: records that are cut or have anything in them do not stop delete, nor what asks" {
	local garbage verb
	for garbage in '' garbage 'a b' '7 ../self 5' '- 1' $'\001\377 \\x "$(id)" \'x'; do
		mkdir -p "$RUNX_ROOT/c1"
		printf '%s\n' "$garbage" | tee "$RUNX_ROOT/c1/proxy" "$RUNX_ROOT/c1/creator" >"$RUNX_ROOT/c1/started"
		: >"$RUNX_ROOT/c1/created"
		for verb in state kill start list ps; do
			# shellcheck disable=SC2046 # list has no word
			runX $verb $([ $verb = list ] || echo c1)
			[ "$status" -le 1 ] || { echo "$verb, $garbage: $output" && return 1; }
			[[ $output != *'not set'* ]]
		done
		runX delete --force c1
		succeeds
		nothing_left
	done
}

@test "cleanup: an xl destroy that fails once is tried again" {
	mkdir -p "$RUNX_ROOT/c1"
	echo 11111111-2222-3333-4444-555555555555 | tee "$RUNX_ROOT/c1/uuid" >"$FAKE/domains"
	rm "$FAKE/bin/xl"
	cat >"$FAKE/bin/xl" <<-END
		#!/bin/sh
		[ "\$1" != destroy ] || [ -f "\$FAKE/tried" ] || { : >"\$FAKE/tried"; exit 1; }
		exec "$top/tests/unit/fake/xl" "\$@"
	END
	chmod 755 "$FAKE/bin/xl"
	runX delete --force c1
	succeeds
	nothing_left
}

@test "cleanup: xl gets no descriptor of the caller" {
	rm "$FAKE/bin/xl"
	cat >"$FAKE/bin/xl" <<-END
		#!/bin/sh
		for fd in 3 4 5 6 7 8 9; do [ ! -e "/proc/\$\$/fd/\$fd" ] || echo "\$1 \$fd" >>"\$FAKE/open"; done
		exec "$top/tests/unit/fake/xl" "\$@"
	END
	chmod 755 "$FAKE/bin/xl"
	runX create --bundle "$bundle" c1 4</dev/null 6</dev/null 9</
	succeeds
	runX start c1 4</dev/null 6</dev/null 9</
	succeeds
	runX pause c1 6</dev/null
	succeeds
	config '.mounts += [{destination: "/data", type: "bind", source: "'"$bundle"'", options: ["rbind"]}]'
	runX create --bundle "$bundle" c2 6</dev/null
	succeeds
	[ ! -e "$FAKE/open" ] || { cat "$FAKE/open" && return 1; }
	runX delete --force c2
}
