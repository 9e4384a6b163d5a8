#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.cgroupsPath: create puts the proxy into control groups of the host. Here these are plain directories.

load helpers

# The kernel's rmdir removes a control group with its files. For plain directories this stand-in does that.
fake_rmdir() {
	printf '%s\n' '#!/bin/sh' 'echo rmdir >>"$FAKE/calls"' 'for dir; do rm -f "$dir"/c*.*; done' \
		"exec $(command -v rmdir) \"\$@\"" >"$FAKE/bin/rmdir"
	chmod 755 "$FAKE/bin/rmdir"
}

# v1: makes three hierarchies, a second name for one, and v2 beside them
v1() {
	fake_rmdir
	mkdir -p "$RUNX_CGROUP/cpu,cpuacct" "$RUNX_CGROUP/cpuset" "$RUNX_CGROUP/unified" "$RUNX_CGROUP/none"
	touch "$RUNX_CGROUP/cpu,cpuacct/cgroup.procs" "$RUNX_CGROUP"/{cpuset,unified}/cgroup.procs \
		"$RUNX_CGROUP/cpuset/cpuset.memory_migrate"
	ln -s cpu,cpuacct "$RUNX_CGROUP/cpu"
	echo 0-7 >"$RUNX_CGROUP/cpuset/cpuset.cpus"
	echo 0 >"$RUNX_CGROUP/cpuset/cpuset.mems"
}

v2() {
	fake_rmdir
	mkdir -p "$RUNX_CGROUP/system.slice"
	touch "$RUNX_CGROUP/cgroup.procs" "$RUNX_CGROUP/system.slice/cgroup.procs"
}

# created PATH [GLOBAL-OPTION…]: creates a container with that cgroupsPath
created() {
	config ".linux.cgroupsPath = \"$1\""
	shift
	runX "$@" create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	succeeds
}

# member GROUP…: the proxy is in exactly these groups
member() {
	local wanted got
	wanted=$(printf "$RUNX_CGROUP/%s\n" "$@" | sort)
	got=$(grep -lx "$(cat "$BATS_TEST_TMPDIR/pid")" -r "$RUNX_CGROUP" | sed 's/.cgroup.procs$//' | sort)
	[ "$got" = "$wanted" ] || { echo "wanted: $wanted" "got: $got" && return 1; }
}

groups() {
	(cd "$RUNX_CGROUP" && find . -mindepth 1 -type d | sort | xargs)
}

@test "cgroups: v2" {
	v2
	created /ns/c1
	member ns/c1
}

@test "cgroups: v2: the groups above hand the controller of memory on, and the proxy knows its group" {
	v2
	touch "$RUNX_CGROUP/cgroup.subtree_control"
	mkdir "$RUNX_CGROUP/system.slice/cgroup.subtree_control" # refuses to be written
	created /system.slice/ns/c1
	member system.slice/ns/c1
	[ "$(cat "$RUNX_CGROUP/cgroup.subtree_control" "$RUNX_CGROUP/system.slice/ns/cgroup.subtree_control" | xargs)" = '+memory +memory' ]
	[ ! -e "$RUNX_CGROUP/system.slice/ns/c1/cgroup.subtree_control" ]
	grep -q "^proxy .* -g $RUNX_CGROUP/system.slice/ns/c1 " "$FAKE/calls"
}

@test "cgroups: v1, once in every hierarchy, and v2 beside it" {
	v1
	created /ns/c1
	member cpu,cpuacct/ns/c1 cpuset/ns/c1 unified/ns/c1
	[ ! -e "$RUNX_CGROUP/none/ns" ]
}

@test "cgroups: a v1 cpuset gets CPUs and memory nodes before it gets the proxy" {
	v1
	created /ns/c1
	[ "$(cat "$RUNX_CGROUP/cpuset/ns/cpuset.cpus" "$RUNX_CGROUP/cpuset/ns/c1/cpuset.cpus" | xargs)" = '0-7 0-7' ]
	[ "$(cat "$RUNX_CGROUP/cpuset/ns/cpuset.mems" "$RUNX_CGROUP/cpuset/ns/c1/cpuset.mems" | xargs)" = '0 0' ]
	[ ! -e "$RUNX_CGROUP/unified/ns/cpuset.cpus" ]
}

@test "cgroups: a path without a leading slash, and one with needless slashes" {
	v2
	created 'ns//./c1/'
	member ns/c1
}

@test "cgroups: without a path or a hierarchy the proxy stays in its group" {
	v2
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(groups)" = ./system.slice ]
	[ ! -e "$RUNX_ROOT/c1/cgroups" ]
	runX delete --force c1
	rm -r "$RUNX_CGROUP"
	created /ns/c1
	[ ! -e "$RUNX_CGROUP" ]
}

