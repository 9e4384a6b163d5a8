#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The main job: containerd runs OCI images through runX.

load helpers
bats_require_minimum_version 1.5.0

image=runx.test/busybox:latest

ctr_run() {
	dom0 ctr run --rm --runc-binary=/usr/sbin/runX "$@"
}

@test "containerd: ctr run prints what the container prints, and returns its status" {
	ctr_run $image "$id" sh -c 'echo out; echo err >&2; exit 42'
	says 42 out err
}

@test "containerd: a program that is missing" {
	ctr_run $image "$id" nosuch
	[ "$status" -eq 1 ]
	[[ $stderr == *'OCI runtime create failed'*'exec: "nosuch": executable file not found in $PATH'* ]]
}

@test "containerd: stdin" {
	# Open until the answer came: ctr 1.6 misses an end that comes before its task is there.
	dom0 sh -c ": >/out; { echo some input; tail -n +1 -f /out | sed /input/q >/dev/null; } |
		ctr run --rm --runc-binary=/usr/sbin/runX $image $id cat >/out; rc=\$?; cat /out; exit \$rc"
	says 0 'some input' ''
}

@test "containerd: a detached task is killed by TERM and by KILL" {
	local signal
	for signal in 15:41 9:137; do
		dom0 ctr run -d --runc-binary=/usr/sbin/runX $image "$id" \
			sh -c 'trap "exit 41" TERM; while :; do sleep 1000 & wait; done'
		says 0 '' ''
		[[ $("$bed" run ctr task ls) == *"$id "*RUNNING* ]]
		dom0 sh -c "ctr task kill -s ${signal%:*} $id; until ctr task ls | grep -q '$id .*STOPPED'; do :; done
			ctr task delete $id && ctr container delete $id"
		# ctr itself returns 0, and says the status that it was given.
		[ "$status" -eq 0 ] && [[ $stderr == *"exit with non-zero exit code ${signal#*:}"* ]]
	done
}

@test "containerd: a terminal" {
	run --separate-stderr "$bed" tty ctr run --rm -t --runc-binary=/usr/sbin/runX $image "$id" sh -c 'tty; exit 6' </dev/null
	[ "$status" -eq 6 ]
	[ "$(tr -d '\r' <<<"$output")" = /dev/pts/0 ]
}
