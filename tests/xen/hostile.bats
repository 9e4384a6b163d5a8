#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# VMs whose PID 1 breaks the console protocol (tests/helpers/hostile.c): each ends its own container, with
# words, within its time-outs, and nothing else. Ring indices, which no process can write, are
# tests/fuzz/ring.c's.

load helpers
bats_require_minimum_version 1.5.0

broken='the VM broke the console protocol (see docs/guest-interface.md)'
gone='the VM crashed or shut itself down'

# hostile WAY: its bundle
hostile() {
	bundle ".process.args = [\"sh\", \"$1\"]"
	conf 'initrd = /usr/local/hostile.initrd' 'start_timeout = 40'
}

# fails_start WAY WORDS: start says them; delete leaves nothing (teardown looks)
fails_start() {
	hostile "$1"
	create
	says 0 '' ''
	dom0 runX start "$id"
	says 1 '' "runX: runX start failed: $2"
	dom0 runX delete "$id"
	says 0 '' ''
}

# ends WAY STATUS WORDS: it starts, then ends with them
ends() {
	hostile "$1"
	dom0 sh -c "supervise /b/$id $id </dev/null >/dev/null"
	says "$2" '' ''
	dom0 cat "/run/runX/$id/ended"
	says 0 "$3" ''
	dom0 runX delete "$id"
	says 0 '' ''
}

# killed WAY: it runs, with its proxy in a few MiB of dom0's memory, until SIGKILL
killed() {
	hostile "$1"
	create
	dom0 runX start "$id"
	says 0 '' ''
	dom0 sh -c "sed -n 's/^VmHWM://p' /proc/\$(cut -d ' ' -f 2 /run/runX/$id/proxy)/status"
	[ "${output//[!0-9]/}" -lt 8192 ]
	dom0 runX kill "$id" KILL
	says 0 '' ''
	dom0 /usr/libexec/runX/control "/run/runX/$id" wait 60
	says 0 '' ''
	dom0 cat "/run/runX/$id/ended"
	says 0 'killed by signal 9' ''
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "hostile: silence" {
	fails_start silent 'the VM did not report within its start time-out that the process runs'
}

@test "hostile: another version" {
	fails_start version "$broken"
}

@test "hostile: garbage" {
	fails_start garbage "$broken"
}

@test "hostile: no HELLO" {
	fails_start no-hello "$broken"
}

@test "hostile: an oversize frame" {
	fails_start oversize "$broken"
}

@test "hostile: an unknown session" {
	fails_start session "$broken"
}

@test "hostile: EXITED before STARTED" {
	fails_start exited-early "$broken"
}

@test "hostile: off before STARTED" {
	fails_start off-early "$gone"
}

@test "hostile: off without a word" {
	ends off-running 255 "$gone"
}

@test "hostile: off, with answers to questions that come later" {
	ends off-with-pongs 255 "$gone"
}

@test "hostile: off, with all streams closed" {
	ends off-closed 255 "$gone"
}

@test "hostile: STARTED twice" {
	ends started-twice 255 "$broken"
}

@test "hostile: FAILED after STARTED" {
	ends failed-late 255 "$broken"
}

@test "hostile: more credit than the host has used" {
	ends too-much-credit 255 "$broken"
}

@test "hostile: output without end, of credit that it never takes" {
	ends output 255 "$broken"
}

@test "hostile: output after its end" {
	ends output-after-eof 255 "$broken"
}

@test "hostile: output after the process's end" {
	ends output-after-exit 7 'exited with status 7'
}

@test "hostile: silence of what runs" {
	killed mute
}

@test "hostile: a flood" {
	killed flood
}
