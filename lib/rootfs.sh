# SPDX-License-Identifier: Apache-2.0
# How the container's root, its bind mounts and its volumes reach its VM: by 9p, or as disks.

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

# Exports $rootfs and $binds. On return $devices are lines for xl.cfg, and the guest's records say how to
# mount them; $staged has the words for helpers/root/stage.c where xl must run under it, and $root_device is the
# device that release_rootfs is to take from the host, $kill_seconds what the VM of a killed container may take
# to end, or empty. What was made lies in $dir and $images, which has its record there, or ends with the
# domain. $files_size is what fill_files needs, or empty where it is not to be called.
export_rootfs() {
	local how="$conf_rootfs" root_type='' root_access='' shares='' disks='' disk='' files=''
	local letters=abcdefghijklmnopqrstuvwxyz
	images=$conf_images/$uuid staged='' root_device='' kill_seconds='' files_size=''
	# shellcheck disable=SC2086 # "DEVICE TYPE ACCESS", or nothing
	[ "$how" = 9p ] || take_root_mount $root_mount
	case $how in
	auto) if [ -z "$root_device" ] && find_qemu; then how=9p; else how=disk; fi ;;
	9p) find_qemu ||
		die "rootfs = 9p needs a QEMU with Xen support (Debian: qemu-system-xen), and there is none; use disk" ;;
	esac
	case $how in
	9p) export_9p ;;
	*) export_disk "$how" ;;
	esac
	devices="${shares:+p9 = [ $shares ]
}${disks:+disk = [ $disks ]}"
}

take_root_mount() {
	root_device=${1:-} root_type=${2:-} root_access=${3:-}
}

# version and access are what xl's QEMU serves; 9p2000.L is the only one with POSIX semantics.
NINEP_OPTIONS='trans=xen,version=9p2000.L,cache=mmap,msize=262144'

# The directory itself, live on both sides.
export_9p() {
	add_share root "$rootfs"
	guest="root.type=9p\\0000root.options=$NINEP_OPTIONS\\0000$guest"
	[ -z "$binds" ] || eval "export_volumes $binds" # jq's @sh quoted every word
	[ -n "$files" ] || return 0
	staged=$binds
	add_share binds "$dir/binds"
	# directio: a bind mount of a file keeps its pages for ever, and would never see what the host writes.
	guest="binds.type=9p\\0000binds.source=binds\\0000binds.options=$NINEP_OPTIONS,directio\\0000$guest"
}

# add_share TAG DIRECTORY: one more of $shares
add_share() {
	case $2 in
	*,* | *' ') die "$2: xl cannot share a path with a comma or a blank at its end" ;;
	esac
	xl_string "tag=$1,path=$2,security_model=none"
	shares=${shares:+$shares, }$xl_string
}

# export_disk HOW: the device that was mounted there, or images made from the directories. What the guest
# writes stays in them; with a read-only root, or overlay, nothing is written to the first.
export_disk() {
	[ "$1" != overlay ] || root_access=ro
	if [ -n "$root_device" ]; then
		add_disk "$root_access" "$root_device"
	elif [ "$1" = overlay ] || [ "$root_readonly" = true ]; then
		root_access=ro
		make_base
		add_disk ro "$images/rootfs.img"
	else
		root_type=ext4
		make_image "root file system $rootfs" rootfs.img bind "$rootfs" /
		add_disk rw "$images/rootfs.img"
		[ "$conf_write_back" = no ] || export_back
	fi
	guest="root.type=$root_type\\0000root.source=$disk\\0000$guest"
	# Also for a read-only root, since the places of its mounts may have to be made first.
	[ "$root_access" != ro ] || guest="root.overlay=true\\0000$guest"
	[ -z "$binds" ] || eval "export_volumes $binds" # jq's @sh quoted every word
	[ -z "$files" ] || export_files
}

# The directory as well, for PID 1 to write back to it what the container changed. Under stage, which leaves
# out what is mounted in it: it would be taken for what the container removed.
export_back() {
	find_qemu ||
		die "write_back needs a QEMU with Xen support (Debian: qemu-system-xen), and there is none; set it to no"
	# shellcheck disable=SC2016 # for domain_create's eval
	staged='bind "$rootfs" /' kill_seconds=600
	add_share root "$dir/binds"
	guest="root.back=$NINEP_OPTIONS\\0000$guest"
}

# All bind mounts in one image, read-only where each of them is. What hooks change in the sources belongs into it, as it
# is seen by 9p (Docker's makes resolv.conf): where there are some, it gets its content after them.
export_files() {
	if [ -z "$hooks" ]; then
		eval "make_image 'bind mounts' binds.img $binds" # jq's @sh quoted every word
	else
		eval "reserve_image $binds" # the same
	fi
	add_disk "$files" "$images/binds.img"
	guest="binds.type=ext4\\0000binds.source=$disk\\0000$guest"
	[ "$files" = rw ] || guest="binds.readonly=true\\0000$guest"
}

# reserve_image [MODE SOURCE DESTINATION]…: as large as it will be; its loop device cannot grow.
reserve_image() {
	local size tree said
	measure_image 'bind mounts' binds.img "$@"
	said=$(truncate -s "${size}k" "$images/binds.img" 2>&1) || die "cannot make $images/binds.img: ${said##*: }"
	files_size=$size
}

