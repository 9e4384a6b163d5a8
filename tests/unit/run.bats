#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run: create and start in one, and what stays in the foreground; with stand-ins for all of Xen.

load helpers

@test "run: detached is create and start" {
	runX run --detach --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
	runX state c1
	[ "$(jq -r .status <<<"$output")" = running ]
	[ "$(jq -r .pid <<<"$output")" = "$(cat "$BATS_TEST_TMPDIR/pid")" ]
}

@test "run: in the foreground it waits, deletes, and ends with the process's status" {
	mkfifo "$FAKE/go"
	# shellcheck disable=SC2016 # variables of the container process
	PROXY_RUN='read -r _ <"$FAKE/go"; exit 9' runX run --bundle "$bundle" c1
	[ "$status" -eq 9 ]
	nothing_left
}

@test "run: --keep leaves the container" {
	mkfifo "$FAKE/go"
	# shellcheck disable=SC2016 # variables of the container process
	PROXY_RUN='read -r _ <"$FAKE/go"; exit 9' runX run --keep --bundle "$bundle" c1
	[ "$status" -eq 9 ]
	runX state c1
	[ "$(jq -r .status <<<"$output")" = stopped ]
	runX delete c1
	succeeds
}

@test "run: a container that cannot be started is deleted" {
	CONTROL_SAYS='no such luck' runX run --detach --bundle "$bundle" c1
	fails_with 'runX run failed: no such luck'
	nothing_left
	CONTROL_SAYS='no such luck' runX run --bundle "$bundle" c1
	fails_with 'runX run failed: no such luck'
	[ "$status" -eq 1 ]
	nothing_left
}

@test "run: bad arguments" {
	runX run --bundle "$bundle"
	fails_with 'container id: none given'
	runX run --bundle "$bundle" c1 more
	fails_with 'run: too many arguments'
	runX run --bundle "$bundle" --console-socket /s c1
	fails_with 'cannot use console socket'
	runX run --bundle /nowhere c1
	fails_with 'bundle /nowhere: no such directory'
	nothing_left
}

@test "run: --debug in the foreground shows what the command in the background does" {
	mkfifo "$FAKE/go"
	# shellcheck disable=SC2016 # variables of the container process
	PROXY_RUN='read -r _ <"$FAKE/go"; exit 0' runX --debug run --bundle "$bundle" c1
	succeeds
	[[ $output == *' xl create -q -p -e '* ]]
}
