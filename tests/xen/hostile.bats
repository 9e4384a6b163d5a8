#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# VMs whose PID 1 breaks the console protocol (tests/xen/programs/hostile.c): each ends only its own container, with a
# reason, within its time-outs. No process can write the console's ring indices, so tests/fuzz/ring.c tests those. A VM that
# speaks raw 9P (hostile-9p.c). Also bundles and guests that try to make dom0 follow their links.

load helpers
bats_require_minimum_version 1.5.0

broken='the VM broke the console protocol (see docs/guest-interface.md)'
gone='the VM crashed or shut itself down'

# hostile WAY [SECONDS]: makes the bundle of a VM that breaks the protocol in this way, and sets its start time-out
hostile() {
	bundle ".process.args = [\"sh\", \"$1\"]"
	conf 'initrd = /usr/local/hostile.initrd' "start_timeout = ${2:-40}"
}

# fails_start WAY WORDS [SECONDS]: start fails with these words, and delete leaves nothing (teardown checks that)
fails_start() {
	hostile "$1" "${3:-}"
	create
	says 0 '' ''
	dom0 runX start "$id"
	says 1 '' "runX: runX start failed: $2"
	dom0 runX delete "$id"
	says 0 '' ''
}

# ends WAY STATUS WORDS: the container starts, then ends with this status and reason
ends() {
	hostile "$1"
	dom0 sh -c "supervise /b/$id $id </dev/null >/dev/null"
	says "$2" '' ''
	dom0 cat "/run/runX/$id/ended"
	says 0 "$3" ''
	dom0 runX delete "$id"
	says 0 '' ''
}

# killed WAY: the container runs until SIGKILL, and its proxy takes only a few MiB of dom0's memory
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

@test "hostile: it never sends anything" {
	fails_start silent 'the VM reported no running process within start_timeout (runX.conf)' 10
}

