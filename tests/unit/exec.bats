#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: what it asks the VM for, and what stays in the foreground; with stand-ins for all of Xen.

load helpers

# described RECORD…: the last exec's description has exactly these records, and the one about stdin, which is /dev/null
described() {
	[ "$(grep -vx stdin=null "$FAKE/description")" = "$(printf '%s\n' "$@")" ] || { cat "$FAKE/description" && return 1; }
}

@test "exec: the process gets its arguments unchanged" {
	in_state running
	runX exec --detach c1 sh -c 'a "b" \n' ''
	succeeds
	described arg=sh arg=-c 'arg=a "b" \n' arg=
}

@test "exec: options come before the id; all words after it are the process's" {
	in_state running
	runX exec -d -e A=1 --env 'B=two words=\x' --cwd /tmp --user 5:6 -g 7 --additional-gids=8 --no-new-privs c1 ls -d
	succeeds
	described env=A=1 'env=B=two words=\x' cwd=/tmp uid=5 gid=6 group=7 group=8 no_new_privileges=true arg=ls arg=-d
}

@test "exec: a user without a group keeps the container's" {
	in_state running
	runX exec -d -u 5 c1 id
	succeeds
	described uid=5 arg=id
}

@test "exec: a stream that is /dev/null is /dev/null for the process, too, unless it has a terminal" {
	in_state running
	runX exec -d c1 id
	[ "$(cat "$FAKE/description")" = "$(printf '%s\n' stdin=null arg=id)" ]
	run sh -c '"$1" exec -d c1 id </dev/zero >/dev/null 2>&1' sh "$top/runX"
	[ "$(cat "$FAKE/description")" = "$(printf '%s\n' stdout=null stderr=null arg=id)" ]
	runX exec -d --tty --console-socket /s c1 sh
	[ "$(cat "$FAKE/description")" = "$(printf '%s\n' terminal=true arg=sh)" ]
}

@test "exec: --cap adds capabilities to those of the container" {
	in_state running
	runX exec -d --cap CAP_KILL -c CAP_CHOWN c1 id
	succeeds
	described capability.add=33 arg=id
	runX exec -d --cap NONSENSE --cap CAP_KILL c1 id
	succeeds
	[ "$output" = 'runX: warning: --cap: unknown capability: NONSENSE (ignored)' ]
	described capability.add=32 arg=id
	runX exec -d --cap KILL c1 id
	succeeds
	described capability.add=0 arg=id
}

@test "exec: the pid file has the pid without a newline, and its path is relative to the caller's directory" {
	in_state running
	cd "$BATS_TEST_TMPDIR"
	EXEC_RUN='exec sleep 100 >/dev/null 2>&1' runX exec -d --pid-file exec.pid c1 true
	succeeds
	[ "$(wc -l <exec.pid)" -eq 0 ]
	kill "$(cat exec.pid)"
}

@test "exec: --process describes a whole process, which inherits nothing from the container's" {
	in_state running
	jq '.process | .args = ["id"] | .cwd = "/x" | .env = ["A=b"] | .user = {uid: 3, gid: 4} | .capabilities = {} | .terminal = false | .ioPriority = {class: "IOPRIO_CLASS_IDLE"}' \
		"$bundle/config.json" >"$BATS_TEST_TMPDIR/process.json"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" c1
	succeeds
	grep -qx io_priority=24576 "$FAKE/description"
	[ "$(head -n 6 "$FAKE/description")" = "$(printf '%s\n' process= arg=id env=A=b cwd=/x uid=3 gid=4)" ]
}

@test "exec: --process takes the place of the options about the process, also of --cap" {
	in_state running
	echo '{"args": ["sh"], "cwd": "/"}' >"$BATS_TEST_TMPDIR/process.json"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" c1
	succeeds
	cp "$FAKE/description" "$BATS_TEST_TMPDIR/alone"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" --cap CAP_KILL --cap NONSENSE --user 5 --env A=b --cwd /x --no-new-privs c1
	succeeds
	diff "$BATS_TEST_TMPDIR/alone" "$FAKE/description"
}

@test "exec: --process with CPUs of the host is warned about" {
	in_state running
	echo '{"args": ["sh"], "cwd": "/", "execCPUAffinity": {"initial": "0"}}' >"$BATS_TEST_TMPDIR/process.json"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" c1
	succeeds
	[ "$output" = 'runX: warning: process.execCPUAffinity is ignored: a VM numbers its own CPUs' ]
	echo '{"args": ["sh"], "cwd": "/", "execCPUAffinity": {"initial": "", "final": null}}' >"$BATS_TEST_TMPDIR/process.json"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" c1
	succeeds
	[ -z "$output" ]
	echo '{"args": ["sh"], "cwd": "/", "execCPUAffinity": 1}' >"$BATS_TEST_TMPDIR/process.json"
	runX exec --detach --process "$BATS_TEST_TMPDIR/process.json" c1
	fails_with 'process.execCPUAffinity: must be an object'
}

@test "exec: --process can be a pipe" {
	in_state running
	# shellcheck disable=SC2016 # variables of the inner shell
	run bash -c '"$0" exec --detach --process <(echo "{\"args\": [\"id\"], \"cwd\": \"/\"}") c1' "$top/runX"
	succeeds
	grep -qx arg=id "$FAKE/description"
}

