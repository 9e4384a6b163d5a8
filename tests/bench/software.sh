#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/software that runs in dom0.
#
# usage: software.sh REPEAT     how often each thing is measured
#
# The root file system is Debian's, in /srv/debian: used with chroot (native), shared with a VM (9p), and as a disk that
# runX makes of it (image). Cold means: after drop_caches in the VM and in dom0.
set -eu
. "${0%/*}/lib.sh"

repeat=$1
kinds='native 9p image'
native=/srv/debian

# Puts into the root what is measured: a repository of 2000 files, a tar of 5000, and 300 commits to a data base.
prepare() {
	mkdir -p "$native/work" "$native/dev"
	mount --bind /dev "$native/dev"
	mount -t proc proc "$native/proc"
	install -m 755 "${0%/*}/io" "$native/work/io"
	tree "$native/work/repo" 2000 50 500
	chroot "$native" sh -c 'cd /work/repo && git init -q && git config core.looseCompression 0 && git config gc.auto 0 && git add .'
	tree "$native/work/many" 5000 10 500
	tar -C "$native/work" -cf "$native/work/many.tar" many
	rm -r "$native/work/many"
	cat >"$native/work/commits.py" <<-'END'
		import os, sqlite3, time
		for name in ("/work/d", "/work/d-wal", "/work/d-shm"):
		    if os.path.exists(name):
		        os.unlink(name)
		d = sqlite3.connect("/work/d", isolation_level=None)
		d.execute("pragma journal_mode=wal")
		d.execute("create table t (n integer primary key, word text)")
		begun = time.monotonic()
		for n in range(300):
		    d.execute("insert into t values (?, ?)", (n, "x" * 100))
		print(round((time.monotonic() - begun) * 1000, 1))
	END
}

# vm KIND: starts a container, named as its kind
vm() {
	local how="$1"
	[ "$how" = 9p ] || how=disk
	mkdir -p "/b/$1"
	jq --arg how "$how" --arg root "$native" '.process.terminal = false | .process.args = ["sleep", "100000"]
		| .root = {path: $root, readonly: false} | del(.linux.readonlyPaths, .linux.maskedPaths)
		| .linux.resources.memory.limit = 268435456
		| .annotations = {"org.lfedge.runx.rootfs": $how, "org.lfedge.runx.disk_headroom": "256"}' \
		/b/config.json >"/b/$1/config.json"
	quietly runX run --detach --bundle "/b/$1" "$1"
}

all_of() {
	cold "$1"
	keep "$1" python 0 /work/io time python3 -c pass
	# Once before, because git rereads each file whose inode is another than it was.
	in_root "$1" git -C /work/repo status --porcelain >/tmp/said
	cold "$1"
	keep "$1" status 0 /work/io time sh -c 'git -C /work/repo status --porcelain >/dev/null'
	keep "$1" made 5000 /work/io time tar -xf /work/many.tar -C /work
	keep "$1" removed 5000 /work/io time rm -r /work/many
	keep "$1" commits 300 python3 /work/commits.py
	in_root "$1" sh -c 'rm -rf /work/db && install -d -m 700 -o 101 -g 101 /work/db'
	keep "$1" initdb 0 /work/io time sh -c 'setpriv --reuid 101 --regid 101 --clear-groups \
		/usr/lib/postgresql/*/bin/initdb -D /work/db --locale C >/dev/null'
}

prepare
vm 9p
vm image
round=0
while [ $((round += 1)) -le "$repeat" ]; do
	for kind in $kinds; do
		all_of "$kind"
	done
done
runX delete --force 9p
runX delete --force image
umount "$native/dev" "$native/proc"
rm -r "$native/work"
head_row
row 'python3 -c pass, cold (ms)' python
row 'git status of 2000 files, cold (ms)' status
row 'untar 5000 files of 500 bytes, 10 in a directory (files each second)' made
row 'rm -r of them (files each second)' removed
row 'SQLite with a WAL: commits each second' commits
row 'initdb of PostgreSQL (ms)' initdb
