#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals: through runX kill, and straight to the proxy, as engines send them.

load helpers
bats_require_minimum_version 1.5.0

# running PROGRAM: a container that prints "ready" and then waits; what it prints goes to /b/$id/out
running() {
	bundle "$1"
	"$bed" sh "cd /b/$id && mkfifo out
		{ supervise /b/$id $id >out 2>err </dev/null; echo \$? >status; } </dev/null >/dev/null 2>&1 &
		read -r line <out && [ \"\$line\" = ready ]"
}

# ended: waits for supervise's end, and gives the container's status
ended() {
	dom0 sh -c "until [ -s /b/$id/status ]; do /usr/libexec/runX/control /run/runX/$id wait 100; done; cat /b/$id/status"
	"$bed" run runX delete "$id"
}

trap_script() {
	echo '.process.args = ["sh", "-c", "trap \"exit 33\" '"$1"'; echo ready; while :; do sleep 1000 & wait; done"]'
}

@test "kill: TERM reaches a handler" {
	running "$(trap_script TERM)"
	dom0 runX kill "$id" TERM
	says 0 '' ''
	ended
	says 0 33 ''
}

@test "kill: a number reaches a handler" {
	running "$(trap_script USR2)"
	dom0 runX kill "$id" 12
	says 0 '' ''
	ended
	says 0 33 ''
}

@test "kill: TERM without a handler is ignored by pid 1, KILL is not" {
	running '.process.args = ["sh", "-c", "echo ready; exec sleep 1000"]'
	dom0 runX kill "$id" TERM
	says 0 '' ''
	dom0 runX state "$id"
	[ "$(jq -r .status <<<"$output")" = running ]
	dom0 runX kill "$id" KILL
	says 0 '' ''
	ended
	says 0 137 ''
}

@test "kill: --all reaches what the process has started" {
	running '.process.args = ["sh", "-c", "sh -c \"trap \\\"exit 34\\\" TERM; echo ready; while :; do sleep 1000 & wait; done\"; exit $?"]'
	dom0 runX kill --all "$id" TERM
	says 0 '' ''
	ended
	says 0 34 ''
}

@test "kill: a signal to the proxy itself is the process's" {
	running "$(trap_script HUP)"
	dom0 sh -c "kill -HUP \$(cut -d ' ' -f 2 /run/runX/$id/proxy)"
	says 0 '' ''
	ended
	says 0 33 ''
}

@test "kill: SIGKILL of the proxy destroys the VM" {
	running "$(trap_script TERM)"
	dom0 sh -c "kill -9 \$(cut -d ' ' -f 2 /run/runX/$id/proxy)"
	ended
	says 0 137 ''
}

@test "kill: KILL of a VM that hangs" {
	running "$(trap_script TERM)"
	dom0 sh -c "xl pause rx-$id && runX kill $id KILL"
	says 0 '' ''
	ended
	says 0 137 ''
}

@test "kill: a VM destroyed from outside ends its container" {
	running "$(trap_script TERM)"
	dom0 xl destroy "rx-$id"
	ended
	says 0 255 ''
}

@test "kill: a VM whose kernel crashes ends its container" {
	running "$(trap_script TERM)"
	dom0 sh -c "xl sysrq rx-$id c"
	ended
	says 0 255 ''
}
