#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container's root file system, by 9p and as a disk.

load helpers
bats_require_minimum_version 1.5.0

with_conf() {
	conf "rootfs = $1" ${2:+"guest_type = $2"}
}

@test "rootfs: 9p is the directory itself, on both sides" {
	needs_9p
	with_conf 9p
	"$bed" sh "echo from-host >/bundles/busybox/rootfs/tmp/h"
	container '.process.args = ["sh", "-c", "cat /tmp/h; echo from-guest >/tmp/g; grep \" / \" /proc/mounts | cut -d \" \" -f 3"]'
	says 0 "$(printf 'from-host\n9p')" ''
	dom0 cat /bundles/busybox/rootfs/tmp/g
	says 0 from-guest ''
}

@test "rootfs: a disk has what the directory had, and room to write" {
	with_conf disk
	container '.process.args = ["sh", "-c", "test -x /bin/busybox && head -c 20000000 /dev/zero >/big && grep \" / \" /proc/mounts | cut -d \" \" -f 3"]'
	says 0 ext4 ''
	dom0 test -e /bundles/busybox/rootfs/big
	says 1 '' ''
}

@test "rootfs: auto takes 9p where a QEMU for Xen is installed, else a disk" {
	with_conf auto
	container '.process.args = ["sh", "-c", "grep \" / \" /proc/mounts | cut -d \" \" -f 3"]'
	says 0 "$(case $roots in disk) echo ext4 ;; *) echo 9p ;; esac)" ''
}

@test "rootfs: a read-only root is, and its mounts are not" {
	local how
	for how in $roots; do
		with_conf $how
		id=$id-$how
		container '.root.readonly = true | .process.args = ["sh", "-c", "touch /x; touch /dev/shm/x && echo shm"]'
		says 0 shm 'touch: /x: Read-only file system'
	done
}

@test "rootfs: /dev has what the specification names" {
	with_conf disk
	container '.process.args = ["sh", "-c", "cd /dev; ls -d fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero; echo x >null; echo done >stdout"]'
	says 0 "$(printf '%s\n' fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero done)" ''
}

@test "rootfs: PVH boots a disk" {
	with_conf disk pvh
	container '.process.args = ["echo", "pvh"]'
	says 0 pvh ''
}

@test "rootfs: PVH boots 9p" {
	needs_9p
	with_conf 9p pvh
	container '.process.args = ["echo", "pvh"]'
	says 0 pvh ''
}

@test "rootfs: a tmpfs has the mode of the directory that it hides, and by tmpcopyup what is in it" {
	with_conf disk
	container '.mounts += [{destination: "/etc", type: "tmpfs", options: ["tmpcopyup", "nosuid"]},
			{destination: "/home", type: "tmpfs", options: ["mode=1711", "ro"]}]
		| .process.args = ["sh", "-c", "grep -c ^root: /etc/passwd; >/etc/new && stat -c %a /etc/passwd /etc /home; touch /home/x; true"]'
	says 0 "$(printf '%s\n' 1 644 755 1711)" 'touch: /home/x: Read-only file system'
}
