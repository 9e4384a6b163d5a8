#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The sandbox of a pod is a container without a VM. The real proxy runs here, because it needs no Xen for that.

load helpers

# sandbox [ANNOTATION]: creates the sandbox c1; $pid is its proxy's pid
sandbox() {
	[ "$(id -u)" -eq 0 ] || skip 'only root makes network namespaces'
	ln -sf "$top/out/$(uname -m)/proxy" "$top/out/$(uname -m)/control" "$FAKE/libexec/"
	config ".annotations = {\"${1:-io.kubernetes.cri.container-type}\": \"sandbox\"}"
	# Without bats' run, which would wait for the proxy, because that has its stdout.
	# shellcheck disable=SC2086 # "busybox sh" is two words
	${RUNX_SHELL:-dash} "$top/runX" create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c1 </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&-
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
}

status_is() {
	runX state c1
	[ "$(jq -r .status <<<"$output")" = "$1" ] || { echo "wanted $1: $output" && return 1; }
}

@test "sandbox: it has no VM, and holds the pod's network namespace until a signal ends it" {
	sandbox
	status_is created
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	runX start c1
	succeeds
	status_is running
	runX kill c1 TERM
	succeeds
	end_process "$pid"
	status_is stopped
	runX delete c1
	succeeds
	nothing_left
	[ ! -s "$FAKE/calls" ]
}

@test "sandbox: it is one process, and SIGKILL ends it" {
	sandbox io.kubernetes.cri-o.ContainerType
	runX start c1
	[ -z "$(cat "/proc/$pid/task/$pid/children")" ]
	runX delete c1
	fails_with 'not stopped: running'
	runX kill c1 KILL
	succeeds
	end_process "$pid"
	runX delete c1
	succeeds
	nothing_left
}

@test "sandbox: delete --force of a running one" {
	sandbox
	runX start c1
	runX delete --force c1
	succeeds
	nothing_left
	[ ! -s "$FAKE/calls" ]
}

@test "sandbox: commands that need a VM are refused" {
	local words
	sandbox
	runX start c1
	for words in 'exec c1 true' 'pause c1' 'resume c1' 'update --memory 64m c1' 'events --stats c1'; do
		# shellcheck disable=SC2086 # a list of words
		runX $words
		fails_with 'container c1: this is the sandbox of a pod, which has no VM'
	done
	runX delete --force c1
	succeeds
}

@test "sandbox: a container of the pod is a VM like any other" {
	config '.annotations = {"io.kubernetes.cri.container-type": "container"}'
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(calls 'xl create')" -eq 1 ]
}

# named NAME PROGRAM: with the bundle changed by this jq program, the guest's host name is NAME
named() {
	cp "$bundle/config.json" "$BATS_TEST_TMPDIR/config.json"
	creates "$2"
	[ "$(records hostname)" = "$1" ]
	runX delete c1
	cp "$BATS_TEST_TMPDIR/config.json" "$bundle/config.json"
}

@test "sandbox: a container that joins the pod's UTS namespace has the pod's name" {
	local joins='(.linux.namespaces[] | select(.type == "uts")).path = "/proc/1/ns/uts"' of_pod='.process.env += ["HOSTNAME=pod"]'
	named pod "del(.hostname) | $joins | $of_pod"
	named runc "$joins | $of_pod"
	named "$(cat /proc/sys/kernel/hostname)" "del(.hostname) | $of_pod"
	named "$(cat /proc/sys/kernel/hostname)" "del(.hostname) | $joins | .process.env += [\"HOSTNAME=$(printf %065d 0)\"]"
	# getenv(3) in the container sees the last entry.
	named last "del(.hostname) | $joins | $of_pod | .process.env += [\"HOSTNAME=last\"]"
	named "$(cat /proc/sys/kernel/hostname)" "del(.hostname) | $joins | $of_pod | .process.env += [\"HOSTNAME=\"]"
}
