#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/files that runs in dom0.
#
# usage: files.sh REPEAT SMALL TYPE…     how often each thing is measured; the number of small files; the types of VM
#
# There are these kinds of root file system:
# - native: a directory in dom0, used with chroot
# - 9p: a directory, shared with a VM of the first type; 9p-TYPE the same with another type
# - image: a disk that runX makes of the directory
# - device: a mounted ext4 file system with a journal. Its loop device has direct I/O, so dom0 keeps no pages of it.
# All lie in dom0's own file system. Cold means: after drop_caches in the VM and in dom0. The machine that emulates the
# test bed still has its caches.
set -eu
. "${0%/*}/lib.sh"

repeat=$1 small=$2 type=$3
shift 3
kinds="native 9p${1:+ 9p-$1} image device"
vms=${kinds#native }
native=/b/native/rootfs

# root DIRECTORY: makes a root file system with busybox and the programs and files of this bench
root() {
	mkdir -p "${1%/*}"
	cp -a /bundles/busybox/rootfs "$1"
	install -m 755 "${0%/*}/io" "$1/bin/io"
	cp /tmp/small.tar "$1/small.tar"
	mkdir "$1/work"
}

# Makes /tmp/small.tar.
small_files() {
	tree /tmp/small "$small" 50 2000
	tar -C /tmp -cf /tmp/small.tar small
	rm -r /tmp/small
}

# device NAME: moves the root file system of /b/NAME to a device, and mounts that in its place
device() {
	local loop
	mkfs.ext4 -q -d "/b/$1/rootfs" "/b/$1.img" 256m >/dev/null 2>&1
	rm -r "/b/$1/rootfs"
	mkdir "/b/$1/rootfs"
	loop=$(losetup --direct-io=on --show -f "/b/$1.img")
	mount "$loop" "/b/$1/rootfs"
	losetup -d "$loop" # the kernel frees it with its last user
}

# bundle NAME KIND [PROGRAM]: writes the config.json of /b/NAME, changed by a jq program. Its root file system exists.
bundle() {
	local how="$2"
	case $how in
	image) how=disk ;;
	device) how=auto ;;
	9p-*) how=9p ;;
	esac
	jq --arg how "$how" '.process.terminal = false | .process.args = ["sleep", "100000"] | .root.readonly = false
		| del(.linux.readonlyPaths, .linux.maskedPaths)
		| .annotations = {"org.lfedge.runx.rootfs": $how, "org.lfedge.runx.disk_headroom": "128"}'" | ${3:-.}" \
		/b/config.json >"/b/$1/config.json"
}

# guest_type KIND: configures the type of VM of this kind
guest_type() {
	local t="$type"
	case $1 in 9p-*) t=${1#9p-} ;; esac
	echo "guest_type = $t" >/etc/runX/runX.conf
}

# measure KIND WHAT AMOUNT ARGUMENT…: keeps how long io takes with these arguments
measure() {
	local kind="$1" what="$2" amount="$3"
	shift 3
	keep "$kind" "$what" "$amount" io "$@"
}

# all_of KIND: measures everything once
all_of() {
	measure "$1" write 32 write /work/file 65536 512
	cold "$1"
	measure "$1" read 32 read /work/file 65536 512
	cold "$1"
	measure "$1" random-read 1000 read /work/file 4096 1000 random
	cold "$1"
	measure "$1" random-write 1000 write /work/file 4096 1000 random
	measure "$1" untar "$small" time tar -xf /small.tar -C /work
	measure "$1" sync 0 time sync
	cold "$1"
	measure "$1" find "$small" time find /work/small -type f -newer /bin/io
	cold "$1"
	measure "$1" cat "$small" time sh -c 'find /work/small -type f | xargs cat >/dev/null'
	measure "$1" rm "$small" time rm -r /work/small
	in_root "$1" sh -c 'rm -r /work/* && sync'
}

