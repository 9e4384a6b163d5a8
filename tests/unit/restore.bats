#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# restore is refused, with the reason.

load helpers

# podman calls this with --help, and takes success as support.
@test "restore: it fails with the reason, with any arguments" {
	local words
	for words in '--lsm-mount-context' --help '--bundle /x c1'; do
		# shellcheck disable=SC2086 # options
		runX restore $words
		fails_with 'restore is not supported: the streams'
	done
}
