# SPDX-License-Identifier: Apache-2.0
# Gives the VM its root file system, bind mounts and volumes, by 9p or as disks.

# Exports $rootfs and $binds to the VM. What it makes is in $dir and in $images, which $dir/images records, or ends with the
# domain. Ends with an error if something is missing or cannot be exported. On return:
#   $devices       lines for xl.cfg
#   $guest         also has the records that say how to mount these devices
#   $shares        what helpers/files/files.c serves, as words TAG PLACE, or empty
#   $staged        words for helpers/root/stage.c, under which it serves them
#   $root_device   the device that release_rootfs has to take from the host, or empty
#   $kill_seconds  seconds that the VM of a killed container may take to end, or empty for the proxy's default
export_rootfs() {
	local how="$conf_rootfs" root_type='' root_access='' disks='' disk='' files='' sources=0
	local letters=abcdefghijklmnopqrstuvwxyz
	images=$conf_images/$uuid shares='' staged='' root_device='' kill_seconds=''
	# shellcheck disable=SC2086 # three words, "DEVICE TYPE ACCESS", or none
	[ "$how" = 9p ] || take_root_mount $root_mount
	case $how,$root_device in
	9p,* | auto,) export_9p ;;
	*) export_disk "$how" ;;
	esac
	devices=${disks:+disk = [ $disks ]}
}

take_root_mount() {
	root_device=${1:-} root_type=${2:-} root_access=${3:-}
}

# docs/design.md says why msize and cache are so.
NINEP_OPTIONS='trans=xen,version=9p2000.L,cache=mmap,msize=262144,posixacl,locktimeout=1'

# Shares the directory itself, with what is mounted in it. Changes on either side are seen on the other. stage puts the
# sources of the bind mounts side by side, and the root behind them. They keep their numbers, which the guest knows.
export_9p() {
	has_helper files || die "$problem"
	guest="root.type=9p\\0000root.options=$NINEP_OPTIONS\\0000$guest"
	[ -z "$binds" ] || eval "export_volumes $binds" # jq's @sh quoted every word
	# shellcheck disable=SC2016 # for start_files' eval
	staged='rbind "$rootfs" /' shares='root 0'
	[ -n "$files" ] || return 0
	staged="$binds $staged" shares="root $sources binds ."
	# directio: the kernel keeps the pages of a bind-mounted file for ever. Without directio it would never see what the host
	# writes.
	guest="binds.type=9p\\0000binds.source=binds\\0000binds.options=$NINEP_OPTIONS,directio\\0000$guest"
}

# export_disk HOW: gives the VM the device that is mounted at the root, or disk images made from the directories. What the
# guest writes stays in them. With a read-only root or with overlay, the guest writes nothing to the root's disk.
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
	# A read-only root gets an overlay too, because the guest may have to make mount points in it first.
	[ "$root_access" != ro ] || guest="root.overlay=true\\0000$guest"
	[ -z "$binds" ] || eval "export_volumes $binds" # jq's @sh quoted every word
	[ -z "$files" ] || export_files
}

# Shares the root's directory as well. The guest's PID 1 writes back to it what the container changed. stage leaves out what
# is mounted in the directory. PID 1 would otherwise take these files for ones that the container removed.
export_back() {
	has_helper files || die "$problem"
	# shellcheck disable=SC2016 # for start_files' eval
	staged='bind "$rootfs" /' shares='root .' kill_seconds=600
	guest="root.back=$NINEP_OPTIONS\\0000$guest"
}

# Puts all bind mounts into one disk image. It is read-only if each of them is. The image gets its content only at start: until
# then the host may change the sources, as the guest of a 9p root would see. A hook does, and Docker and podman write resolv.conf
# and hosts between create and start.
export_files() {
	eval "reserve_image $binds" # jq's @sh quoted every word
	add_disk "$files" "$images/binds.img"
	guest="binds.type=ext4\\0000binds.source=$disk\\0000$guest"
	[ "$files" = rw ] || guest="binds.readonly=true\\0000$guest"
}

# reserve_image [MODE SOURCE DESTINATION]…: makes an empty image with its final size, because its loop device cannot grow. The
# record `fill` is for fill_files.
reserve_image() {
	local size tree said
	measure_image 'bind mounts' binds.img "$@"
	said=$(truncate -s "${size}k" "$images/binds.img" 2>&1) || die "bind mounts: cannot make the disk image $images/binds.img: ${said##*: }"
	save fill '%s\n' "size=$size" "fill_image 'bind mounts' binds.img $binds"
}

# Fills the image of reserve_image. The VM already has the disk, but does not run yet.
fill_files() {
	local images size tree="$dir/binds"
	read -r images <"$dir/images"
	# shellcheck source=/dev/null # two statements of reserve_image
	. "$dir/fill"
	rm -rf "$images"
}

# Starts the file server of the VM beside what follows. It waits for the domain. It finds the shares at the places where stage mounts
# them, in a mount namespace of its own.
start_files() {
	# jq's @sh quoted it
	eval "beside stage -p $$ \"\$dir/binds\" $staged -- \"\$RUNX_LIBEXEC/files\" \"\$dir\" \"\$uuid\" \"\$dir/binds\" $shares"
}

# export_volumes [MODE SOURCE DESTINATION]…: makes a disk of each source that is a block device. If there are other sources,
# sets $files to rw if one of them may be written, or else to ro. Sets $sources to their number, with the devices.
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
	sources=$number
}

