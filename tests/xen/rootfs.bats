#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container's root file system, over 9p and as a disk, and further disks.

load helpers
bats_require_minimum_version 1.5.0

@test "rootfs: auto takes 9p where no device is mounted, and the root is the same directory on both sides" {
	with_conf auto
	"$bed" sh "echo from-host >/bundles/busybox/rootfs/tmp/h"
	container '.process.args = ["sh", "-c", "cat /tmp/h; echo from-guest >/tmp/g; grep \" / \" /proc/mounts | cut -d \" \" -f 3"]'
	says 0 "$(printf 'from-host\n9p')" ''
	dom0 cat /bundles/busybox/rootfs/tmp/g
	says 0 from-guest ''
}

root_type='grep " / " /proc/mounts | cut -d " " -f 3'

# device: makes an ext4 file system with busybox, and mounts it at the bundle's rootfs, on a loop device that goes away
# with its last user
device() {
	"$bed" sh "mkdir -p /b/$id/rootfs && mkfs.ext4 -q -d /bundles/busybox/rootfs /b/$id.img 32m &&
		mount -o loop /b/$id.img /b/$id/rootfs"
}

# in_image REQUEST: checks that the image has no errors, and runs this request of debugfs
in_image() {
	dom0 sh -c "e2fsck -fn /b/$id.img >/dev/null 2>&1 && debugfs -R '$1' /b/$id.img 2>/dev/null"
}

@test "rootfs: a disk has the files of the directory, and room to write; /dev has the devices and links of the runtime-spec" {
	with_conf disk
	container "$(runs "test -x /bin/busybox && head -c 20000000 /dev/zero >/big && $root_type"'
			cd /dev; ls -d fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero; echo x >null; echo done >stdout')"
	says 0 "$(printf '%s\n' ext4 fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero 'done')" ''
	dom0 test -e /bundles/busybox/rootfs/big
	says 1 '' ''
}

@test "rootfs: an overlay keeps changes in memory, over a compressed image or an ext4 image" {
	local tool
	with_conf overlay
	"$bed" sh 'mkdir -p /b; cd /bundles/busybox && chmod 751 rootfs; ls rootfs >/b/before'
	for tool in there gone; do
		[ $tool = there ] || "$bed" sh 'mv /usr/bin/mksquashfs /usr/bin/mksquashfs.gone'
		id=t$BATS_TEST_NUMBER-$tool
		container "$(runs "stat -c %a /; $root_type; rm /etc/passwd; >/x; ls -d /x /etc/passwd")"
		[ $tool = there ] || "$bed" sh 'mv /usr/bin/mksquashfs.gone /usr/bin/mksquashfs'
		# mke2fs makes the root directory itself, and does not copy its mode.
		says 1 "$(printf '%s\n' $([ $tool = there ] && echo 751 || echo 755) overlay /x)" 'ls: /etc/passwd: No such file or directory'
	done
	dom0 sh -c 'cd /bundles/busybox && chmod 755 rootfs; ls rootfs | diff - /b/before; ls rootfs/etc/passwd'
	says 0 rootfs/etc/passwd ''
}

@test "rootfs: a device that is mounted at the root is moved from the host to the VM" {
	with_conf auto
	device
	bundle '.root.path = "rootfs" | .process.args = ["sleep", "1000"]'
	create
	says 0 '' ''
	dom0 sh -c "grep -c /b/$id /proc/mounts; ls /b/$id/rootfs; losetup -a | grep -c $id.img; runX start $id
		runX exec $id sh -c 'echo written >/new; $(printf %s "$root_type")'
		runX kill $id KILL; runX delete --force $id; losetup -a; umount /b/$id/rootfs"
	says 32 "$(printf '%s\n' 0 1 ext4)" "umount: /b/$id/rootfs: not mounted."
	in_image 'cat /new'
	says 0 written ''
}

