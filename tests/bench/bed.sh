# SPDX-License-Identifier: Apache-2.0
# What the benches in the test bed begin with. Sourcing it sets $top, $bed, ARCH, and $types, the kinds of VM there.
# shellcheck shell=sh

top=$(cd "$(dirname "$0")/../.." && pwd)
bed=$top/tests/bed/bed
here=$top/tests/bed
. "$here/lib.sh"
bed_arch
export ARCH
case $ARCH in x86_64) types='pv pvh' ;; *) types=pvh ;; esac

# A fresh bed, until the end of the script, with what is here and what is measured with in /tmp/bench.
boot() {
	stage=$(mktemp -d)
	trap 'rm -rf "$stage"; "$bed" down >&2' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# Joined, since a caller's || takes `set -e` away.
	"$top/build" >&2 && "$top/build" tests >&2 && "$top/tests/bed/install" >&2 || return
	# Only the .sh of this folder: io is a bench here, and a program among the tests.
	cp "$top"/tests/bench/*.sh "$stage" && find "$top/out/$ARCH/tests" -maxdepth 1 -type f -exec cp -t "$stage" '{}' + &&
		"$bed" run mkdir -p /tmp/bench && "$bed" put "$stage" /tmp/bench
}
