# SPDX-License-Identifier: Apache-2.0
# What the unit tests share: a root of their own, a bundle, and stand-ins for all that needs Xen.
# shellcheck shell=bash

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export FAKE=$BATS_TEST_TMPDIR/fake
	mkdir -p "$FAKE/bin" "$FAKE/libexec"
	ln -s "$top/tests/unit/fake/xl" "$FAKE/bin/"
	ln -s "$top/tests/unit/fake/proxy" "$top/tests/unit/fake/control" "$top/tests/unit/fake/exec" \
		"$top/tests/unit/fake/network" \
		"$top/out/$(uname -m)/prepare" "$top/out/$(uname -m)/stage" "$top/out/$(uname -m)/hook" \
		"$top/out/$(uname -m)/seccomp" "$top/out/$(uname -m)/foreground" "$FAKE/libexec/"
	: >"$FAKE/calls"
	: >"$FAKE/domains"
	: >"$FAKE/xenbus"
	printf '%1024s' '' >"$FAKE/initrd"
	export PATH=$FAKE/bin:$PATH
	export RUNX_LIBEXEC=$FAKE/libexec RUNX_ROOT=$BATS_TEST_TMPDIR/root RUNX_XENBUS=$FAKE/xenbus
	export RUNX_CGROUP=$FAKE/cgroup RUNX_QEMU=/bin/true RUNX_CONF=$BATS_TEST_TMPDIR/runX.conf
	printf '%s\n' 'guest_type = pv' "initrd = $FAKE/initrd" 'kernel = /kernel' "images = $BATS_TEST_TMPDIR/images" >"$RUNX_CONF"
	log=$BATS_TEST_TMPDIR/log.json
	bundle=$BATS_TEST_TMPDIR/bundle
	make_bundle
}

teardown() {
	local record pid
	for record in "$RUNX_ROOT"/*/proxy; do
		[ ! -f "$record" ] || { read -r _ pid _ <"$record" && kill -9 "$pid"; } 2>/dev/null || :
	done
}

make_bundle() {
	mkdir -p "$bundle/rootfs/bin"
	printf '#!/bin/sh\n' >"$bundle/rootfs/bin/sh"
	chmod 755 "$bundle/rootfs/bin/sh"
	# No jq, which takes as long as all the rest of setup.
	sed 's/"terminal": true/"terminal": false/' "$top/tests/bed/config.json" >"$bundle/config.json"
}

# config PROGRAM: changes the bundle's config.json by a jq program
config() {
	local changed
	changed=$(jq "$1" "$bundle/config.json")
	printf '%s\n' "$changed" >"$bundle/config.json"
}

# runX is run under the shell that this run of the suite is about.
runX() {
	# shellcheck disable=SC2086 # "busybox sh" is two words
	run ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json "$@" </dev/null 3>&-
}

# fails_with TEXT: the last runX failed, said TEXT on stderr in one line, and said the same in the log
fails_with() {
	[ "$status" -ne 0 ] || { echo "it succeeded: $output" && return 1; }
	[ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output" && return 1; }
	[[ $output == "runX: "*"$1"* ]] || { echo "wanted: $1" "got: $output" && return 1; }
	logged error "${output#runX: }"
}

# logged LEVEL MESSAGE: the log's last line is JSON of these and a time of RFC 3339; without a process
logged() {
	local entries message="$2" time='20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z'
	mapfile -t entries <"$log"
	message=${message//\\/\\\\}
	message=${message//\"/\\\"}
	# shellcheck disable=SC2053 # a pattern
	[[ ${entries[*]: -1} == "{\"level\":\"$1\",\"msg\":\"$message\",\"time\":\""$time'"}' ]] ||
		{ echo "wanted in the log: $1: $2" "got: ${entries[*]: -1}" && return 1; }
}

succeeds() {
	[ "$status" -eq 0 ] || { echo "status $status: $output" && return 1; }
}

# nothing_left: no state, no image, no domain
nothing_left() {
	[ -z "$(ls "$BATS_TEST_TMPDIR/images" 2>/dev/null)" ] || { ls "$BATS_TEST_TMPDIR/images" && return 1; }
	[ -z "$(ls "$RUNX_ROOT" 2>/dev/null)" ] || { ls "$RUNX_ROOT" && return 1; }
	[ ! -s "$FAKE/domains" ] || { echo "a domain is left" && return 1; }
}

# creates PROGRAM: makes the container c1 from the bundle, changed by a jq program
creates() {
	config "$1"
	runX create --bundle "$bundle" c1
	succeeds
}

# bad PROGRAM TEXT: with the bundle changed like this there is no container c1, and TEXT is said
bad() {
	config "$1"
	runX create --bundle "$bundle" c1
	fails_with "$2"
	nothing_left
}

# has LINE: xl's configuration has it, and nothing behind it sets the same
has() {
	[ "$(grep "^${1%% *} " "$FAKE/xl.cfg" | tail -n 1)" = "$1" ] ||
		{ echo "wanted: $1" && cat "$FAKE/xl.cfg" && return 1; }
}

calls() {
	grep -c "^$1" "$FAKE/calls" || :
}

# records KEY: the values of the guest's records of this key
records() {
	grep -z "^$1=" "$RUNX_ROOT/c1/container" | tr '\0' '\n' | sed "s/^$1=//"
}

# in_state STATE: a container c1 that is created, running, paused or stopped
in_state() {
	local pid
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	case $1 in
	running | paused | stopped) runX start c1 && succeeds ;;
	esac
	[ "$1" != paused ] || { runX pause c1 && succeeds; }
	[ "$1" != stopped ] || end_process "$pid"
}

# end_process PID: kills one that is nobody's child that we could wait for; returns when it is a zombie or gone.
end_process() {
	# By pidfd_open (434 on all machines): tail --pid looks once a second.
	perl -e '$fd = syscall(434, $ARGV[0] + 0, 0); kill 9, $ARGV[0]; vec($set, $fd, 1) = 1; select($set, undef, undef, undef)' "$1"
}

# The verbs as runX itself lists them.
accepted_verbs() {
	sed -n '/^\tcase $verb in$/,/^\tesac$/{ /^\t\*)/d; s/) ;;$//p; }' "$top/runX" | tr -d '|'
}
