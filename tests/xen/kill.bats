#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals, through runX kill and directly to the proxy, as engines send them.

load helpers
bats_require_minimum_version 1.5.0

# running PROGRAM: starts a container that prints "ready" and then waits; its output goes to /b/$id/out
running() {
	bundle "$1"
	"$bed" sh "cd /b/$id && mkfifo out
		{ supervise /b/$id $id >out 2>err </dev/null; echo \$? >status; } </dev/null >/dev/null 2>&1 &
		read -r line <out && [ \"\$line\" = ready ]"
}

# ended: waits for supervise's end; $output is the container's status
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

@test "kill: pid 1 ignores TERM without a handler, but not KILL" {
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

@test "kill: --all reaches the children of the process" {
	running '.process.args = ["sh", "-c", "sh -c \"trap \\\"exit 34\\\" TERM; echo ready; while :; do sleep 1000 & wait; done\"; exit $?"]'
	dom0 runX kill --all "$id" TERM
	says 0 '' ''
	ended
	says 0 34 ''
}

@test "kill: SIGKILL of the proxy destroys the VM" {
	running "$(trap_script TERM)"
	dom0 sh -c "kill -9 \$(cut -d ' ' -f 2 /run/runX/$id/proxy)"
	ended
	says 0 137 ''
}

@test "kill: SIGKILL of the file server ends the container, which says why" {
	running "$(trap_script TERM) | .annotations = {\"org.lfedge.runx.rootfs\": \"9p\"}"
	dom0 sh -c "kill -9 \$(cut -d ' ' -f 2 /run/runX/$id/files)"
	says 0 '' ''
	dom0 /usr/libexec/runX/control "/run/runX/$id" wait 60
	says 0 '' ''
	dom0 cat "/run/runX/$id/ended"
	says 0 'the file server of the VM crashed or was killed' ''
	ended
	says 0 255 ''
}

@test "kill: KILL ends a VM that hangs" {
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

# tests/xen/programs/signals.c prints each signal that it gets, and the input that it could read before it.
@test "kill: all signals arrive, in order with data, one by one and all at once, also in a busy VM" {
	bundle '.process.args = ["/signals"]
		| .mounts += [{destination: "/signals", type: "bind", source: "/usr/local/bin/signals", options: ["bind", "ro"]}]'
	"$bed" sh "cat >/b/$id/test" <<-'END'
		id=$1
		signals=({1..8} {10..18} {20..64}) # no process can take KILL and STOP

		# hears LINE: the container's next line is this
		hears() {
			read -r -t 60 line <&3 && [ "$line" = "$1" ] || echo "wanted '$1', got '$line'"
		}

		# each COMMAND…: sends each signal by the command, with a line of stdin before it
		each() {
			local n
			for n in "${signals[@]}"; do
				echo "word $n" >&4
				"$@" "$n"
				hears "$n: word $n"
			done
		}

		to_proxy() {
			kill "-$1" "$proxy"
		}

		cd "/b/$id" && mkfifo in out
		supervise . "$id" <in >out &
		supervise=$!
		exec 4>in 3<out
		hears ready
		read -r _ proxy _ <"/run/runX/$id/proxy"
		each to_proxy
		each runX kill "$id"
		runX kill "$id" STOP
		[ "$(runX exec "$id" cut -d ' ' -f 3 /proc/1/stat)" = T ] || echo 'it does not stop'
		echo late >&4
		runX kill "$id" CONT
		hears '18: late'
		echo busy >&4
		hears busy
		each to_proxy
		unset 'signals[16]' # CONT: the kernel drops it when a stop signal comes, and drops stop signals when CONT comes
		for n in "${signals[@]}"; do
			to_proxy "$n"
		done
		got=$(for n in "${signals[@]}"; do read -r -t 60 line <&3; echo "$line"; done | sort -n)
		[ "$got" = "$(printf '%s:\n' "${signals[@]}")" ] || echo "all at once, they were" $got
		exec 4>&-
		wait "$supervise" || echo "its status is $?"
		runX delete "$id"
	END
	dom0 bash "/b/$id/test" "$id"
	says 0 '' ''
}
