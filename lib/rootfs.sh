# SPDX-License-Identifier: Apache-2.0
# How the container's root reaches its VM: by 9p, or as a disk.

# Where distributions and Xen's own `make install` put the QEMU that xl starts for 9p.
QEMU_PLACES='/usr/libexec/xen-qemu-system-i386 /usr/lib/xen/bin/qemu-system-i386
/usr/libexec/xen/bin/qemu-system-i386 /usr/local/lib/xen/bin/qemu-system-i386
/usr/lib/xen-*/bin/qemu-system-i386'

find_qemu() {
	local qemu
	for qemu in ${RUNX_QEMU:-$QEMU_PLACES}; do
		[ ! -x "$qemu" ] || return 0
	done
	return 1
}

# Exports $rootfs. On return $root_device is a line for xl.cfg, and the guest's records say how to
# mount it. What it made lies in $dir, or ends with the domain.
export_rootfs() {
	local how="$conf_rootfs"
	case $how in
	auto) if find_qemu; then how=9p; else how=disk; fi ;;
	9p) find_qemu ||
		die "rootfs = 9p needs a QEMU with Xen support (Debian: qemu-system-xen), and there is none; use disk" ;;
	esac
	"export_$how"
}

# The directory itself, live on both sides. version and access are what xl's QEMU serves; 9p2000.L is
# the only one with POSIX semantics.
export_9p() {
	case $rootfs in
	*,* | *' ') die "root file system $rootfs: xl cannot share a path with a comma or a blank at its end" ;;
	esac
	xl_string "tag=root,path=$rootfs,security_model=none"
	root_device="p9 = [ $xl_string ]"
	guest="root.type=9p\\0000root.options=trans=xen,version=9p2000.L,cache=mmap,msize=262144\\0000$guest"
}

# An image made from the directory: what the guest writes stays in it. Room for the content, a quarter
# more, and 64 MiB; it is sparse. No journal: the image does not outlive a crash of its VM.
export_disk() {
	local size
	size=$(du -skx "$rootfs" 2>/dev/null) || die "root file system $rootfs: cannot read all of it"
	size=$((${size%%[!0-9]*} * 5 / 4 + 65536))
	# By this name, since busybox's mke2fs cannot fill what it makes.
	command -v mkfs.ext4 >/dev/null ||
		die "mkfs.ext4 is not installed (package e2fsprogs), and runX makes disks with it"
	mkfs.ext4 -q -F -O ^has_journal -m 0 -i 4096 -E root_owner=0:0,lazy_itable_init=1 \
		-d "$rootfs" "$dir/rootfs.img" "${size}k" >/dev/null 2>&1 </dev/null ||
		die "root file system $rootfs: cannot make a disk image of ${size} KiB in $dir (is it full?)"
	xl_string "format=raw,vdev=xvda,access=rw,script=$RUNX_LIBEXEC/block,target=$dir/rootfs.img"
	root_device="disk = [ $xl_string ]"
	guest="root.type=ext4\\0000root.source=/dev/xvda\\0000$guest"
}