# The VM has it, but has not run yet.
fill_files() {
	local size="$files_size" tree="$dir/binds"
	eval "fill_image 'bind mounts' binds.img $binds" # jq's @sh quoted every word
	unlink_images
}

# export_volumes [MODE SOURCE DESTINATION]…: the block devices among them become disks. Sets $files to ro or
# rw where there are others, by what they need.
export_volumes() {
	local number=0 access type
	while [ $# -gt 0 ]; do
		if [ -b "$2" ]; then
			access=rw type=''
			case ,$1, in *,ro,* | *,rro,*) access=ro ;; esac
			case $1 in disk,*) type=${1##*,} ;; esac
			add_disk $access "$2"
			guest="disk=$number:$disk:$access:$type\\0000$guest"
		else
			case $1 in *rw*) files=rw ;; *) files=${files:-ro} ;; esac
		fi
		number=$((number + 1))
		shift 3
	done
}

# A compressed image where there is the program for it, else one that is as large as its content.
make_base() {
	local said what="root file system $rootfs"
	root_type=squashfs
	command -v mksquashfs >/dev/null || {
		root_type=ext4
		make_image "$what" rootfs.img bind "$rootfs" /
		return
	}
	make_images_directory
	# It would take a quarter of the memory.
	said=$(exec "$RUNX_LIBEXEC/stage" -p $$ "$dir/binds" bind "$rootfs" / -- mksquashfs "$dir/binds/0" "$images/rootfs.img" -noappend \
		-no-progress -no-recovery -comp lz4 -mem 64M 2>&1 </dev/null) ||
		image_failed $? "$what: cannot make a compressed image of it in $conf_images (is it full?)"
}

# make_image WHAT IMAGE MODE SOURCE DESTINATION…: of one source, or of several side by side, as stage shows
# them: without what is mounted in them, but by rbind. Room for the content, a quarter more, and
# $conf_disk_headroom MiB; it is sparse. No journal: the image does not outlive a crash of its VM.
make_image() {
	local size tree
	measure_image "$@"
	fill_image "$@"
}

# measure_image WHAT IMAGE MODE SOURCE DESTINATION…: sets $size (KiB), and $tree to what is to be in the image
measure_image() {
	local what="$1" said
	tree=$dir/binds
	[ "$2" = binds.img ] || tree=$tree/0
	shift 2
	# By this name, since busybox's mke2fs cannot fill what it makes.
	command -v mkfs.ext4 >/dev/null ||
		die "mkfs.ext4 is not installed (package e2fsprogs), and runX makes disks with it"
	make_images_directory
	said=$(exec "$RUNX_LIBEXEC/stage" -p $$ "$dir/binds" "$@" -- du -sk "$tree" 2>&1 </dev/null) ||
		image_failed $? "$what: cannot read all of it"
	size=$((${said%%[!0-9]*} * 5 / 4 + conf_disk_headroom * 1024))
}

# fill_image WHAT IMAGE MODE SOURCE DESTINATION…: of $size and $tree
fill_image() {
	local what="$1" image="$2" said
	shift 2
	said=$(exec "$RUNX_LIBEXEC/stage" -p $$ "$dir/binds" "$@" -- mkfs.ext4 -q -F -O ^has_journal -m 0 -i 4096 \
		-E root_owner=0:0,lazy_itable_init=1 -d "$tree" "$images/$image" "${size}k" 2>&1 </dev/null) ||
		image_failed $? "$what: cannot make a disk image of ${size} KiB in $conf_images (is it full?)"
}

# Not in the state directory, which is memory of dom0 on most hosts. Recorded before it is there.
make_images_directory() {
	[ ! -d "$images" ] || return 0
	save images '%s\n' "$images"
	{ mkdir -p "$conf_images" && mkdir -m 0700 "$images"; } 2>/dev/null ||
		die "cannot make $images for disk images (images in runX.conf says where they are made)"
}

# Images need no names once the VM has them, and go with its loop devices: also where dom0 is switched off.
unlink_images() {
	rm -rf "$images"
}

# image_failed STATUS SENTENCE: what stage has $said is a sentence already.
image_failed() {
	[ "$1" -ne 125 ] || die "runX $verb failed: $said"
	die "$2"
}

# add_disk ACCESS TARGET: one more of $disks; sets $disk to its name in the VM.
add_disk() {
	[ -n "$letters" ] || die "$2: a VM can have 26 disks, and this container needs more"
	disk=/dev/xvd${letters%"${letters#?}"}
	letters=${letters#?}
	xl_string "format=raw,vdev=${disk#/dev/},access=$1,script=$RUNX_LIBEXEC/block,target=$2"
	disks=${disks:+$disks, }$xl_string
}

# Takes the mount of $root_device from the host, before the VM gets it: two kernels on one file system
# destroy it. helpers/root/block.c refuses it where it is mounted elsewhere still. It is not mounted again: what
# a guest has written is no food for the host's kernel. Descriptor 7 keeps a loop device that is to go with its mount.
release_rootfs() {
	[ -r "$root_device" ] || die "root file system $rootfs: its device $root_device cannot be read"
	exec 7<"$root_device"
	umount "$rootfs" 2>/dev/null ||
		die "root file system $rootfs: in use on the host, so its device $root_device cannot be the VM's (fuser -vm $rootfs; or rootfs = 9p)"
}