@test "hostile: another version of the protocol" {
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

@test "hostile: power-off before STARTED" {
	fails_start off-early "$gone"
}

@test "hostile: power-off without EXITED" {
	ends off-running 255 "$gone"
}

@test "hostile: power-off, after answers to PINGs that the host has not sent yet" {
	ends off-with-pongs 255 "$gone"
}

@test "hostile: power-off, after it has closed all streams" {
	ends off-closed 255 "$gone"
}

@test "hostile: STARTED twice" {
	ends started-twice 255 "$broken"
}

@test "hostile: FAILED after STARTED" {
	ends failed-late 255 "$broken"
}

@test "hostile: it gives more credit than the host has used" {
	ends too-much-credit 255 "$broken"
}

@test "hostile: endless output, while it never reads the credit" {
	ends output 255 "$broken"
}

@test "hostile: output after the end of the stream" {
	ends output-after-eof 255 "$broken"
}

@test "hostile: output after the process's end" {
	ends output-after-exit 7 'exited with status 7'
}

@test "hostile: impossible times of its start" {
	hostile wild-times
	dom0 sh -c "export RUNX_TRACE=/b/$id/trace; runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1 && runX start $id && runX delete --force $id && runX timeline /b/$id/trace"
	[ "$status" -eq 0 ]
	[[ $output == *'guest     kernel'*'guest     running'* ]]
}

@test "hostile: silence after STARTED" {
	killed mute
}

@test "hostile: a flood of valid frames" {
	killed flood
}

@test "hostile: raw 9P gets nothing but the share, nothing holds up the ring, and a broken ring ends the container with a reason" {
	conf 'rootfs = 9p' 'kernel = /boot/vmlinuz' 'initrd = /usr/local/raw.initrd' 'memory = 160' 'start_timeout = 200'
	bundle '.root = {path: "rootfs"}'
	"$bed" sh "cp -a /bundles/busybox/rootfs /b/$id/ && mkdir /b/$id/modules && cd /b/$id &&
		cp \$(modinfo -n xen-gntalloc xen-evtchn) modules && printf '%s\n' modules modules/* | busybox cpio -o -H newc >modules.cpio &&
		cat /usr/local/hostile-9p.initrd modules.cpio >/usr/local/raw.initrd
		echo secret >/b/secret; chmod 600 /b/secret; { ls -A / /etc; stat -c '%n %A %u %Y' /b /b/secret; } >before"
	create
	says 0 '' ''
	run --separate-stderr "$bed" run -t 300 runX start "$id"
	says 1 '' 'runX: runX start failed: the VM broke the rules of a 9P ring: an index of it makes no sense'
	dom0 cat "/b/$id/rootfs/report"
	says 0 "$(printf '%s\n' 'names that lead elsewhere' links 'special files' 'sizes and offsets' 'locks that wait' noise 'two rings')" ''
	dom0 sh -c "cat /b/secret; { ls -A / /etc; stat -c '%n %A %u %Y' /b /b/secret; } | diff /b/$id/before -
		rm /b/secret /usr/local/raw.initrd"
	says 0 secret ''
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "hostile: links in a bundle, and mounts over them, do not lead to files of the host" {
	local how
	for how in $roots; do
		with_conf $how
		id=t$BATS_TEST_NUMBER-$how
		"$bed" sh "mkdir -p /b/$id/victim /b/$id/volume && cd /b/$id && : >victim/file && cp -a /bundles/busybox/rootfs real && ln -s real rootfs
			cd real && rm -rf dev etc && ln -s /b/$id/victim dev && ln -s ../../../../b/$id/victim etc && ln -s loop loop && ln -s /proc/1/root out
			ls -A / /b/$id/victim /etc >/b/$id/before"
		bundle ".root = {path: \"rootfs\"} | .mounts += [{destination: \"/etc/new\", type: \"tmpfs\"}, {destination: \"/../../b/$id/victim/up\", type: \"tmpfs\"},
				{destination: \"/out/b/$id/victim/bound\", type: \"bind\", source: \"volume\"}]
			| .hostname = \"x\" | $(runs 'echo x >/etc/passwd; echo x >/dev/null; ls -A /etc/; readlink /dev')"
		dom0 supervise "/b/$id" "$id"
		"$bed" run runX delete "$id"
		# /out leads through the container's own /proc to its own root.
		says 0 "$(printf '%s\n' bound fd full mqueue new null passwd ptmx pts random shm stderr stdin stdout tty up urandom zero "/b/$id/victim")" ''
		dom0 sh -c "ls -A / /b/$id/victim /etc | diff /b/$id/before -"
		says 0 '' ''
		bundle '.root = {path: "rootfs"} | .mounts += [{destination: "/loop/x", type: "tmpfs"}]'
		create
		dom0 runX start "$id"
		says 1 '' 'runX: runX start failed: error mounting "" to rootfs at "/loop/x": symbolic link loop'
		"$bed" run runX delete "$id"
	done
}

@test "hostile: devices and setuid files that a guest makes in a share, and a directory that it swaps for a link during a copy" {
	local volume='.mounts += [{destination: "/data", type: "bind", source: "/b/'"$id"'/share"}]'
	"$bed" sh "mkdir -p /b/$id/secrets /b/$id/share && : >/b/$id/secrets/secret && cd /b/$id && mount -t tmpfs -o nosuid,nodev t share && mkdir share/d"
	with_conf 9p
	bundle "$volume | .process.capabilities |= map_values(. + [\"CAP_MKNOD\"])
		| $(runs "cd /data; mknod disk b 254 0; cp /bin/busybox suid; chmod 4755 suid; ln -s /b/$id/secrets e; touch ready
			while :; do mv d f; mv e d; mv d e; mv f d; done")"
	dom0 sh -c "runX create --bundle /b/$id $id </dev/null >/b/$id/out 2>&1; runX start $id; cd /b/$id; while [ ! -e share/ready ]; do sleep 0.1; done
		[ -e share/disk ] && head -c 1 share/disk 2>/dev/null; stat -c %a share/suid"
	# The device is made, but must not work on the host.
	says 0 4755 ''
	# A second container gets a copy of the same directory. It may fail, but must not contain the link's target.
	with_conf disk
	jq '.process.terminal = false | .root = {path: "/bundles/busybox/rootfs"} | .process.args = ["find", "/data", "-name", "secret"]'" | $volume" \
		"$top/tests/bed/config.json" | "$bed" sh "mkdir /b/$id-2 && cat >/b/$id-2/config.json"
	for n in 1 2; do
		dom0 sh -c "runX run --bundle /b/$id-2 $id-2 2>&1 | grep -v 'cannot read all of it\|cannot make a disk image'"
		[ -z "$output" ]
	done
	"$bed" sh "runX delete --force $id; umount /b/$id/share"
}