@test "rootfs: a device with a read-only root, and one under an overlay" {
	local how
	for how in true false; do
		with_conf $([ $how = true ] && echo disk || echo overlay)
		id=t$BATS_TEST_NUMBER-$how
		device
		container ".root = {path: \"rootfs\", readonly: $how} | $(runs 'touch /x; ls /x')"
		case $how in
		true) says 1 '' "$(printf '%s\n' 'touch: /x: Read-only file system' 'ls: /x: No such file or directory')" ;;
		false) says 0 /x '' ;;
		esac
		in_image 'ls -p /'
		[[ $status -eq 0 && $output != */x/* ]]
	done
}

@test "rootfs: a device that is in use on the host is not given to a VM" {
	local holder
	with_conf auto
	device
	bundle '.root.path = "rootfs"'
	# First the mount is busy. Then it is unmounted here, but stays mounted in a private mount namespace.
	dom0 sh -c "cd /b/$id/rootfs && runX create --bundle /b/$id $id"
	says 1 '' "runX: root file system /b/$id/rootfs: it is in use on the host, so the VM cannot have its device /dev/loop0 \
(fuser -vm /b/$id/rootfs shows who uses it; rootfs = 9p does not take the device)"
	holder=$("$bed" sh 'unshare -m --propagation private sleep 1000 >/dev/null 2>&1 </dev/null & echo $!')
	dom0 runX create --bundle "/b/$id" "$id"
	"$bed" run kill "$holder"
	says 1 '' 'runX: xl cannot create the VM: /dev/loop0 is in use on the host (mounted?): Resource busy'
}

# loops COUNT: makes so many loop devices, with ext4 images that have a file `name`; prints the devices
loops() {
	"$bed" sh "mkdir -p /b/$id.d && echo content >/b/$id.d/name && for n in \$(seq $1); do
		mkfs.ext4 -q -d /b/$id.d /b/$id-\$n.img 8m >/dev/null && losetup --show -f /b/$id-\$n.img; done"
}

@test "rootfs: block volumes are devices and file systems, read-only if config.json says so" {
	local how
	for how in $roots; do
		with_conf $how
		"$bed" sh 'echo "annotations = disks" >>/etc/runX/runX.conf'
		id=t$BATS_TEST_NUMBER-$how
		# shellcheck disable=SC2046 # a list of devices
		set -- $(loops 3)
		container ".mounts += [{destination: \"/dev/raw\", type: \"bind\", source: \"$1\"},
				{destination: \"/tmp/fs\", type: \"ext4\", source: \"$2\", options: [\"ro\", \"noexec\"]}]
			| .annotations.\"org.lfedge.runx.disks\" = \"$3:/tmp/more:ext4 $2:/dev/again:ro\"
			| $(runs 'cd /tmp; printf RAW | dd of=/dev/raw 2>/dev/null; cat fs/name more/name; echo written >more/x
				grep " ext4 " /proc/mounts | grep /tmp | cut -d " " -f 2,4 | cut -d , -f 1,2
				echo x >fs/x; cat /dev/again | head -c 1 | wc -c; echo x >/dev/again')"
		"$bed" sh "losetup -d $1; losetup -d $2; losetup -d $3; cd /bundles/busybox/rootfs/tmp && rmdir fs more 2>/dev/null; true"
		says 1 "$(printf '%s\n' content content '/tmp/fs ro,noexec' '/tmp/more rw,relatime' 1)" \
			"$(printf '%s\n' "sh: can't create fs/x: Read-only file system" 'sh: write error: Operation not permitted')"
		dom0 sh -c "head -c 3 /b/$id-1.img; e2fsck -fn /b/$id-2.img >/dev/null 2>&1 && echo clean; debugfs -R 'cat /x' /b/$id-3.img 2>/dev/null"
		says 0 "$(printf '%s\n' RAWclean written)" ''
	done
}

@test "rootfs: a volume without the file system that config.json names" {
	with_conf disk
	set -- "$("$bed" sh "truncate -s 8m /b/$id.img; losetup --show -f /b/$id.img")"
	bundle ".mounts += [{destination: \"/data\", type: \"ext4\", source: \"$1\"}]"
	create
	dom0 sh -c "runX start $id; runX delete $id; losetup -d $1"
	says 0 '' 'runX: runX start failed: error mounting "bind" to rootfs at "/data": invalid argument'
}

@test "rootfs: changes in a disk are written back, and the host's mounts in the root are not touched" {
	with_conf disk
	"$bed" sh "echo 'write_back = yes' >>/etc/runX/runX.conf; mkdir -p /b/$id && cd /b/$id && mkdir -p rootfs/bin &&
		cp -a /bundles/busybox/rootfs/etc rootfs && cp /bundles/busybox/rootfs/bin/busybox rootfs/bin &&
		for name in sh ls rm ln chmod touch sleep usleep; do ln -s busybox rootfs/bin/\$name; done &&
		mkdir rootfs/keep rootfs/mounted rootfs/home rootfs/var rootfs/dev rootfs/proc rootfs/sys && echo old >rootfs/keep/file && : >rootfs/gone && cp -a rootfs before &&
		mount -t tmpfs t rootfs/mounted && : >rootfs/mounted/host"
	bundle ".root.path = \"rootfs\" | $(runs 'ls /mounted; rm /gone; echo new >/keep/new; echo newer >>/keep/file; ln -s /etc/passwd /link
		chmod 700 /home; rm -r /var; touch -d 2001-02-03 /etc/passwd; echo x >/var; exec sleep 1000')"
	create
	dom0 sh -c "runX start $id; runX exec $id sh -c 'while [ ! -f /var ]; do usleep 50000; done'
		runX kill $id KILL; /usr/libexec/runX/control /run/runX/$id wait 60; runX delete $id
		cd /b/$id; ls rootfs/mounted; umount rootfs/mounted; diff -r --no-dereference before rootfs
		stat -c '%a %n' rootfs/home; readlink rootfs/link; date -r rootfs/etc/passwd +%F; find rootfs/bin -newer config.json"
	says 0 "$(printf '%s\n' host 'Only in before: gone' 'diff -r --no-dereference before/keep/file rootfs/keep/file' 1a2 '> newer' \
		'Only in rootfs/keep: new' 'Only in rootfs: link' 'File before/var is a directory while file rootfs/var is a regular file' \
		'700 rootfs/home' /etc/passwd 2001-02-03)" ''
}

@test "rootfs: delete --force removes everything that a create leaves that was killed at any moment" {
	local how loop
	loop=$(loops 1)
	"$bed" sh "mkdir -p /b/$id && cp -a /b/$id.d /b/$id/volume"
	bundle ".mounts += [{destination: \"/tmp/v\", type: \"bind\", source: \"volume\"}, {destination: \"/dev/d\", type: \"bind\", source: \"$loop\"}]"
	for how in $roots; do
		with_conf $how
		# The last kill may come after create has ended. That is a moment to test too.
		dom0 sh -c "for when in 0.4 1 1.6; do
			runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1 & sleep \$when; kill -9 \$! 2>/dev/null; runX delete --force $id; leaks | grep -v $loop
		done; true"
		says 0 '' ''
	done
	"$bed" run losetup -d "$loop"
}

@test "rootfs: file systems that the VM itself mounts, in order, with their options; a tmpfs has the mode of the directory that it hides, and with tmpcopyup its content" {
	with_conf disk
	container ".mounts += [{destination: \"/tmp\", type: \"tmpfs\", options: [\"size=1m\", \"mode=1750\", \"noexec\"]},
			{destination: \"/tmp/a/b\", type: \"proc\", source: \"proc\", options: [\"ro\"]},
			{destination: \"/tmp/a\", type: \"tmpfs\", options: [\"nr_inodes=9\"]},
			{destination: \"/tmp/v1\", type: \"cgroup\", source: \"cgroup\", options: [\"memory\", \"ro\"]},
			{destination: \"/tmp/v2\", type: \"cgroup2\", options: [\"nosuid\"]},
			{destination: \"/tmp/pts\", type: \"devpts\", options: [\"newinstance\", \"mode=600\"]},
			{destination: \"/tmp/mq\", type: \"mqueue\"},
			{destination: \"/etc\", type: \"tmpfs\", options: [\"tmpcopyup\", \"nosuid\"]},
			{destination: \"/home\", type: \"tmpfs\", options: [\"mode=1711\", \"ro\"]}]
		| $(runs 'sed -n "s,^[^ ]* \(/tmp[^ ]*\|/dev/[msp][^ ]*\) \([^ ]*\) \([^ ,]*\).*,\1 \2 \3,p" /proc/mounts | sort; stat -c %a /tmp; ls -A /tmp/a
			head -c 2000000 /dev/zero >/tmp/big; stat -c %s /tmp/big; rm /tmp/big
			echo >/tmp/true; chmod 755 /tmp/true; /tmp/true; cat /tmp/v1/cgroup.controllers | wc -l; >/dev/shm/x; ls /dev/shm
			grep -c ^root: /etc/passwd; >/etc/new && stat -c %a /etc/passwd /etc /home; touch /home/x; true')"
	says 0 "$(printf '%s\n' '/dev/mqueue mqueue rw' '/dev/pts devpts rw' '/dev/shm tmpfs rw' '/tmp tmpfs rw' '/tmp/a tmpfs rw' '/tmp/a/b proc ro' \
		'/tmp/mq mqueue rw' '/tmp/pts devpts rw' '/tmp/v1 cgroup2 ro' '/tmp/v2 cgroup2 rw' 1750 1048576 1 x 1 644 755 1711)" \
		"$(printf '%s\n' 'head: standard output: I/O error' 'sh: /tmp/true: Permission denied' 'touch: /home/x: Read-only file system')"
}

@test "rootfs: the guest sees what the host appends to an open file of a 9p root with the next open, and in a bind mount at once" {
	with_conf 9p
	"$bed" sh "mkdir -p /b/$id/volume; cd /b/$id/volume; echo one >log; echo one >single; : >go; echo one >/bundles/busybox/rootfs/tmp/log"
	bundle ".mounts += [{destination: \"/data\", type: \"bind\", source: \"volume\"}, {destination: \"/single\", type: \"bind\", source: \"volume/single\"}]
		| $(runs 'exec 3</tmp/log 4</data/log 5</single; read -r a <&3; read -r b <&4; read -r c <&5; echo $a $b $c; touch /data/read
			while [ ! -s /data/go ]; do usleep 50000; done
			a= b= c=; read -r a <&3; read -r b <&4; read -r c <&5; echo "$a,$b,$c"; tail -n 1 /tmp/log
			exec 3<&-; tail -n 1 /tmp/log; tail -n 1 /data/log; tail -n 1 /single')"
	dom0 sh -c "cd /b/$id/volume; supervise /b/$id $id >/b/$id/out & while [ ! -f read ]; do sleep 0.1; done
		for file in log single /bundles/busybox/rootfs/tmp/log; do echo two >>\$file; done; echo go >go; wait
		cat /b/$id/out; rm -f /bundles/busybox/rootfs/tmp/log; runX delete $id"
	says 0 "$(printf '%s\n' 'one one one' ,two,two two two two two)" ''
}

# Without kernel-config/9p-memory.patch a request of 256 KiB needs memory in one piece. If there was none, Linux lost the data that
# it should write.
@test "rootfs: 9p loses nothing when memory is scarce and in pieces" {
	conf 'rootfs = 9p' 'memory = 64'
	container "$(runs 'awk "BEGIN { for (i = 0; i < 5000; i++) { file = \"/dev/shm/\" i; printf \"%4096d\", i >file; close(file) } }"
		available=$(sed -n "s/^MemAvailable: *\([0-9]*\) kB/\1/p" /proc/meminfo)
		head -c $((available - 5000))k /dev/zero >/dev/shm/full
		rm /dev/shm/*[13579]
		seq 1000000 >/tmp/0 && for i in 1 2 3; do dd if=/tmp/$((i - 1)) of=/tmp/$i bs=1M 2>/dev/null || exit; done')"
	says 0 '' ''
	dom0 sh -c 'cd /bundles/busybox/rootfs/tmp; for i in 0 1 2 3; do seq 1000000 | cmp - $i; done; rm -f ?'
	says 0 '' ''
}
