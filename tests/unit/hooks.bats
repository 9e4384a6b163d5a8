#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks: when each kind runs, what it gets, and what its failure does; with stand-ins for xl and the proxy.

load helpers

KINDS='prestart createRuntime createContainer poststart poststop'

# script NAME LINE…: makes an executable in $BATS_TEST_TMPDIR; $script is its path
script() {
	script=$BATS_TEST_TMPDIR/$1
	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$script"
	chmod 755 "$script"
}

# noting: makes a hook that notes its argument, status, pid and id of the state, and whether the pid file exists
noting() {
	script note "jq -r --arg kind \"\$1\" '\"\\(\$kind) \\(.status) \\(.pid) \\(.id)\"' >>$BATS_TEST_TMPDIR/notes" \
		"[ ! -e $BATS_TEST_TMPDIR/pid ] || echo pid-file >>$BATS_TEST_TMPDIR/notes"
}

# hooked KIND [JSON]: adds the last script as a hook of that kind, with these members
hooked() {
	config ".hooks.$1 += [{path: \"$script\"} + (${2:-{\}})]"
}

notes() {
	cat "$BATS_TEST_TMPDIR/notes" 2>/dev/null || :
}

create() {
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
}

# keeping: makes a hook that keeps its arguments, environment, directory and state
keeping() {
	script keep "cd '$BATS_TEST_TMPDIR'" 'tr "\0" "\n" </proc/$$/cmdline >args' \
		'tr "\0" "\n" </proc/$$/environ >env' 'echo "$OLDPWD" >cwd' 'cat >state'
}

