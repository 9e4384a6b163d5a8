#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of a container on real Xen, from create to delete.

load helpers
bats_require_minimum_version 1.5.0

# bats test_tags=core
@test "lifecycle: stdout and stderr are separate, and the exit status is 42" {
	container '.process.args = ["sh", "-c", "echo out; echo err >&2; exit 42"]'
	says 42 out err
}

@test "lifecycle: with a missing program create fails, says so, and leaves nothing" {
	bundle '.process.args = ["nosuch"]'
	dom0 runX --log /b/log --log-format json create --bundle "/b/$id" "$id"
	says 1 '' 'runX: runX create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
	dom0 cat /b/log
	[ "$(jq -r .level <<<"$output")" = error ]
}

# bats test_tags=core
@test "lifecycle: if only the guest can find that the program is missing, start fails" {
	bundle '.process.args = ["/dev/shm/nosuch"]'
	dom0 supervise "/b/$id" "$id"
	[ "$status" -eq 121 ]
	[ "$stderr" = 'runX: runX start failed: exec: "/dev/shm/nosuch": no such file or directory' ]
	dom0 runX delete "$id"
	says 0 '' ''
}

# bats test_tags=core
@test "lifecycle: the states from created to stopped, and the commands that each refuses" {
	bundle '.process.args = ["cat"]'
	"$bed" sh "mkfifo /b/$id/in; runX create --bundle /b/$id --pid-file /b/$id/pid $id <>/b/$id/in >/b/$id/out 2>&1"
	dom0 runX state "$id"
	[ "$(jq -r '.status, .id, .bundle' <<<"$output" | xargs)" = "created $id /b/$id" ]
	[ "$(jq .pid <<<"$output")" = "$("$bed" run cat "/b/$id/pid")" ]
	[[ $("$bed" run xl list) == *"rx-$id "*"--p---"* ]]

	dom0 runX start "$id"
	says 0 '' ''
	dom0 runX state "$id"
	[ "$(jq -r .status <<<"$output")" = running ]
	dom0 runX start "$id"
	says 1 '' "runX: container $id: cannot start an already running container"
	dom0 runX delete "$id"
	says 1 '' "runX: cannot delete container $id that is not stopped: running (kill it, or use --force)"

	dom0 runX kill "$id" KILL
	says 0 '' ''
	"$bed" run /usr/libexec/runX/control "/run/runX/$id" wait 60
	dom0 runX state "$id"
	[ "$(jq -r '.status, .pid' <<<"$output" | xargs)" = "stopped 0" ]
	dom0 runX kill "$id"
	says 1 '' "runX: container $id: container not running"
	dom0 runX start "$id"
	says 1 '' "runX: container $id: cannot start a container that has stopped"
	dom0 runX delete "$id"
	says 0 '' ''
	dom0 runX delete "$id"
	says 1 '' "runX: container $id: container does not exist"
}

# bats test_tags=core
@test "lifecycle: arguments and environment arrive byte for byte" {
	container '.process.args = ["sh", "-c", "printf \"<%s>\" \"$@\"; printf \"{%s}\" \"$V\"", "sh",
		"", "a  b", "q\"q", "\\back\\", "new\nline\n", "$HOME `id` %s ;&|", "é☃", "*", "-n"]
		| .process.env += ["V=x\ny \\\"'"'"'"]'
	[ "$status" -eq 0 ]
	[ "$output" = '<><a  b><q"q><\back\><new
line
><$HOME `id` %s ;&|><é☃><*><-n>{x
y \"'"'"'}' ]
}

# bats test_tags=core
@test "lifecycle: the process is pid 1, its child is killed by a signal, and its orphans end with it" {
	container '.process.args = ["sh", "-c", "echo $$; (sleep 1000 >/dev/null 2>&1 &); sh -c \"kill -SEGV \\$\\$\"; exit $?"]'
	says 139 1 'Segmentation fault'
}

# bats test_tags=core
@test "lifecycle: a trace has all parts in order, those of the host and those of the VM" {
	local beside
	bundle '.process.args = ["echo", "hello"]'
	dom0 sh -c "export RUNX_TRACE=/b/$id/trace; supervise /b/$id $id && runX delete $id && runX timeline /b/$id/trace >&2"
	[ "$output" = hello ]
	echo "$stderr"
	[[ ${stderr_lines[0]} == "$id: "*' s from the first line to the last' ]]
	dom0 sort -s -n -k 1,1 "/b/$id/trace"
	# The order of these parts varies, because they run beside the others.
	beside='proxy (connect|wait for start|boot|end)|start (wait for process|end)|delete (options|wait for guardian)'
	[ "$(cut -f 3,5 <<<"$output" | tr '\t' ' ' | grep -cxE "$beside")" -eq 8 ]
	diff - <(cut -f 3,5 <<<"$output" | tr '\t' ' ' | grep -vxE "$beside") <<-END
		create options
		create settings
		create plan
		create network
		create root
		create boot
		create xl create
		create proxy
		create publish
		create end
		start options
		start network
		start xl unpause
		guest kernel
		guest init
		guest root
		guest process
		guest running
		proxy running
		proxy output
		guest end
		proxy over
		guardian destroy
		guardian wait for files
		guardian end
		delete remove
		delete end
	END
}

# bats test_tags=core
@test "lifecycle: five containers at the same time" {
	local n
	bundle '.process.args = ["sh", "-c", "cat; exit 3"]'
	dom0 sh -c "for n in 1 2 3 4 5; do
		{ echo in \$n | supervise /b/$id $id-\$n >/b/$id/out-\$n 2>&1; echo \$? >>/b/$id/out-\$n; } &
	done; wait; cat /b/$id/out-*; for n in 1 2 3 4 5; do runX delete $id-\$n; done"
	says 0 "$(for n in 1 2 3 4 5; do printf 'in %s\n3\n' $n; done)" ''
}

@test "lifecycle: delete --force removes everything that a killed create has left" {
	bundle '.process.args = ["cat"]'
	# create is killed just after xl has made the domain. That is a bad moment: nobody knows of the domain but the proxy, if it has
	# got so far.
	"$bed" sh "mkdir /b/bin; printf '%s\n' '#!/bin/sh' '/usr/sbin/xl \"\$@\"; rc=\$?' \
		'kill -9 \$PPID; exit \$rc' >/b/bin/xl; chmod 755 /b/bin/xl"
	dom0 sh -c "PATH=/b/bin:\$PATH runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1"
	[ "$status" -eq 137 ]
	[[ $("$bed" run xl list) == *"rx-$id "* ]]
	dom0 runX delete --force "$id"
	says 0 '' ''
	dom0 runX delete --force "$id"
	says 0 '' ''
}
