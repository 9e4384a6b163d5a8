# SPDX-License-Identifier: Apache-2.0
# Functions that the unit tests share. setup makes a state directory, a bundle, and stand-ins for all that needs Xen.
# shellcheck shell=bash

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export FAKE=$BATS_TEST_TMPDIR/fake
	mkdir -p "$FAKE/bin" "$FAKE/libexec"
	ln -s "$top/tests/unit/fake/xl" "$FAKE/bin/"
	ln -s "$top/tests/unit/fake/proxy" "$top/tests/unit/fake/files" "$top/tests/unit/fake/control" "$top/tests/unit/fake/exec" \
		"$top/tests/unit/fake/network" \
		"$top/out/$(uname -m)/prepare" "$top/out/$(uname -m)/stage" "$top/out/$(uname -m)/hook" \
		"$top/out/$(uname -m)/seccomp" "$top/out/$(uname -m)/claim" "$top/out/$(uname -m)/foreground" \
		"$top/out/$(uname -m)/text" "$top/out/$(uname -m)/json" "$FAKE/libexec/"
	: >"$FAKE/calls"
	: >"$FAKE/domains"
	: >"$FAKE/xenbus"
	printf '%1024s' '' >"$FAKE/initrd"
	export PATH=$FAKE/bin:$PATH
	export RUNX_LIBEXEC=$FAKE/libexec RUNX_ROOT=$BATS_TEST_TMPDIR/root RUNX_XENBUS=$FAKE/xenbus
	export RUNX_CGROUP=$FAKE/cgroup RUNX_CONF=$BATS_TEST_TMPDIR/runX.conf
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
	# sed, not jq: jq would take as long as all the rest of setup.
	sed 's/"terminal": true/"terminal": false/' "$top/tests/bed/config.json" >"$bundle/config.json"
}

# config PROGRAM: changes the bundle's config.json by a jq program
config() {
	local changed
	changed=$(jq "$1" "$bundle/config.json")
	printf '%s\n' "$changed" >"$bundle/config.json"
}

# runX ARGUMENT…: runs runX under the shell that this run tests; bats sets $status and $output
runX() {
	# shellcheck disable=SC2086 # "busybox sh" is two words
	run ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json "$@" </dev/null 3>&-
}

# fails_with TEXT: the last runX failed, its only line on stderr has TEXT, and the log has the same message
fails_with() {
	[ "$status" -ne 0 ] || { echo "it succeeded: $output" && return 1; }
	[ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output" && return 1; }
	[[ $output == "runX: "*"$1"* ]] || { echo "wanted: $1" "got: $output" && return 1; }
	logged error "${output#runX: }"
}

# logged LEVEL MESSAGE: the log's last line is JSON with these and a time as in RFC 3339. It starts no process.
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

# nothing_left: there is no state, no image and no domain
nothing_left() {
	[ -z "$(ls "$BATS_TEST_TMPDIR/images" 2>/dev/null)" ] || { ls "$BATS_TEST_TMPDIR/images" && return 1; }
	[ -z "$(ls "$RUNX_ROOT" 2>/dev/null)" ] || { ls "$RUNX_ROOT" && return 1; }
	[ ! -s "$FAKE/domains" ] || { echo "a domain is left" && return 1; }
}

# creates PROGRAM: creates the container c1 from the bundle, whose config.json a jq program changes
creates() {
	config "$1"
	runX create --bundle "$bundle" c1
	succeeds
}

# bad PROGRAM TEXT: with the bundle changed like this, create of c1 fails with TEXT, and nothing is left
bad() {
	config "$1"
	runX create --bundle "$bundle" c1
	fails_with "$2"
	nothing_left
}

# keep_boot: from here on, xl create copies the VM's kernel and initrd to the directory $boot, because runX empties its own
keep_boot() {
	export boot=$BATS_TEST_TMPDIR/boot XL_KEEPS=$BATS_TEST_TMPDIR/boot
	mkdir -p "$boot"
}

# has LINE: xl's configuration has this line, and no later line sets the same name
has() {
	[ "$(grep "^${1%% *} " "$FAKE/xl.cfg" | tail -n 1)" = "$1" ] ||
		{ echo "wanted: $1" && cat "$FAKE/xl.cfg" && return 1; }
}

calls() {
	grep -c "^$1" "$FAKE/calls" || :
}

# records KEY: prints the values of this key in the guest's description
records() {
	grep -z "^$1=" "$RUNX_ROOT/c1/container" | tr '\0' '\n' | sed "s/^$1=//"
}

# in_state STATE: makes a container c1 that is created, running, paused or stopped
in_state() {
	local pid
	runX create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	case $1 in
	running | paused | stopped) runX start c1 && succeeds ;;
	esac
	[ "$1" != paused ] || { runX pause c1 && succeeds; }
	[ "$1" != stopped ] || end_container
}

# end_container: ends c1's proxy and leaves the mark of its guardian
end_container() {
	end_process "$(cat "$BATS_TEST_TMPDIR/pid")"
	: >"$FAKE/domains"
	: >"$RUNX_ROOT/c1/destroyed"
}

# end_process PID: kills a process that is not a child of this shell; returns when it is a zombie or gone
end_process() {
	# pidfd_open (434 on all machines) tells at once. tail --pid looks only once a second.
	perl -e '$fd = syscall(434, $ARGV[0] + 0, 0); kill 9, $ARGV[0]; vec($set, $fd, 1) = 1; select($set, undef, undef, undef)' "$1"
}

# is_over PID: this process has ended. Nobody may have waited for it yet.
is_over() {
	local state
	state=$(sed -n 's/^State:[^A-Z]*//p' "/proc/$1/status" 2>/dev/null) || :
	case $state in '' | Z* | X*) ;; *) echo "process $1 lives: $state" && return 1 ;; esac
}

# accepted_verbs: prints the verbs that runX itself lists
accepted_verbs() {
	sed -n '/^\tcase $verb in$/,/^\tesac$/{ /^\t\*)/d; s/) ;;$//p; }' "$top/runX" | tr -d '|'
}

# state_is STATUS: runX state c1 prints this status
state_is() {
	runX state c1
	succeeds
	[ "$(jq -r .status <<<"$output")" = "$1" ]
}

# control_ends STATUS: the helper control says nothing but this, except that it waits
control_ends() {
	rm "$FAKE/libexec/control"
	printf '#!/bin/sh\n[ "$2" = wait ] || exit %s\n' "$1" >"$FAKE/libexec/control"
	chmod 755 "$FAKE/libexec/control"
}

# xl_that SAYS: makes an xl that prints an error on stderr but ends with 0, as xl pause and unpause do
xl_that() {
	rm "$FAKE/bin/xl"
	printf '%s\n' '#!/bin/sh' 'echo "xl $*" >>"$FAKE/calls"' "echo '$1' >&2" >"$FAKE/bin/xl"
	chmod 755 "$FAKE/bin/xl"
}
