#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bind mounts, with both kinds of root file system.

load helpers
bats_require_minimum_version 1.5.0

# volume: makes a fresh /b/$id/volume with a file in it
volume() {
	"$bed" sh "rm -rf /b/$id && mkdir -p /b/$id/volume/sub && echo from-host >/b/$id/volume/file"
}

# bound OPTIONS [SOURCE [DESTINATION]]: prints a jq program that adds a bind mount; OPTIONS is JSON
bound() {
	printf '.mounts += [{type: "bind", source: "%s", destination: "%s", options: %s}]' \
		"${2:-/b/$id/volume}" "${3:-/data}" "$1"
}

# With these capabilities the container process may mount.
admin='.process.capabilities = (["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_MKNOD", "CAP_FOWNER", "CAP_CHOWN"]
	| {bounding: ., effective: ., permitted: .})'

@test "binds: over 9p a directory is the same on both sides; a relative source begins at the bundle; after delete the root can be unmounted" {
	with_conf 9p
	volume
	"$bed" sh "mkdir /b/$id/rootfs && mount --bind /bundles/busybox/rootfs /b/$id/rootfs"
	container "$(bound '["rbind"]' volume) | .root.path = \"rootfs\" | $(runs 'cat /data/file; echo from-guest >/data/guest; rm /data/file')"
	says 0 from-host ''
	dom0 umount "/b/$id/rootfs"
	says 0 '' ''
	dom0 sh -c "cat /b/$id/volume/guest; ls /b/$id/volume"
	says 0 "$(printf '%s\n' from-guest guest sub)" ''
}

@test "binds: with a disk root they are copies" {
	with_conf disk
	volume
	container "$(bound '["rbind"]') | $(bound '["bind", "ro"]' "/b/$id/volume/file" /etc/one) |
		$(runs 'cat /data/file /etc/one; echo x >/data/new && cat /data/new; echo y >/etc/one; grep -c /data /proc/mounts')"
	says 0 "$(printf '%s\n' from-host from-host x 1)" "sh: can't create /etc/one: Read-only file system"
	dom0 test -e "/b/$id/volume/new"
	says 1 '' ''
}