@test "exec: --process that is not a process" {
	in_state running
	printf '{"args": [], "cwd": "/"}' >"$BATS_TEST_TMPDIR/p"
	runX exec --detach --process "$BATS_TEST_TMPDIR/p" c1
	fails_with 'process.args: must not be empty'
	printf '{' >"$BATS_TEST_TMPDIR/p"
	runX exec --detach --process "$BATS_TEST_TMPDIR/p" c1
	fails_with 'not JSON'
	runX exec --detach --process /nowhere c1
	fails_with '/nowhere: no such file'
	[ "$status" -eq 255 ]
}

@test "exec: a terminal needs a console socket, and a console socket a terminal" {
	in_state running
	runX exec --detach --tty c1 sh
	fails_with 'cannot allocate tty if runX will detach without setting console socket'
	runX exec --detach --console-socket /s c1 sh
	fails_with 'cannot use console socket if runX will not detach or allocate tty'
	runX exec --console-socket /s --tty c1 sh
	fails_with 'cannot use console socket if runX will not detach or allocate tty'
	runX exec --detach --tty --console-socket /s c1 sh
	succeeds
	described terminal=true arg=sh
	grep -q '^exec .*-c /s' "$FAKE/calls"
}

@test "exec: the VM's reason of a failure is the error, with status 255" {
	in_state running
	EXEC_FAIL='unable to start container process: exec: "x": executable file not found in $PATH' runX exec -d c1 x
	fails_with 'exec failed: unable to start container process: exec: "x": executable file not found in $PATH'
	[ "$status" -eq 255 ]
	[ -z "$(find "$RUNX_ROOT/c1" -name 'exec.*')" ]
}

@test "exec: in the foreground it ends with the process's status" {
	in_state running
	EXEC_RUN='exit 42' runX exec c1 true
	[ "$status" -eq 42 ]
	# shellcheck disable=SC2016 # variables of the container process
	EXEC_RUN='kill -15 $$' runX exec c1 true
	[ "$status" -eq 143 ]
	EXEC_FAIL='no' runX exec c1 true
	fails_with 'exec failed: no'
	[ "$status" -eq 255 ]
}

@test "exec: in the foreground it passes signals on to the process" {
	in_state running
	mkfifo "$BATS_TEST_TMPDIR/ready"
	# shellcheck disable=SC2016 # variables of the container process
	EXEC_RUN='trap "kill \$!; exit 7" USR1; sleep 100 & echo >"$RUNX_ROOT/../ready"; wait' \
		"$top/runX" exec c1 true </dev/null 3>&- &
	read -r _ <"$BATS_TEST_TMPDIR/ready"
	kill -USR1 $!
	status=0
	wait $! || status=$?
	[ "$status" -eq 7 ]
}

@test "exec: what the program foreground says reaches nobody else" {
	in_state running
	# shellcheck disable=SC2016 # variables of the container process
	EXEC_RUN='env >"$FAKE/env"' runX exec c1 true
	succeeds
	grep -q '^RUNX_LIBEXEC=' "$FAKE/env"
	! grep '^RUNX_FOREGROUND' "$FAKE/env" || return 1
}

@test "exec: the reason why the helper of the foreground failed comes as every other" {
	in_state running
	RUNX_FOREGROUND_FAILED='cannot make a place for the pid: Too many open files' runX exec -d c1 true
	fails_with 'cannot make a place for the pid: Too many open files'
	[ "$status" -eq 255 ]
}

@test "exec: bad arguments" {
	in_state running
	runX exec -d c1
	fails_with 'process args cannot be empty'
	runX exec -d --user root c1 sh
	fails_with '--user root: must be UID or UID:GID'
	runX exec -d --cwd tmp c1 sh
	fails_with '--cwd tmp: must be an absolute path'
	runX exec -d -g x c1 sh
	fails_with '--additional-gids x: must be a number'
	runX exec -d --nonsense c1 sh
	fails_with 'unknown option: --nonsense'
	runX exec -d
	fails_with 'container id: none given'
	runX exec -d --preserve-fds 2 c1 sh
	fails_with '--preserve-fds 2: runX cannot give file descriptors to a VM'
	[ "$(calls exec)" -eq 0 ]
}

@test "exec: several JSON documents in one process.json are refused" {
	in_state running
	echo '{"args": ["a"], "cwd": "/"} {"args": ["b"], "cwd": "/"}' >"$BATS_TEST_TMPDIR/process.json"
	runX exec --process "$BATS_TEST_TMPDIR/process.json" c1
	fails_with "$BATS_TEST_TMPDIR/process.json: has 2 JSON documents, and must have only one"
}

@test "exec: what is wrong in a --process that is a pipe is told, and it is read once" {
	in_state running
	mkfifo "$BATS_TEST_TMPDIR/process"
	echo '{"cwd": "/", "args": "no array"}' >"$BATS_TEST_TMPDIR/process" &
	runX exec -d --process "$BATS_TEST_TMPDIR/process" c1
	fails_with 'process.args: must be an array of strings'
}