@test "cgroups: dots in a path do not lead out of the hierarchy" {
	v2
	created '/a/../../../../../tmp/../x'
	member x
	[ "$(groups)" = './system.slice ./x' ]
	runX delete --force c1
	created '../../y'
	member y
}

@test "cgroups: names with characters that are special to a shell" {
	v2
	created '/a b/*/$(id)`id`;'"'"
	member 'a b/*/$(id)`id`;'"'"
	runX delete --force c1
	succeeds
	[ "$(groups)" = ./system.slice ]
}

@test "cgroups: paths in systemd's notation" {
	v2
	created system.slice:docker:abc --systemd-cgroup
	member system.slice/docker-abc.scope
	runX delete --force c1
	created a-b-c.slice:cri:x --systemd-cgroup
	member a.slice/a-b.slice/a-b-c.slice/cri-x.scope
	runX delete --force c1
	created :libpod:x --systemd-cgroup=true
	member system.slice/libpod-x.scope
	runX delete --force c1
	created -.slice::k.slice --systemd-cgroup
	member k.slice
}

@test "cgroups: without --systemd-cgroup such a text is a plain path" {
	v2
	created system.slice:docker:abc --systemd-cgroup=false
	member system.slice:docker:abc
}

@test "cgroups: malformed paths in systemd's notation" {
	local path
	v2
	for path in /a/b a:b 'a.slice:b:' 'a.slice:../b:c' 'a.slice:b:../c'; do
		config ".linux.cgroupsPath = \"$path\""
		runX --systemd-cgroup create --bundle "$bundle" c1
		fails_with 'linux.cgroupsPath: must be of the form slice:prefix:name with --systemd-cgroup'
	done
	for path in x:y:z a--b.slice:y:z .slice:y:z ../a.slice:y:z; do
		config ".linux.cgroupsPath = \"$path\""
		runX --systemd-cgroup create --bundle "$bundle" c1
		fails_with 'linux.cgroupsPath: invalid slice name'
	done
	nothing_left
}

@test "cgroups: values that are not a path" {
	bad '.linux.cgroupsPath = 5' 'linux.cgroupsPath: must be a string'
	bad '.linux.cgroupsPath = "a\nb"' 'linux.cgroupsPath: must not contain control characters'
}

@test "cgroups: delete removes what create made" {
	v1
	created /ns/c1
	runX delete --force c1
	succeeds
	[ "$(groups)" = './cpu,cpuacct ./cpuset ./none ./unified' ]
	[ "$(calls rmdir)" -eq 1 ]
}

@test "cgroups: delete removes a group whose last process is just ending" {
	v2
	created /ns/c1
	sed -i '3i mkdir "$FAKE/busy" 2>/dev/null && exit 1' "$FAKE/bin/rmdir"
	runX delete --force c1
	succeeds
	[ "$(groups)" = ./system.slice ]
}

@test "cgroups: delete leaves what was there before" {
	v2
	mkdir -p "$RUNX_CGROUP/ns" "$RUNX_CGROUP/mine"
	created /ns/c1
	runX delete --force c1
	[ "$(groups)" = './mine ./ns ./system.slice' ]
	created /mine
	member mine
	runX delete --force c1
	succeeds
	[ "$(groups)" = './mine ./ns ./system.slice' ]
}

@test "cgroups: delete leaves groups that others use" {
	v2
	created /ns/c1
	mkdir "$RUNX_CGROUP/ns/c2"
	runX delete --force c1
	succeeds
	[ "$(groups)" = './ns ./ns/c2 ./system.slice' ]
}

@test "cgroups: if a group cannot be made or entered, create fails and leaves nothing" {
	v2
	: >"$RUNX_CGROUP/file"
	bad '.linux.cgroupsPath = "/file/c1"' 'cannot make the cgroup /file/c1'
	mkdir -p "$RUNX_CGROUP/full/cgroup.procs"
	bad '.linux.cgroupsPath = "/full"' "cannot move the proxy into the cgroup $RUNX_CGROUP/full"
	[ "$(groups)" = './full ./full/cgroup.procs ./system.slice' ]
}

@test "cgroups: one mkdir makes them all, and the proxy is in them before hooks run" {
	v1
	printf '%s\n' '#!/bin/sh' 'echo mkdir >>"$FAKE/calls"' "exec $(command -v mkdir) \"\$@\"" >"$FAKE/bin/mkdir"
	printf '%s\n' '#!/bin/sh' 'grep -q . "$RUNX_CGROUP/unified/ns/c1/cgroup.procs" && echo hooked >>"$FAKE/calls"' >"$FAKE/bin/saw"
	chmod 755 "$FAKE/bin/mkdir" "$FAKE/bin/saw"
	config ".hooks.createRuntime = [{path: \"$FAKE/bin/saw\"}]"
	created /ns/c1
	# At most three calls: for the state root, the state directory and the groups.
	[ "$(calls mkdir)" -le 3 ]
	[ "$(calls hooked)" -eq 1 ]
}
