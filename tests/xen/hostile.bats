#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# VMs whose PID 1 breaks the console protocol (tests/xen/programs/hostile.c): each ends only its own container, with a
# reason, within its time-outs. No process can write the console's ring indices, so tests/fuzz/ring.c tests those. A VM that
# speaks raw 9P (hostile-9p.c). Also bundles and guests that try to make dom0 follow their links.

load helpers
bats_require_minimum_version 1.5.0

broken='the VM broke the console protocol (see docs/guest-interface.md)'
gone='the VM crashed or shut itself down'

# hostile WAY: makes the bundle of a VM that breaks the protocol in this way
hostile() {
	bundle ".process.args = [\"sh\", \"$1\"]"
}

# hostile_conf [SECONDS]: the next VMs have the hostile PID 1, and this start time-out
hostile_conf() {
	conf 'initrd = /usr/local/hostile.initrd' "start_timeout = ${1:-100}"
}

# together WAY…: VMs that break the protocol in these ways, at the same time. $output has a line for each: the way, the status
# of supervise, and what was said: by start if it failed, or else by the container's record of its end. delete leaves nothing
# (teardown checks that).
together() {
	local way all=$id
	hostile_conf
	for way; do
		id=$all-$way
		hostile "$way"
	done
	run --separate-stderr "$bed" run -t 300 sh -c 'all=$1
		shift
		for way; do
			{ supervise "/b/$all-$way" "$all-$way" </dev/null >/dev/null 2>"/b/$all-$way/said"; echo "$?" >"/b/$all-$way/status"; } &
		done
		wait
		for way; do
			read -r status <"/b/$all-$way/status"
			[ "$status" -eq 121 ] || cat "/run/runX/$all-$way/ended" >>"/b/$all-$way/said"
			echo "$way: $status $(cat "/b/$all-$way/said")"
			runX delete "$all-$way"
		done' sh "$all" "$@"
	id=$all
}

# all STATUS WORDS WAY…: the lines of together for VMs that all end like this
all() {
	local way status=$1 words=$2
	shift 2
	for way; do
		echo "$way: $status $words"
	done
}

# killed WAY: the container runs until SIGKILL, and its proxy takes only a few MiB of dom0's memory
killed() {
	hostile "$1"
	hostile_conf
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
	hostile silent
	hostile_conf 10
	create
	says 0 '' ''
	dom0 runX start "$id"
	says 1 '' 'runX: runX start failed: the VM reported no running process within start_timeout (runX.conf)'
	dom0 runX delete "$id"
	says 0 '' ''
}

@test "hostile: another version of the protocol, garbage, no HELLO, an oversize frame, an unknown session, EXITED before STARTED" {
	local ways='version garbage no-hello oversize session exited-early'
	together $ways
	says 0 "$(all 121 "runX: runX start failed: $broken" $ways)" ''
}

@test "hostile: power-off before STARTED, without EXITED, after answers to PINGs that the host has not sent yet, and after all streams are closed" {
	local ways='off-running off-with-pongs off-closed'
	together off-early $ways
	says 0 "off-early: 121 runX: runX start failed: $gone
$(all 255 "$gone" $ways)" ''
}

@test "hostile: STARTED twice, FAILED after STARTED, more credit than the host has used, endless output, output after the stream's and the process's end" {
	local ways='started-twice failed-late too-much-credit output output-after-eof'
	together $ways output-after-exit
	says 0 "$(all 255 "$broken" $ways)
output-after-exit: 7 exited with status 7" ''
}

@test "hostile: impossible times of its start" {
	hostile wild-times
	hostile_conf
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
