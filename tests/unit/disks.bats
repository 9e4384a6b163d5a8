#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Disks of a VM: images of the root, a device that is mounted at the root, and block volumes.

load helpers

# disk_root ROOTFS PROGRAM: creates c1 with this kind of root
disk_root() {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	echo "rootfs = $1" >>"$RUNX_CONF"
	creates "$2"
}

# setup_device: makes a block device at $device, which nobody opens
setup_device() {
	device=$BATS_TEST_TMPDIR/device
	mknod "$device" b 7 250 || skip 'only root may make devices'
}

# mounted LINE…: prints which device lib/json/mounts.jq finds in this mountinfo at /b/c/rootfs
mounted() {
	printf '%s\n' "$@" | jq -Rsr "$(cat "$top/lib/json/values.jq" "$top/lib/json/process.jq" "$top/lib/json/mounts.jq") mounted_device(\"/b/./c//rootfs/\")"
}

@test "disks: a read-only root is a compressed image, under a layer for mount points" {
	disk_root disk '.root.readonly = true'
	grep -q '^disk = \[ "[^"]*vdev=xvda,access=ro,[^"]*/rootfs.img" \]$' "$FAKE/xl.cfg"
	[ "$(records root.type) $(records root.overlay) $(records root.readonly)" = 'squashfs true true' ]
	unsquashfs -d "$BATS_TEST_TMPDIR/out" "$FAKE/rootfs.img" >/dev/null
	diff -r "$bundle/rootfs" "$BATS_TEST_TMPDIR/out"
}

@test "disks: images lose their names once the VM has them, and a failed create leaves none" {
	disk_root disk '.root.readonly = false'
	[ "$(cat "$RUNX_ROOT/c1/images")" = "$BATS_TEST_TMPDIR/images/$(cat "$RUNX_ROOT/c1/uuid")" ]
	[ -z "$(ls "$BATS_TEST_TMPDIR/images")" ]
	runX delete --force c1
	export XL_FAIL=create XL_SAYS='libxl: error: libxl_dm.c:1:spawn: Domain 3:unable to add disk devices'
	bad . 'xl cannot create the VM: unable to add disk devices'
	echo "images = /proc/nowhere" >>"$RUNX_CONF"
	bad . 'for disk images (images in runX.conf says where they are made)'
}

@test "disks: create reports the message of the hotplug script" {
	export XL_FAIL=create XL_SAYS='xc: error: panic: xg_dom_core.c:374: xc_dom_do_gunzip: inflate failed (rc=-5): Internal error
/dev/loop1 is in use on the host (mounted?): Resource busy
libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: /usr/libexec/runX/block add [270] exited with error status 125
libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: /dev/loop1 is in use on the host (mounted?): Resource busy
libxl: error: libxl_create.c:1672:domcreate_launch_dm: Domain 3:unable to add disk devices'
	bad . 'xl cannot create the VM: /dev/loop1 is in use on the host (mounted?): Resource busy'
}

@test "disks: overlay does the same with a writable root" {
	disk_root overlay '.root.readonly = false'
	[ "$(records root.type) $(records root.overlay) $(records root.readonly)" = 'squashfs true false' ]
}

@test "disks: an image has the headroom that runX.conf or an annotation asks for, and is sparse" {
	echo 'disk_headroom = 1000' >>"$RUNX_CONF"
	disk_root disk '.root.readonly = false'
	[ "$(stat -c %s "$FAKE/rootfs.img")" -ge 1048576000 ]
	[ "$(stat -c %b "$FAKE/rootfs.img")" -lt 20000 ]
	runX delete --force c1
	creates '.annotations."org.lfedge.runx.disk_headroom" = "10"'
	[ "$(stat -c %s "$FAKE/rootfs.img")" -lt 12000000 ]
}

@test "disks: more content than disk_max is not packed, and in a compressed image holes are content" {
	ln "$bundle/rootfs/bin/sh" "$bundle/rootfs/bin/ash"
	truncate -s 8T "$bundle/rootfs/sparse"
	echo 'disk_max = 2' >>"$RUNX_CONF"
	echo 'rootfs = disk' >>"$RUNX_CONF"
	bad '.root.readonly = true' "$bundle/rootfs: its files have more than 2 MiB (disk_max in runX.conf), with the holes in them"
	# Two names of a file are one file.
	truncate -s 1500K "$bundle/rootfs/sparse"
	ln "$bundle/rootfs/sparse" "$bundle/rootfs/other"
	creates .
	runX delete --force c1
	head -c 3M /dev/zero >"$bundle/rootfs/full"
	bad '.root.readonly = false' "root file system $bundle/rootfs: its files have more than 2 MiB (disk_max in runX.conf)"
	echo 'disk_max = 4' >>"$RUNX_CONF"
	creates .
}

@test "disks: the image of the root has no files of mounts in the root" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	mkdir "$bundle/rootfs/sub"
	printf '%s\n' 'rootfs = disk' >>"$RUNX_CONF"
	config '.root.readonly = false'
	# shellcheck disable=SC2016 # variables of the shell in the namespace
	run unshare -m sh -c 'mount -t tmpfs t "$1/rootfs/sub" && : >"$1/rootfs/sub/x" && exec "$2" create --bundle "$1" c1 </dev/null 3>&-' \
		sh "$bundle" "$top/runX"
	succeeds
	[ "$(debugfs -R 'ls -p /sub' "$FAKE/rootfs.img" 2>/dev/null | grep -c /x/)" -eq 0 ]
}

