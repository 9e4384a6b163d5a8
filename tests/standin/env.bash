# SPDX-License-Identifier: Apache-2.0
# The real runX over the stand-in of Xen: its environment, a bundle, and what must not be left. Sourced by the tests and by
# sweep; top, this tree, is the caller's. `make standin` has built the programs.
# shellcheck shell=bash

# standin_up DIRECTORY: starts the stand-in there, and makes a bundle, $bundle
standin_up() {
	work=$1
	export STANDIN=$work/xen RUNX_ROOT=$work/root RUNX_LIBEXEC=$top/out/standin/libexec RUNX_XENBUS=/dev/null \
		RUNX_CGROUP=$work/cgroup RUNX_CONF=$work/runX.conf PATH=$top/out/standin/bin:$PATH \
		ASAN_OPTIONS=detect_leaks=0:log_path=$work/sanitizer${sanitizer:-}
	mkdir -p "$STANDIN" "$work/cgroup"
	printf '%1024s' '' >"$work/initrd"
	printf '%s\n' 'guest_type = pv' "initrd = $work/initrd" 'kernel = /kernel' "images = $work/images" >"$RUNX_CONF"
	make_bundle
	xen=$("$top/out/standin/xen" 2>"$work/xen.log")
}

# It ends with its guests.
standin_down() {
	kill "$xen" 2>/dev/null || :
}

# What a guest runs is the host's. In the bundle programs are only looked for.
make_bundle() {
	local name
	bundle=$work/bundle
	mkdir -p "$bundle/rootfs/bin"
	for name in sh cat echo sleep true; do
		printf '#!/bin/sh\n' >"$bundle/rootfs/bin/$name"
		chmod 755 "$bundle/rootfs/bin/$name"
	done
	sed 's/"terminal": true/"terminal": false/' "$top/tests/bed/config.json" >"$bundle/config.json"
}

# config PROGRAM: changes the bundle's config.json by a jq program
config() {
	local changed
	changed=$(jq "$1" "$bundle/config.json")
	printf '%s\n' "$changed" >"$bundle/config.json"
}

# command WORD…: what the container runs
command_is() {
	# shellcheck disable=SC2016 # jq's variable
	config ".process.args = $(jq -n '$ARGS.positional' --args -- "$@")"
}

# faults WORDS: of the guest, as tests/standin/vm.h has them
faults() {
	config ".process.env += [\"STANDIN_FAULTS=$1\"]"
}

# xl_fault VERB LINE…: what befalls the next calls of xl
xl_fault() {
	local verb="$1"
	shift
	printf '%s\n' "$@" >"$STANDIN/fault.$verb"
}

# What takes longer hangs: status 124, or 137.
runX() {
	# shellcheck disable=SC2086 # "busybox sh" is two words
	timeout -k 5 "${PATIENCE:-30}" ${RUNX_SHELL:-dash} "$top/runX" --log "$work/log" "$@"
}

# proxy ID: its pid
proxy() {
	local pid
	read -r _ pid _ <"$RUNX_ROOT/$1/proxy"
	echo "$pid"
}

# await PID…: until each of these, which need not be our children, has ended or is a zombie
await() {
	local pid
	for pid; do
		# By pidfd_open (434 on all machines): tail --pid looks once a second. For at most 20 s.
		perl -e '$fd = syscall(434, $ARGV[0] + 0, 0); exit if $fd < 0; vec($set, $fd, 1) = 1;
			exit !select($set, undef, undef, 20)' "$pid" || { echo "process $pid does not end" && return 1; }
	done
}

# gone ID: until neither proxy nor guardian of a container lives
gone() {
	"$RUNX_LIBEXEC/control" "$RUNX_ROOT/$1" wait 20
}

# Says what of containers is there: state, images, domains, memory of such, nodes, processes, mounts, loop devices.
leftovers() {
	ls "$RUNX_ROOT" "$work/images" 2>/dev/null | sed '/^$/d; /:$/d; s/^/state or image: /'
	"$top/out/standin/bin/xl" list -v | sed '1d; s/^/domain: /'
	ls "$STANDIN" | grep '^memory' | sed 's/^/memory: /'
	"$top/out/standin/bin/xl" nodes | sed -E '/^\/(local|local\/domain|local\/domain\/0|local\/domain\/0\/backend(\/[^/]*)?|vm|libxl)$/d; s/^/node: /'
	pgrep -af "^([^ ]*/)?(xl|block|vif|network|proxy|files|exec|stage|control|hook|prepare|foreground|dash)\b.*$work" | sed 's/^/process: /'
	grep -F " $work/" /proc/self/mountinfo | sed 's/^/mount: /'
	grep -lsF "$work/" /sys/block/loop*/loop/backing_file | sed 's/^/loop: /'
}

nothing_left() {
	local left
	left=$(leftovers)
	[ -z "$left" ] || { printf 'left behind:\n%s\n' "$left" && return 1; }
	! cat "$work"/xen.log "$work"/sanitizer* 2>/dev/null | grep . || return 1
}