@test "hooks: each kind runs at its time, in its order, with the state" {
	local pid
	noting
	for kind in $KINDS; do
		hooked "$kind" "{args: [\"x\", \"$kind-0\"]}"
		hooked "$kind" "{args: [\"x\", \"$kind-1\"]}"
	done
	create
	succeeds
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	rm "$BATS_TEST_TMPDIR/pid"
	[ "$(notes)" = "prestart-0 creating $pid c1
prestart-1 creating $pid c1
createRuntime-0 creating $pid c1
createRuntime-1 creating $pid c1
createContainer-0 creating $pid c1
createContainer-1 creating $pid c1" ]
	runX start c1
	succeeds
	[ "$(notes | tail -n +7)" = "poststart-0 running $pid c1
poststart-1 running $pid c1" ]
	runX delete --force c1
	succeeds
	[ "$(notes | tail -n +9)" = "poststop-0 stopped 0 c1
poststop-1 stopped 0 c1" ]
	nothing_left
}

@test "hooks: without hooks nothing is written and nothing runs" {
	config '.hooks = {prestart: [], poststop: null, startContainer: []}'
	rm "$FAKE/libexec/hook"
	create
	succeeds
	[ ! -e "$RUNX_ROOT/c1/hooks" ]
	runX start c1
	succeeds
	runX delete --force c1
	succeeds
}

@test "hooks: the state on stdin is what runX state prints" {
	config '.annotations = {"a": "$HOME `id` \\ \"é\"\n"}'
	keeping
	hooked createRuntime
	create
	succeeds
	runX state c1
	[ "$(jq -S '.status = "creating"' <<<"$output")" = "$(jq -S . "$BATS_TEST_TMPDIR/state")" ]
	[ "$(jq -r .bundle "$BATS_TEST_TMPDIR/state")" = "$(cat "$BATS_TEST_TMPDIR/cwd")" ]
}

@test "hooks: a large state, to a hook that does not read it and to one that does" {
	config '.annotations = {"a": ("x" * 100000)}'
	script lazy 'exit 0'
	hooked createRuntime
	keeping
	hooked createRuntime
	create
	succeeds
	[ "$(jq '.annotations.a | length' "$BATS_TEST_TMPDIR/state")" -eq 100000 ]
}

# The hook is not a script, because the kernel replaces a script's argv[0].
@test "hooks: arguments and environment come byte for byte, argv[0] too" {
	script=$(command -v bash)
	hooked createRuntime '{
		args: ["argv zero", "-c", "cp /proc/$$/environ environ; tr \"\\0\" \"|\" </proc/$$/cmdline >args; exit",
			"", "a b", "q\"'"'"'q", "back\\slash\\n", "new\nhook x\nline", "%d $HOME `id`", "-e", "é☃"],
		env: ["PATH=/usr/bin:/bin", "A=", "B=x\ny", "C='"'"'\\n $A"]}'
	create
	succeeds
	jq -j '.hooks.createRuntime[0].args[] | . + "|"' "$bundle/config.json" | cmp - "$bundle/args"
	jq -j '.hooks.createRuntime[0].env[] | . + "\u0000"' "$bundle/config.json" | cmp - "$bundle/environ"
}

@test "hooks: without args the path is argv[0], and without env it inherits" {
	export INHERITED=yes
	keeping
	hooked createRuntime
	create
	succeeds
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/args")" = "$script" ]
	grep -qx INHERITED=yes "$BATS_TEST_TMPDIR/env"
}

@test "hooks: of a variable that stands twice only the last entry reaches a hook, on the host and in the guest" {
	local env='["PATH=/x", "A=1", "AB=\u00e9=2", "A", "A=3", "", "PATH=/usr/bin:/bin", "A"]'
	local wanted=$'AB=\u00e9=2\nA\nA=3\nPATH=/usr/bin:/bin\nA'
	script=$(command -v cp)
	hooked createRuntime "{args: [\"cp\", \"/proc/self/environ\", \"$BATS_TEST_TMPDIR/env\"], env: $env}"
	hooked startContainer "{env: $env}"
	create
	succeeds
	[ "$(tr '\0' '\n' <"$BATS_TEST_TMPDIR/env")" = "$wanted" ] || { cat -v "$BATS_TEST_TMPDIR/env" && return 1; }
	[ "$(records hook.env)" = "$wanted" ]
}

@test "hooks: an empty env is an empty environment" {
	export INHERITED=yes
	script env 'PATH=/usr/bin:/bin' "cat /proc/\$\$/environ >'$BATS_TEST_TMPDIR/env'"
	hooked createRuntime '{env: []}'
	create
	succeeds
	[ -e "$BATS_TEST_TMPDIR/env" ] && [ ! -s "$BATS_TEST_TMPDIR/env" ]
}

@test "hooks: they get neither runX's stdio nor its other descriptors" {
	script=$(command -v find)
	# find itself opens the other descriptors that it shows: the directory, and its output.
	hooked createRuntime "{args: [\"find\", \"/proc/self/fd\", \"-fprintf\", \"$BATS_TEST_TMPDIR/fds\", \"%f %l\\n\"]}"
	script print 'echo to-stdout' 'echo to-stderr >&2' 'yes | head -c 1000000 >&2'
	hooked createRuntime
	exec 7</etc/passwd
	create
	exec 7<&-
	succeeds
	[ -z "$output" ]
	grep -q '^0 pipe:' "$BATS_TEST_TMPDIR/fds"
	grep -qx '1 /dev/null' "$BATS_TEST_TMPDIR/fds"
	grep -q '^2 pipe:' "$BATS_TEST_TMPDIR/fds"
	[ "$(grep -c -e pipe: -e /dev/null -e socket: -e /etc/passwd "$BATS_TEST_TMPDIR/fds")" -eq 3 ]
}

@test "hooks: create does not wait for a process that a hook leaves behind" {
	script behind "sleep 300 & echo \$! >'$BATS_TEST_TMPDIR/left'"
	hooked createRuntime
	create
	succeeds
	kill "$(cat "$BATS_TEST_TMPDIR/left")"
}

@test "hooks: createContainer runs in the proxy's network namespace, the others in runX's" {
	unshare -n true 2>/dev/null || skip 'needs the right to make a network namespace'
	rm "$FAKE/libexec/proxy"
	printf '#!/bin/sh\nexec unshare -n %s "$@"\n' "$top/tests/unit/fake/proxy" >"$FAKE/libexec/proxy"
	chmod 755 "$FAKE/libexec/proxy"
	script netns 'readlink /proc/self/ns/net >>'"'$BATS_TEST_TMPDIR/notes'"
	for kind in $KINDS; do
		hooked "$kind"
	done
	create
	succeeds
	inside=$(readlink "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/ns/net")
	outside=$(readlink /proc/self/ns/net)
	[ "$inside" != "$outside" ]
	runX start c1
	runX delete --force c1
	succeeds
	[ "$(notes)" = "$(printf '%s\n' "$outside" "$outside" "$inside" "$outside" "$outside")" ]
}

# Failures

# fails_create KIND: create fails because of a hook of that kind, with noting hooks before and after it, and as poststop
fails_create() {
	noting
	hooked "$1" '{args: ["x", "before"]}'
	hooked poststop '{args: ["x", "poststop"]}'
	script bad 'echo "it broke" >&2' 'echo more >&2' 'exit 3'
	hooked "$1"
	noting
	hooked "$1" '{args: ["x", "after"]}'
	create
	fails_with "runX create failed: error running $1 hook #1: exit status 3, stderr: it broke"
	[ "$(notes | cut -d ' ' -f 1,2 | xargs)" = "before creating poststop stopped" ]
	[ ! -e "$BATS_TEST_TMPDIR/pid" ]
	nothing_left
}

@test "hooks: prestart that fails" { fails_create prestart; }
@test "hooks: createRuntime that fails" { fails_create createRuntime; }
@test "hooks: createContainer that fails" { fails_create createContainer; }

@test "hooks: a create that failed before its hooks runs no poststop" {
	noting
	hooked createRuntime '{args: ["x", "createRuntime"]}'
	hooked poststop '{args: ["x", "poststop"]}'
	export PROXY_FAIL='no'
	create
	fails_with 'runX create failed: no'
	[ -z "$(notes)" ]
	nothing_left
}

@test "hooks: a record that cannot be written fails create" {
	noting
	hooked poststop '{args: ["x", "poststop"]}'
	rm "$FAKE/libexec/proxy"
	printf '#!/bin/sh\nmkdir %s/c1/hooks.new\nexec %s "$@"\n' "$RUNX_ROOT" "$top/tests/unit/fake/proxy" >"$FAKE/libexec/proxy"
	chmod 755 "$FAKE/libexec/proxy"
	create
	fails_with "cannot write $RUNX_ROOT/c1/hooks.new"
	[ -z "$(notes)" ]
	nothing_left
}

@test "hooks: poststart that fails stops the container and fails start" {
	script bad 'exit 1'
	hooked poststart
	noting
	hooked poststop '{args: ["x", "poststop"]}'
	create
	succeeds
	rm "$BATS_TEST_TMPDIR/pid"
	runX start c1
	fails_with 'runX start failed: error running poststart hook #0: exit status 1'
	[ "$(grep ^control "$FAKE/calls" | xargs)" = 'control start control signal 9 control wait 60' ]
	[ -z "$(notes)" ]
	runX delete --force c1
	succeeds
	[ "$(notes)" = 'poststop stopped 0 c1' ]
}

@test "hooks: a start that fails runs no poststart" {
	noting
	hooked poststart '{args: ["x", "poststart"]}'
	create
	succeeds
	export CONTROL_SAYS='exec: "/bin/sh": exec format error'
	runX start c1
	fails_with 'exec format error'
	[ -z "$(notes)" ]
}

@test "hooks: poststop that fails is a warning, and the rest runs" {
	script bad 'kill -TERM $$'
	hooked poststop
	noting
	hooked poststop '{args: ["x", "rest"]}'
	create
	succeeds
	rm "$BATS_TEST_TMPDIR/pid"
	runX delete --force c1
	succeeds
	[ "$output" = 'runX: warning: error running poststop hook #0: signal: terminated' ]
	[ "$(jq -r 'select(.time | fromdate) | .level + " " + .msg' "$log")" = \
		'warning error running poststop hook #0: signal: terminated' ]
	[ "$(notes)" = 'rest stopped 0 c1' ]
	nothing_left
}

@test "hooks: more words than Linux gives to a program are an error in one sentence" {
	config '.hooks.createRuntime = [{path: "/bin/true", args: ["true", "x" * 200000]}]'
	runX create --bundle "$bundle" c1
	fails_with 'error running createRuntime hook #0: its arguments and environment are more than Linux gives to a program'
	nothing_left
}

@test "hooks: a time-out kills the hook and the processes that it started" {
	script slow "sleep 300 & echo \$! >'$BATS_TEST_TMPDIR/child'" 'wait'
	hooked createRuntime '{timeout: 1}'
	create
	fails_with 'error running createRuntime hook #0: hook ran past specified timeout of 1s'
	! kill -0 "$(cat "$BATS_TEST_TMPDIR/child")" 2>/dev/null ||
		grep -q '^State:.Z' "/proc/$(cat "$BATS_TEST_TMPDIR/child")/status"
	nothing_left
}

@test "hooks: a time-out that is not reached" {
	script quick 'exit 0'
	hooked createRuntime '{timeout: 100}'
	create
	succeeds
}

@test "hooks: a program that is missing, or is not executable" {
	script=/nowhere/hook
	hooked createRuntime
	create
	fails_with 'error running createRuntime hook #0: fork/exec /nowhere/hook: no such file or directory'
	nothing_left
	script=$bundle/config.json
	config 'del(.hooks)'
	hooked prestart
	create
	fails_with "error running prestart hook #0: fork/exec $script: permission denied"
	nothing_left
}

@test "hooks: after a killed create, delete --force runs poststop" {
	# The helper's parent is a subshell of runX, so this kills that and runX itself.
	script kills 'shell=$(ps -o ppid= $PPID)' 'kill -9 $(ps -o ppid= $shell) $shell'
	hooked createRuntime
	noting
	hooked poststop '{args: ["x", "poststop"]}'
	create
	[ "$status" -eq 137 ]
	[ -z "$(notes)" ]
	runX delete c1
	fails_with 'that is not stopped: creating'
	runX delete --force c1
	succeeds
	[ "$(notes)" = 'poststop stopped 0 c1' ]
	nothing_left
}

# It could otherwise end after the poststop hooks, and make again what they have removed.
@test "hooks: a hook of a create that is killed ends with it, and so do the processes that it started" {
	local create file pid
	mkfifo "$FAKE/there"
	script waits "echo \$\$ >$FAKE/hook" "sleep 300 & echo \$! >$FAKE/child" "echo >$FAKE/there" wait
	hooked createRuntime
	# shellcheck disable=SC2086 # "busybox sh" is two words
	${RUNX_SHELL:-dash} "$top/runX" --log "$log" create --bundle "$bundle" c1 </dev/null >/dev/null 2>&1 3>&- &
	create=$!
	read -r _ <"$FAKE/there"
	kill -9 $create
	for file in hook child; do
		pid=$(cat "$FAKE/$file")
		timeout 20 tail --pid="$pid" -s 0.05 -f /dev/null || { kill -9 "$pid" && return 1; }
	done
	runX delete --force c1
	succeeds
}

# What config.json must not have

refused() {
	config ".hooks = $1"
	create
	fails_with "config.json: $2"
	nothing_left
}

@test "hooks: startContainer goes to the guest, with the state that it gets" {
	config '.hooks = {startContainer: [{path: "/h", args: ["h", "a\nb"], env: [], timeout: 3}, {path: "/i"}]} | .annotations = {a: "b"}'
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(records hook)" = "$(printf '/h\n/i')" ]
	[ "$(records hook.arg)" = "$(printf 'h\na\nb\n/i')" ]
	[ "$(records hook.own_environment)" = true ]
	[ "$(records hook.timeout)" = 3 ]
	[ "$(records state | jq -c '[.id, .status, .pid, .bundle, .annotations]')" = "[\"c1\",\"created\",1,\"$bundle\",{\"a\":\"b\"}]" ]
	[ ! -e "$RUNX_ROOT/c1/hooks" ]
}

@test "hooks: startContainer that is not a list of hooks" {
	refused '{startContainer: [{path: "x"}]}' 'hooks.startContainer[0].path: must be an absolute path'
	refused '{startContainer: {}}' 'hooks.startContainer: must be an array'
}

@test "hooks: hooks that are no object" { refused '[]' 'hooks: must be an object'; }
@test "hooks: a kind that is no array" { refused '{poststop: {}}' 'hooks.poststop: must be an array'; }
@test "hooks: one that is no object" { refused '{poststop: [{path: "/x"}, 5]}' 'hooks.poststop[1]: must be an object'; }
@test "hooks: no path" { refused '{prestart: [{}]}' 'hooks.prestart[0].path: must be a string'; }
@test "hooks: a relative path" {
	refused '{createRuntime: [{path: "x"}]}' 'hooks.createRuntime[0].path: must be an absolute path'
}
@test "hooks: arguments that are no array" {
	refused '{createRuntime: [{path: "/x", args: "a"}]}' 'hooks.createRuntime[0].args: must be an array of strings'
}
@test "hooks: an environment with a number" {
	refused '{createRuntime: [{path: "/x", env: ["A=1", 2]}]}' 'hooks.createRuntime[0].env[1]: must be a string'
}
@test "hooks: a NUL in an argument" {
	refused '{poststart: [{path: "/x", args: ["a\u0000b"]}]}' 'hooks.poststart[0].args[0]: must not contain a NUL'
}
@test "hooks: time-outs of 0, of a half, and in words" {
	for timeout in 0 -1 1.5 '"1"' 1e30; do
		refused "{poststart: [{path: \"/x\", timeout: $timeout}]}" \
			'hooks.poststart[0].timeout: must be a whole number of seconds, 1 or more'
	done
}
@test "hooks: a kind that does not exist is ignored" {
	config '.hooks = {later: [{}]}'
	create
	succeeds
}

@test "hooks: one with more arguments than Linux gives to a program is a clean error" {
	bad '.hooks.prestart = [{path: "/bin/true", args: ["a", ("x" * 200000)]}]' \
		'error running prestart hook #0: its arguments and environment are more than Linux gives to a program'
}

@test "hooks: poststop hooks run in / where the bundle is gone" {
	printf '%s\n' '#!/bin/sh' 'pwd >"$1"' >"$BATS_TEST_TMPDIR/hook"
	chmod 755 "$BATS_TEST_TMPDIR/hook"
	config ".hooks = {poststop: [{path: \"$BATS_TEST_TMPDIR/hook\", args: [\"hook\", \"$BATS_TEST_TMPDIR/ran\"]}]}"
	runX create --bundle "$bundle" c1
	mv "$bundle" "$bundle.gone"
	runX delete --force c1
	mv "$bundle.gone" "$bundle"
	succeeds
	[ "$(cat "$BATS_TEST_TMPDIR/ran")" = / ]
}