# Makes a read-only root's image: compressed if mksquashfs is installed, otherwise ext4.
make_base() {
	local said what="root file system $rootfs"
	root_type=squashfs
	command -v mksquashfs >/dev/null || {
		root_type=ext4
		make_image "$what" rootfs.img bind "$rootfs" /
		return
	}
	make_images_directory
	# mksquashfs reads holes too, so stage counts first. Without -mem, mksquashfs would take a quarter of the memory.
	hear "$RUNX_LIBEXEC/stage" -p $$ -m "$conf_disk_max" "$dir/binds" bind "$rootfs" / -- mksquashfs "$dir/binds/0" "$images/rootfs.img" -noappend \
		-no-progress -no-recovery -comp lz4 -mem 64M >/dev/null </dev/null ||
		image_failed $? "$what: cannot make a compressed disk image of it in $conf_images (is the disk full?)"
}

# make_image WHAT IMAGE MODE SOURCE DESTINATION…: makes an ext4 image of one source, or of several side by side, as stage
# shows them. What is mounted in a source is in the image only with rbind. The image has room for the content, a quarter
# more, and $conf_disk_headroom MiB. It is sparse. It has no journal, because it does not outlive a crash of its VM. WHAT
# names the content in messages.
make_image() {
	local size tree
	measure_image "$@"
	fill_image "$@"
}

# measure_image WHAT IMAGE MODE SOURCE DESTINATION…: sets $size to the image's size (KiB), and $tree to the directory whose
# content belongs in it.
measure_image() {
	local what="$1" said
	tree=$dir/binds
	[ "$2" = binds.img ] || tree=$tree/0
	shift 2
	# runX calls it mkfs.ext4 and not mke2fs, because busybox's mke2fs cannot fill the file system that it makes.
	command -v mkfs.ext4 >/dev/null ||
		die "mkfs.ext4 is not installed, and runX makes disk images with it (install the package e2fsprogs)"
	make_images_directory
	hear_all "$RUNX_LIBEXEC/stage" -p $$ "$dir/binds" "$@" -- du -sk "$tree" </dev/null ||
		image_failed $? "$what: cannot read all of it"
	size=${said%%[!0-9]*}
	[ "$size" -le $((conf_disk_max * 1024)) ] || die "$what: its files have more than $conf_disk_max MiB (disk_max in runX.conf)"
	size=$((size * 5 / 4 + conf_disk_headroom * 1024))
}

# fill_image WHAT IMAGE MODE SOURCE DESTINATION…: makes the image with the size $size and the content of $tree.
fill_image() {
	local what="$1" image="$2" said
	shift 2
	hear "$RUNX_LIBEXEC/stage" -p $$ "$dir/binds" "$@" -- mkfs.ext4 -q -F -O ^has_journal -m 0 -i 4096 \
		-E root_owner=0:0,lazy_itable_init=1 -d "$tree" "$images/$image" "${size}k" >/dev/null </dev/null ||
		image_failed $? "$what: cannot make a disk image of ${size} KiB in ${images%/*} (is the disk full?)"
}

# Makes $images. It is not in the state directory, because that is in dom0's memory on most hosts. It is recorded before it
# exists.
make_images_directory() {
	[ ! -d "$images" ] || return 0
	save images '%s\n' "$images"
	{ mkdir -p "$conf_images" && mkdir -m 0700 "$images"; } 2>/dev/null ||
		die "cannot make the directory $images for disk images (images in runX.conf says where they are made)"
}

# Once the VM has its disks, runX removes the image files' names. The space is freed with the loop devices, even if dom0 is
# switched off. An image that start fills keeps its name until then.
unlink_images() {
	if [ -f "$dir/fill" ]; then rm -f "$images/rootfs.img"; else rm -rf "$images"; fi
}

# image_failed STATUS MESSAGE: ends with MESSAGE. If stage itself failed (125), ends with its own message, which is in $said.
image_failed() {
	[ "$1" -ne 125 ] || die "runX $verb failed: $said"
	die "$2"
}

# add_disk ACCESS TARGET: adds a disk to $disks. Sets $disk to its device node in the VM.
add_disk() {
	[ -n "$letters" ] || die "$2: a VM can have 26 disks, and this container needs more"
	disk=/dev/xvd${letters%"${letters#?}"}
	letters=${letters#?}
	xl_string "format=raw,vdev=${disk#/dev/},access=$1,script=$RUNX_LIBEXEC/block,target=$2"
	disks=${disks:+$disks, }$xl_string
}

# Unmounts $root_device on the host before the VM gets it, because two kernels on one file system destroy it. If the device
# is still mounted elsewhere, helpers/root/block.c refuses it. runX does not mount it again, because the host's kernel should
# not read a file system that a guest has written. Descriptor 7 keeps a loop device that would vanish with its mount. Ends
# with an error if the device is in use.
release_rootfs() {
	[ -r "$root_device" ] || die "root file system $rootfs: cannot read its device $root_device"
	# Without `command`, a failed redirection of exec would end the shell without a message.
	{ command exec 7<"$root_device"; } 2>/dev/null ||
		die "root file system $rootfs: cannot open its device $root_device"
	umount "$rootfs" 2>/dev/null ||
		die "root file system $rootfs: it is in use on the host, so the VM cannot have its device $root_device \
(fuser -vm $rootfs shows who uses it; rootfs = 9p does not take the device)"
}