files() {
	local kind round=0
	root /b/native/rootfs
	mount -t proc proc /b/native/rootfs/proc
	for kind in $vms; do
		root "/b/$kind/rootfs"
		[ "$kind" != device ] || device device
		bundle "$kind" "$kind"
		guest_type "$kind"
		quietly runX run --detach --bundle "/b/$kind" "$kind"
	done
	guest_type 9p
	while [ $((round += 1)) -le "$repeat" ]; do
		for kind in $kinds; do
			all_of "$kind"
		done
	done
	for kind in $vms; do
		runX delete --force "$kind"
	done
	umount /b/native/rootfs/proc
	head_row
	row 'write 32 MiB in 64 KiB, and fsync (MiB/s)' write
	row 'read it, cold (MiB/s)' read
	row '1000 reads of 4 KiB anywhere, cold (each second)' random-read
	row '1000 writes of 4 KiB anywhere, cold, and fsync (each second)' random-write
	row "untar $small files of 2000 bytes (files each second)" untar
	row 'sync after it (ms)' sync
	row 'find -newer among them, cold (files each second)' find
	row 'open and read them, cold (files each second)' cat
	row 'rm -r of them (files each second)' rm
}

# used: the used space of dom0's file system, in KiB
used() {
	sync
	df -k --output=used /var/lib | tail -n 1
}

# directory MIB: makes a root file system of this size, filled with files of dom0
directory() {
	root "/b/d$1/rootfs"
	find /usr/lib /usr/bin /usr/sbin /usr/share -xdev -type f -printf '%b %p\n' |
		awk -v all="$(($1 * 2048 - $(du -s -B 512 "/b/d$1/rootfs" | cut -f 1)))" \
			'(sum += $1) <= all { print substr($0, index($0, " ") + 2) }' |
		tar -C / -cf - -T - | tar -C "/b/d$1/rootfs" -xf -
}

# image MIB WORDS KIND [PROGRAM]: prints a row: the time and the space that create takes
image() {
	local before took
	bundle "d$1" "$3" "${4:-.}"
	sh -c "$drop_caches"
	before=$(used)
	took=$(ms runX create --bundle "/b/d$1" c)
	echo "| $(du -sm "/b/d$1/rootfs" | cut -f 1) MiB, $(find "/b/d$1/rootfs" | wc -l) names | $2 | $took | $((($(used) - before + 512) / 1024)) |"
	runX delete --force c
}

images() {
	local size
	printf '%s\n' '' '| directory, cold | root | create (ms) | bytes on disk (MiB) |' '| --- | --- | --- | --- |'
	for size in 10 100 500; do
		directory $size
		image $size 9p 9p
		image $size 'ext4 image' image
		image $size 'squashfs, lz4, read-only' image '.root.readonly = true'
		rm -r "/b/d$size"
	done
}

# memory KIND COUNT: prints a row: the memory of dom0 that one idle container takes, as the mean of COUNT
memory() {
	local n=0 free cached proxy files pages
	while [ $((n += 1)) -le "$2" ]; do
		root "/b/m$n/rootfs"
		[ "$1" != device ] || device "m$n"
		bundle "m$n" "$1"
	done
	sh -c "$drop_caches"
	free=$(field MemFree) cached=$(field Cached) n=0
	while [ $((n += 1)) -le "$2" ]; do
		quietly runX run --detach --bundle "/b/m$n" "m$n"
	done
	pages=$((($(field Cached) - cached) / $2))
	proxy=$(($(pss proxy) / $2)) files=$(($(pss '^files$') / $2))
	sh -c "$drop_caches"
	free=$(((free - $(field MemFree)) / $2))
	echo "| $1 | $proxy | $files | $free | $pages |"
	n=0
	while [ $((n += 1)) -le "$2" ]; do
		runX delete --force "m$n"
		rm -rf "/b/m$n" "/b/m$n.img"
	done
}

memories() {
	local kind
	printf '%s\n' '' '| an idle container in dom0 (KiB, mean of 3) | proxy and guardian (PSS) | file server (PSS) | free memory less | page cache, before it is dropped |' \
		'| --- | --- | --- | --- | --- |'
	for kind in 9p image device; do
		memory "$kind" 3
	done
}

small_files
files
memories
images
