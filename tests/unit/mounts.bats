#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The mounts that PID 1 makes in the guest. Here the guest's own module makes them on this machine.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	make -s -C "$top" out/tests/mounter out/tests/mirror
	cd "$BATS_TEST_TMPDIR"
	mkdir -p binds/0 binds/2 root/etc root/dir
	echo zero >binds/0/name
	echo one >binds/1
	echo file >root/file
}

# mounter [DESTINATION TYPE OPTIONS]… -- COMMAND…: makes the mounts, and runs the command; see tests/guest/mounter.c
mounter() {
	ASAN_OPTIONS=detect_leaks=0 run "$top/out/tests/mounter" . "$@" 3>&-
}

# prints TEXT: the last mounter succeeded and printed exactly this
prints() {
	[ "$status" -eq 0 ] && [ "$output" = "$1" ] && return
	printf 'wanted: %s\ngot %s: %s\n' "$1" "$status" "$output"
	return 1
}

@test "mounts: a directory and a file, at mount points that exist and at missing ones" {
	mounter /dir bind rbind /new/deep/file bind ro /file bind '' -- sh -c 'cat root/dir/name root/new/deep/file; ls root'
	[ "${lines[0]}" = '/file: Not a directory' ]
	[ "$(tail -n +2 <<<"$output" | xargs)" = 'zero one dir etc file new' ]
	[ -d root/new/deep ] && [ -f root/new/deep/file ]
}

@test "mounts: options become flags of the mount" {
	mounter /a bind bind,ro,nosuid /b bind rnoexec,rprivate,nosymfollow,rw,noatime /c bind defaults \
		-- sed -n 's/^.* \/[^ ]*\/root\/\([abc]\) \([^ ]*\) .*/\1 \2/p' /proc/self/mountinfo
	[[ ${lines[0]} == 'a ro,nosuid,'* ]]
	[[ ${lines[1]} == 'b rw,noexec,noatime,nosymfollow' ]]
	[[ ${lines[2]} == 'c rw,'*time ]]
}

@test "mounts: links in the root do not lead out of it, not even dangling ones" {
	ln -s ../../../../run/stub.conf root/etc/resolv.conf
	ln -s /etc root/data
	ln -s ../../.. root/up
	mounter /data/x/./y bind '' /etc/resolv.conf bind '' /up/dir/../z bind '' -- \
		sh -c 'cat root/etc/x/y/name root/run/stub.conf; test -d root/z; ls; ls -d /z /run/stub.conf 2>/dev/null'
	[ "$(xargs <<<"$output")" = 'zero one binds root' ]
	[ -L root/etc/resolv.conf ]
}

@test "mounts: impossible mount points" {
	ln -s loop root/loop
	mounter /loop/x bind '' /file/x bind '' "/$(printf '%0300d' 0)" bind '' -- true
	[ "${lines[0]}" = '/loop/x: Too many levels of symbolic links' ]
	[ "${lines[1]}" = '/file/x: Not a directory' ]
	[[ ${lines[2]} == *'File name too long' ]]
}

@test "mounts: a tmpfs has the mode of the directory that it hides, unless an option sets another" {
	chmod 750 root/dir
	mounter /dir tmpfs size=1m /etc tmpfs mode=700 /new tmpfs '' -- stat -c %a root/dir root/etc root/new
	prints "$(printf '%s\n' 750 700 1777)"
}

@test "mounts: tmpcopyup copies everything, and makes it read-only after that" {
	mkdir root/dir/sub
	head -c 3000000 /dev/urandom >root/dir/sub/big
	echo x >root/dir/x
	chown 5:6 root/dir/x
	chmod 4711 root/dir/x
	ln -s x root/dir/link
	mkfifo root/dir/fifo
	touch -d 2001-02-03 root/dir/sub/big root/dir/sub
	(cd root/dir && find . ! -name . -printf '%p %m %U %G %T@ %l %y\n' | sort && cksum sub/big) >before
	mounter /dir tmpfs tmpcopyup,ro,size=10m -- sh -c \
		'cd root/dir && find . ! -name . -printf "%p %m %U %G %T@ %l %y\n" | sort && cksum sub/big && ! touch y 2>/dev/null'
	[ "$status" -eq 0 ]
	diff before - <<<"$output"
	mounter /dir tmpfs tmpcopyup,size=1m -- true
	prints '/dir: No space left on device'
}

# tree DIRECTORY: prints everything that writing back must keep of its content
tree() {
	(cd "$1" && find . ! -name . -printf '%p %m %U %G %l %y' \( -type f -printf ' %T@' -o -true \) -printf '\n' | sort &&
		find . -type f -exec cksum {} + | sort)
}

@test "mounts: writing back copies what has changed in the disk, and touches nothing else" {
	mkdir -p a/same a/dir/sub b
	for name in same/kept changed longer gone dir/x becomes; do echo $name >a/$name; done
	ln -s same a/link
	mkfifo a/fifo
	# a is the disk, with whole seconds as mke2fs keeps them. b is the host's directory.
	cp -a a/. b/
	find b -exec touch -hd @1000000000.5 {} +
	find a -exec touch -hd @1000000000 {} +
	inode=$(stat -c %i b/same/kept)
	echo other-content >a/longer
	printf 'CHANGED\n' >a/changed
	rm -r a/gone a/dir/x a/becomes a/fifo
	mkdir a/becomes a/new
	echo inner >a/becomes/inner
	ln -sfn dir a/link
	chmod 4750 a/changed
	chown 5:6 a/dir/sub
	mkdir -p b/dir/host/only
	run "$top/out/tests/mirror" a b
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	touch -d @1000000000 b/same/kept
	diff <(tree a) <(tree b)
	[ "$(stat -c %i b/same/kept)" = "$inode" ]
}

# extents FILE: where its data is, in bytes: "0-4096 1048576-1052672", and its size
extents() {
	perl -e 'open(F, "<", $ARGV[0]); for ($end = 0; defined($data = sysseek(F, $end, 3)); print $data + 0, "-", $end + 0, " ") {
		$end = sysseek(F, $data, 4) } print -s F' "$1"
}

@test "mounts: writing back keeps the holes of files" {
	mkdir a b
	printf begin >a/holes
	printf middle | dd of=a/holes bs=1M seek=3 conv=notrunc status=none
	printf more | dd of=a/holes bs=1M seek=5 conv=notrunc status=none
	truncate -s 64M a/holes
	truncate -s 48M a/hole
	printf hidden | dd of=a/late bs=1M seek=2 status=none
	dd if=/dev/urandom of=a/full bs=1M count=3 status=none
	: >a/empty
	run "$top/out/tests/mirror" a b
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	for name in holes hole late full empty; do
		[ "$(extents "a/$name")" = "$(extents "b/$name")" ] || { echo "$name: $(extents "b/$name")" && return 1; }
	done
	[ "$(extents b/holes | wc -w)" -eq 4 ]
	cmp a/late b/late
	cmp a/full b/full
	cmp -n 6291456 a/holes b/holes
}

@test "mounts: writing back does not follow links" {
	mkdir -p a/dir outside/dir b
	echo inside >a/dir/file
	echo outside >outside/dir/file
	ln -s ../outside/dir b/dir
	ln -s ../outside b/gone
	run "$top/out/tests/mirror" a b
	[ "$status" -eq 0 ]
	[ "$(cat b/dir/file outside/dir/file | xargs)" = 'inside outside' ]
	[ ! -L b/gone ] && [ ! -L b/dir ]
}
