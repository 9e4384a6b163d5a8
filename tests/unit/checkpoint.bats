#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint is refused, with the reason.

load helpers

# podman calls this with --help, and takes success as support.
@test "checkpoint: it fails with the reason, with any arguments" {
	local words
	for words in --help '--image-path /x c1' ''; do
		# shellcheck disable=SC2086 # options
		runX checkpoint $words
		fails_with 'checkpoint is not supported: xl save could keep'
	done
}