@test "disks: a bind mount of a block device is a disk, beside a 9p root, and needs no share" {
	setup_device
	creates ".mounts += [{destination: \"/dev/data\", type: \"bind\", source: \"$device\", options: [\"ro\"]}]"
	grep -q "^disk = \[ \"format=raw,vdev=xvda,access=ro,[^\"]*target=$device\" \]$" "$FAKE/xl.cfg"
	[[ $(grep ^files "$FAKE/calls") == *' root 0' ]]
	[ "$(records disk)" = '0:/dev/xvda:ro:' ]
	[ "$(records mount.type | tail -n 1) $(records mount.source | tail -n 1)" = 'bind 0' ]
}

@test "disks: a file system on a block device, after other mounts" {
	setup_device
	mkdir "$bundle/volume"
	disk_root disk ".root.readonly = false | .mounts += [{destination: \"/v\", type: \"bind\", source: \"volume\"},
		{destination: \"/data\", type: \"ext3\", source: \"$device\", options: [\"noatime\", \"ro\", \"rw\"]}]"
	grep -q "vdev=xvda,[^ ]*/rootfs.img\", \"[^ ]*vdev=xvdb,access=rw,[^ ]*target=$device\", \"[^ ]*vdev=xvdc,[^ ]*/binds.img\" \]" "$FAKE/xl.cfg"
	[ "$(records disk)" = '1:/dev/xvdb:rw:ext4' ]
	[ "$(records binds.source)" = /dev/xvdc ]
	[ "$(records mount.source | tail -n 2 | xargs) $(records mount.option | tail -n 3 | xargs)" = '0 1 noatime ro rw' ]
}

@test "disks: a file system whose source is not a block device" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	bad '.mounts += [{destination: "/data", type: "ext4", source: "/etc/passwd"}]' \
		'error mounting "/etc/passwd" to rootfs at "/data": the source is not a block device'
	bad '.mounts[-1].source = "/etc"' 'the source is not a block device'
	bad '.mounts[-1] += {source: "/dev/x", options: ["data=journal"]}' 'options: runX does not pass the option data=journal on to the file system of a disk'
}

@test "disks: more than a VM can have" {
	setup_device
	bad ".mounts += [range(27) as \$i | {destination: \"/dev/d\\(\$i)\", type: \"bind\", source: \"$device\"}]" 'a VM can have 26 disks'
}

@test "disks: an annotation adds disks, if runX.conf lists it" {
	setup_device
	creates ".annotations.\"org.lfedge.runx.disks\" = \"$device:/dev/a  $device:/srv:ro,ext4\""
	[[ $output == *'annotation "org.lfedge.runx.disks" is ignored: annotations in runX.conf does not list disks'* ]]
	runX delete --force c1
	echo 'annotations = disks' >>"$RUNX_CONF"
	creates ".mounts += [{destination: \"/dev/b\", type: \"bind\", source: \"$device\"}]"
	[ "$(records disk | xargs)" = '2:/dev/xvdc:ro:ext4 1:/dev/xvdb:rw: 0:/dev/xvda:rw:' ]
	[ "$(records mount | tail -n 3 | xargs) $(records mount.source | tail -n 3 | xargs)" = '/dev/b /dev/a /srv 0 1 2' ]
}

@test "disks: malformed annotations" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	echo 'annotations = disks' >>"$RUNX_CONF"
	bad '.annotations = {"org.lfedge.runx.disks": "/etc/passwd:/dev/a"}' 'the source is not a block device'
	for words in /dev/x dev/x:/a /dev/x:a /dev/x:/a:rx /dev/x:/a:ro:x; do
		bad ".annotations = {\"org.lfedge.runx.disks\": \"$words\"}" 'annotations.org.lfedge.runx.disks: must be SOURCE:DESTINATION'
	done
}

@test "disks: mountinfo shows the device at the root, which counts only if all of it is mounted there and nowhere else" {
	local root='20 1 8:1 / / rw - ext4 /dev/sda1 rw' here='/b/c/rootfs rw,relatime shared:1'
	[ "$(mounted "$root" "30 20 253:0 / $here - ext4 /dev/mapper/snap-1 rw")" = '/dev/mapper/snap-1 ext4 rw' ]
	[ "$(mounted "$root" "30 20 7:0 / $here master:2 - squashfs /dev/loop0 ro,errors=continue")" = '/dev/loop0 squashfs ro' ]
	[ "$(mounted "$root" "30 20 7:0 / /b/c/rootfs ro,nosuid - ext2 /dev/loop0 rw")" = '/dev/loop0 ext4 ro' ]
	[ "$(mounted "$root")" = '' ]
	[ "$(mounted "$root" "30 20 8:1 /x $here - ext4 /dev/sda1 rw")" = '' ]
	[ "$(mounted "$root" "30 20 253:0 / $here - ext4 /dev/dm-0 rw" "31 20 253:0 /x /other rw - ext4 /dev/dm-0 rw")" = '' ]
	[ "$(mounted "$root" "30 20 253:0 / $here - ext4 /dev/dm-0 rw" "31 30 0:5 / /b/c/rootfs/sub rw - tmpfs t rw")" = '' ]
	[ "$(mounted "$root" "30 20 253:0 / $here - xfs /dev/dm-0 rw")" = '' ]
	[ "$(mounted "$root" "30 20 0:50 / $here - overlay overlay rw,lowerdir=/a")" = '' ]
}
