#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks around a real VM: the state of the VM while each runs, and how a failing hook ends it.

load helpers
bats_require_minimum_version 1.5.0

# script LINE…: makes the program /b/$id/hook in dom0
script() {
	printf '%s\n' '#!/bin/sh' "$@" | "$bed" sh "mkdir -p /b/$id && cat >/b/$id/hook && chmod 755 /b/$id/hook"
}

# all KIND…: prints a jq program that adds two hooks of each kind; their arguments are the kind and a number
all() {
	local kind program=.
	for kind; do
		program="$program | .hooks.$kind = [{path: \"/b/$id/hook\", args: [\"hook\", \"$kind\", \"0\"]},
			{path: \"/b/$id/hook\", args: [\"hook\", \"$kind\", \"1\"]}]"
	done
	echo "$program"
}

# notes: prints what the hooks noted, on one line
notes() {
	"$bed" sh "cat /b/$id/notes" | xargs
}

@test "hooks: all kinds run in order, with the right state, while the VM exists or not" {
	script 'state=$(jq -r "\"\(.status) \(.pid)\"")' \
		"vm=none; ! xl list rx-$id >/dev/null 2>&1 || vm=there" \
		"echo \"\$1 \$2 \$state \$vm\" >>/b/$id/notes"
	bundle "$(all prestart createRuntime createContainer poststart poststop) | .process.args = [\"cat\"]"
	"$bed" sh "mkfifo /b/$id/in; runX create --bundle /b/$id --pid-file /b/$id/pid $id <>/b/$id/in >/b/$id/out 2>&1"
	pid=$("$bed" run cat "/b/$id/pid")
	dom0 runX start "$id"
	says 0 '' ''
	dom0 runX delete --force "$id"
	says 0 '' ''
	[ "$(notes)" = "prestart 0 creating $pid there prestart 1 creating $pid there \
createRuntime 0 creating $pid there createRuntime 1 creating $pid there \
createContainer 0 creating $pid there createContainer 1 creating $pid there \
poststart 0 running $pid there poststart 1 running $pid there \
poststop 0 stopped 0 none poststop 1 stopped 0 none" ]
	dom0 cat "/b/$id/out"
	says 0 '' ''
}

@test "hooks: network hooks find the container's namespace by its pid, createContainer runs in it, and their output does not go to the container's" {
	script 'echo from-hook' 'echo from-hook >&2' 'pid=$(jq .pid)' \
		"[ \$1 = createRuntime ] || { readlink /proc/self/ns/net >>/b/$id/notes; exit; }" \
		"readlink /proc/\$pid/ns/net >>/b/$id/notes"
	dom0 sh -c "readlink /proc/self/ns/net"
	host=$output
	container "$(all createRuntime createContainer poststart poststop) | .process.args = [\"echo\", \"from-process\"]"
	says 0 from-process ''
	read -r runtime _ container _ poststart _ <<<"$(notes)"
	[ "$runtime" = "$container" ]
	[ "$container" != "$host" ]
	[ "$poststart" = "$host" ]
}

@test "hooks: if one fails create, the VM is destroyed, and poststop runs" {
	script "echo \"\$1 \$2\" >>/b/$id/notes" '[ "$1" = poststop ] || { echo "no network" >&2; exit 7; }'
	bundle "$(all createRuntime createContainer poststop)"
	dom0 runX --log "/b/$id/log" --log-format json create --bundle "/b/$id" --pid-file "/b/$id/pid" "$id"
	says 1 '' 'runX: runX create failed: error running createRuntime hook #0: exit status 7, stderr: no network'
	[ "$(notes)" = 'createRuntime 0 poststop 0 poststop 1' ]
	dom0 sh -c "[ ! -e /b/$id/pid ] && jq -r .level /b/$id/log"
	says 0 error ''
}

@test "hooks: one that takes too long fails create" {
	script 'sleep 1000'
	bundle "$(all prestart) | .hooks.prestart[].timeout = 2"
	dom0 runX create --bundle "/b/$id" "$id"
	says 1 '' 'runX: runX create failed: error running prestart hook #0: hook ran past specified timeout of 2s'
}

@test "hooks: a poststart that fails stops the container; a poststop that fails is a warning" {
	script "echo \"\$1 \$2\" >>/b/$id/notes" 'exit 1'
	bundle "$(all poststart poststop) | .process.args = [\"sleep\", \"1000\"]"
	dom0 supervise "/b/$id" "$id"
	says 121 '' 'runX: runX start failed: error running poststart hook #0: exit status 1'
	dom0 runX state "$id"
	[ "$(jq -r .status <<<"$output")" = stopped ]
	dom0 runX --log "/b/$id/log" --log-format json delete "$id"
	says 0 '' 'runX: warning: error running poststop hook #0: exit status 1
runX: warning: error running poststop hook #1: exit status 1'
	dom0 sh -c "jq -r .level /b/$id/log | xargs"
	says 0 'warning warning' ''
	[ "$(notes)" = 'poststart 0 poststop 0 poststop 1' ]
}

@test "hooks: startContainer runs in the container, as its user, before its process, and sees the state" {
	# shellcheck disable=SC2016 # variables of the shells inside
	container '.process.args = ["sh", "-c", "cat /tmp/seen; echo process"] | .process.user = {uid: 5, gid: 6}
		| .process.env += ["COLOUR=blue"] | .annotations = {a: "b"}
		| .hooks.startContainer = [
			{path: "/bin/sh", args: ["sh", "-c", "(echo $COLOUR; id -u; hostname; cat; echo; echo unseen >&2) >/tmp/seen"]},
			{path: "/bin/sh", args: ["sh", "-c", "echo $COLOUR.$SHAPE >>/tmp/seen"], env: ["SHAPE=round"]}]'
	[ "$status" -eq 0 ]
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = 'blue 5 runc' ]
	[ "$(jq -c '[.id, .status, .pid, .annotations.a]' <<<"${lines[3]}")" = "[\"$id\",\"created\",1,\"b\"]" ]
	[ "${lines[4]} ${lines[5]}" = '.round process' ]
}

@test "hooks: if startContainer fails, the process does not start" {
	# shellcheck disable=SC2016 # variables of the shells inside
	container '.process.args = ["echo", "process"]
		| .hooks.startContainer = [{path: "/bin/true"}, {path: "/bin/sh", args: ["sh", "-c", "echo why >&2; exit 3"]}]'
	[ "$status" -eq 121 ]
	[[ $stderr == *'runX start failed: error running startContainer hook #1: exit status 3, stderr: why'* ]]
	[[ $output != *process* ]]
	container '.process.args = ["true"] | .hooks.startContainer = [{path: "/nosuch"}]'
	[[ $stderr == *'error running startContainer hook #0: fork/exec /nosuch: no such file or directory'* ]]
	container '.process.args = ["true"] | .hooks.startContainer = [{path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1}]'
	[[ $stderr == *'error running startContainer hook #0: hook ran past specified timeout of 1s'* ]]
}