@test "binds: a read-only one cannot be written, even after a remount; noexec, nosuid and nodev are flags; a program in one runs" {
	local how
	for how in $roots; do
		with_conf $how
		id=t$BATS_TEST_NUMBER-$how
		volume
		"$bed" sh "cp /bundles/busybox/rootfs/bin/busybox /b/$id/volume/sh"
		# The shell itself is in a bind mount. All are read-only, because a writable one makes a second disk writable.
		container "$(bound '["rbind", "ro"]') | $(bound '["rbind", "ro", "noexec", "nosuid", "nodev"]' "/b/$id/volume" /tmp/flags) |
			$(bound '["bind", "ro"]' "/b/$id/volume/sh" /tmp/tool/sh) | $admin |
			$(runs 'echo x >/data/file; mount -o remount,rw,bind /data && echo remounted; echo x >/data/file; cat /data/file
				/tmp/flags/sh -c "echo x"; grep " /tmp/flags " /proc/mounts | cut -d " " -f 4 | cut -d , -f 1-4') |
			.process.args[0] = \"/tmp/tool/sh\""
		says 0 "$(printf '%s\n' remounted from-host ro,nosuid,nodev,noexec)" "$(printf '/tmp/tool/sh: %s\n' "can't create /data/file: Read-only file system" \
			"can't create /data/file: Read-only file system" '/tmp/flags/sh: Permission denied')"
		"$bed" sh 'rm -rf /bundles/busybox/rootfs/tmp/tool /bundles/busybox/rootfs/tmp/flags'
	done
}

# With kernel-config/9p-files.patch the guest remembers names for up to a second.
@test "binds: what the other side writes into a file, makes in a directory in use, or puts in place of a link is there at once" {
	with_conf 9p
	volume
	"$bed" sh "cd /b/$id/volume && echo old >sub/name && ln -s sub link"
	bundle "$(bound '["rbind", "rprivate"]' "/b/$id/volume/file" /etc/hosts) | $(bound '["rbind"]') | .process.args = [\"sleep\", \"1000\"]"
	create
	"$bed" run runX start "$id"
	dom0 runX exec "$id" cat /etc/hosts
	says 0 from-host ''
	"$bed" sh "echo something longer than before >/b/$id/volume/file"
	dom0 runX exec "$id" cat /etc/hosts
	says 0 'something longer than before' ''
	dom0 runX exec "$id" sh -c 'echo short >/etc/hosts; cat /etc/hosts'
	says 0 short ''
	dom0 cat "/b/$id/volume/file"
	says 0 short ''
	# The shell looks again and again, so the guest never forgets the directory.
	"$bed" sh 'mkfifo /run/looked
		runX exec "$1" sh -c "cd /data
		cat sub/name; until cat sub/made 2>/dev/null; do :; done
		cat link/name; until grep -s new link/name; do :; done" >/run/looked 2>&1 </dev/null &
		{ read line && echo "$line" && echo made >"/b/$1/volume/sub/made"
			read line && echo "$line" && read line && echo "$line"
			cd "/b/$1/volume" && rm link && mkdir link && echo new >link/name
			cat; } </run/looked >/run/seen; rm /run/looked' "$id"
	dom0 cat /run/seen
	says 0 "$(printf '%s\n' old made old new)" ''
	"$bed" run runX delete --force "$id"
}

@test "binds: missing destinations are made, as directory or file, even in a read-only root, where only mounts can be written; forty of them" {
	local how
	for how in $roots; do
		with_conf $how
		id=t$BATS_TEST_NUMBER-$how
		volume
		container ".root.readonly = true | .process.cwd = \"/tmp/made/here\" | $(bound '["rbind"]' "/b/$id/volume" /tmp/made/sub/dir) |
			$(bound '["bind"]' "/b/$id/volume/file" /tmp/made/file) |
			.mounts += [range(40) as \$i | {type: \"bind\", source: \"/b/$id/volume\", destination: \"/tmp/m/\\(\$i)\", options: [\"rbind\"]}] |
			.mounts |= map(if .destination == \"/dev\" then .options += [\"ro\"] else . end) |
			$(runs 'touch /x; touch /dev/shm/x && echo shm; pwd; cat /tmp/m/*/file | sort | uniq -c; grep -c /tmp/m/ /proc/mounts
				cd /tmp/made; cat sub/dir/file file; echo x >sub/dir/new && cat sub/dir/new; touch x')"
		says 1 "$(printf '%s\n' shm /tmp/made/here '     40 from-host' 40 from-host from-host x)" "$(printf 'touch: %s: Read-only file system\n' /x x)"
		"$bed" sh 'cd /bundles/busybox/rootfs/tmp && rm -rf made m'
	done
}

@test "binds: rbind shows mounts in the source, bind does not; links in the root, at or before the destination, do not lead out of it" {
	local how
	"$bed" sh 'cd /bundles/busybox/rootfs/tmp && ln -s /etc etc && ln -s ../../../.. up && ln -s ../../../no/where dangling'
	for how in $roots; do
		with_conf $how
		id=t$BATS_TEST_NUMBER-$how
		volume
		"$bed" sh "mount -t tmpfs tmpfs /b/$id/volume/sub && echo deep >/b/$id/volume/sub/file; ls -A / /etc >/b/before"
		container "$(bound '["rbind"]') | $(bound '["bind"]' "/b/$id/volume" /tmp/flat) |
			$(bound '["rbind"]' "/b/$id/volume" /tmp/etc/bound) | $(bound '["rbind"]' "/b/$id/volume" /tmp/up/bound) |
			$(bound '["rbind"]' "/b/$id/volume/file" /tmp/dangling) |
			$(runs 'cat /data/sub/file; ls -A /tmp/flat/sub; echo x >/data/sub/new; cat /data/file; cat /etc/bound/file /bound/file /no/where')"
		"$bed" sh "umount /b/$id/volume/sub; rmdir /bundles/busybox/rootfs/tmp/flat 2>/dev/null || :"
		says 0 "$(printf '%s\n' deep from-host from-host from-host from-host)" ''
		dom0 sh -c 'ls -A / /etc | diff - /b/before'
		says 0 '' ''
		"$bed" sh 'cd /bundles/busybox/rootfs && rm -rf etc/bound bound no'
	done
	"$bed" sh 'cd /bundles/busybox/rootfs/tmp && rm etc up dangling'
}

@test "binds: a missing source is reported in runc's words, and nothing is left" {
	local how
	for how in $roots; do
		with_conf $how
		id=t$BATS_TEST_NUMBER-$how
		volume
		bundle "$(bound '["rbind"]' /nowhere)"
		dom0 runX create --bundle "/b/$id" "$id"
		says 1 '' 'runX: runX create failed: error mounting "/nowhere" to rootfs at "/data": no such file or directory'
		dom0 leaks
		says 0 '' ''
	done
}

@test "binds: they work in a PVH guest, which boots from both kinds of root" {
	local how
	for how in $roots; do
		with_conf $how pvh
		id=t$BATS_TEST_NUMBER-$how
		volume
		container "$(bound '["rbind"]') | $(runs 'cat /data/file; grep " / " /proc/mounts | cut -d " " -f 3')"
		says 0 "$(printf '%s\n' from-host "${how/disk/ext4}")" ''
	done
}
