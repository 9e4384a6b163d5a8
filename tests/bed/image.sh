# SPDX-License-Identifier: Apache-2.0
# Makes dom0's image, the folder $cache/dom0-RELEASE-ARCH-KEY with these files:
#   xen vmlinux initrd root.img id_ed25519 known_hosts
# bed sources this file, and also lib.sh and debian.sh, which it needs.
# shellcheck shell=sh
# dash, busybox ash and bash all have local. bed provides here, cache, run, bed_name and the
# variables of ARCH.sh and RELEASE.sh.
# shellcheck disable=SC3043,SC2154

host_packages='busybox cpio e2fsprogs jq kmod openssh-client qemu-utils socat tar util-linux xz-utils zstd'

# list FILE: prints its lines without comments
list() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$1"
}

# Prints a digest of what the image is made from: the bed's own files, and the versions that apt would install now.
image_key() {
	{
		for file in bundle config.json image.sh init initrd-init modules packages software "$ARCH.sh" "$BED_RELEASE.sh"; do
			sha256sum <"$here/$file"
		done
		sed 1d "$run.versions"
	} | digest
}

dom0_packages() {
	list packages
	echo "xen-utils-$xen_version $release_packages"
}

software_packages() {
	list software
	echo "$release_software"
}

# All packages that the image is made from, without those that they need
named_packages() {
	echo "linux-image-$debarch xen-hypervisor-$xen_version-$debarch busybox-static"
	dom0_packages
	software_packages
}

# Writes the versions of the named packages to $run.versions, below a digest of what they depend on. This takes seconds,
# because this machine's lists may be of another release or architecture, so apt gets lists of its own. It is done only if
# other packages are named, or this machine has new lists. Without the network, the versions stay as they are.
image_versions() {
	local inputs missing package
	inputs=$(versions_inputs)
	[ ! -e "$run.versions" ] || [ "$(head -n 1 "$run.versions")" != "$inputs" ] || return 0
	lists_fresh
	work=$(mktemp -d "$cache/versions-$bed_name.XXXXXX")
	cleanup_add "$work"
	apt_private_update deb "$BED_RELEASE"
	versions_inputs >"$work/versions"
	# shellcheck disable=SC2046
	# Package names are plain words.
	apt_private apt-cache policy $(named_packages) | grep -E '^[^ ]|Candidate:' >>"$work/versions" || :
	missing=
	for package in $(named_packages); do
		grep -A 1 -Fx "$package:" "$work/versions" | grep -q 'Candidate: [0-9]' || missing="$missing $package"
	done
	if [ -z "$missing" ]; then
		mv "$work/versions" "$run.versions"
	else
		[ -e "$run.versions" ] ||
			die "this machine's mirrors cannot be reached, or have no$missing of $BED_RELEASE for $debarch"
		log "cannot ask this machine's mirrors for newer packages of $BED_RELEASE"
	fi
	rm -r "$work"
}

versions_inputs() {
	(named_packages && stat -c %Y /var/lib/apt/lists) | digest
}

missing_packages() {
	local package installed
	# shellcheck disable=SC2086
	# Package names are plain words.
	installed=$(dpkg-query -W -f '${db:Status-Status}:${Package} ' $host_packages $qemu_package 2>/dev/null) || :
	for package in $host_packages $qemu_package; do
		case " $installed" in *" installed:$package "*) ;; *) printf '%s ' "$package" ;; esac
	done
}

install_host_packages() {
	local missing
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "packages are missing; as root: apt-get install $missing"
	# shellcheck disable=SC2086
	# Package names are plain words.
	apt_install $missing >&2 || die "apt-get could not install: $missing"
}

# A fresh machine has no package lists yet.
lists_fresh() {
	apt-cache show linux-libc-dev >/dev/null 2>&1 || apt-get update -q >&2 || die 'apt-get update failed'
}

# Makes the test bed's own files, which are laid over the distribution's.
overlay() {
	local dir key
	dir=$work/overlay
	install -d "$dir/etc/bed" "$dir/etc/ssh" "$dir/etc/containerd" "$dir/bundles"
	install -d -m 700 "$dir/root/.ssh"
	install -m 755 "$here/init" "$dir/etc/bed/init"
	list modules >"$dir/etc/bed/modules"
	echo '::sysinit:/etc/bed/init' >"$dir/etc/inittab"
	echo dom0 >"$dir/etc/hostname"
	printf '%s\n' '127.0.0.1 localhost dom0' '::1 localhost' >"$dir/etc/hosts"
	cat >"$dir/etc/fstab" <<-'END'
		devpts /dev/pts devpts gid=5,mode=620,ptmxmode=666 0 0
		shm /dev/shm tmpfs nosuid,nodev 0 0
		run /run tmpfs nosuid,nodev,mode=755 0 0
		cgroup2 /sys/fs/cgroup cgroup2 nosuid,nodev,noexec 0 0
		xenfs /proc/xen xenfs defaults 0 0
	END
	echo 'nameserver 10.0.2.3' >"$dir/etc/resolv.conf"
	# Without the cri plugin, which takes most of containerd's start. cri.bats starts a containerd with it.
	cat >"$dir/etc/containerd/config.toml" <<-'END'
		version = 2
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs",
			"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
			"io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
	END
	cat >"$dir/etc/ssh/sshd_config" <<-'END'
		HostKey /etc/ssh/ssh_host_ed25519_key
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		UsePAM no
		UseDNS no
		PrintMotd no
		PrintLastLog no
		MaxSessions 200
		X11Forwarding no
	END
	ssh-keygen -q -t ed25519 -N '' -C bed -f "$work/id_ed25519"
	ssh-keygen -q -t ed25519 -N '' -C dom0 -f "$dir/etc/ssh/ssh_host_ed25519_key"
	install -m 600 "$work/id_ed25519.pub" "$dir/root/.ssh/authorized_keys"
	key=$(cat "$dir/etc/ssh/ssh_host_ed25519_key.pub")
	echo "bed $key" >"$work/known_hosts"
	BUSYBOX=$work/boot/bin/busybox BUNDLE_ARCH=$debarch "$here/bundle" "$dir/bundles"
}

# merged ROOT: makes a tree whose top folders are links into usr, as Debian's
merged() {
	local dir
	for dir in bin sbin lib lib64; do
		install -d "$1/usr/$dir"
		ln -s "usr/$dir" "$1/$dir"
	done
}

# unpack_debs ROOT [OPTION-OF-TAR...]: unpacks all packages of $work/debs there, and removes them
unpack_debs() {
	local root deb
	root=$1
	shift
	for deb in "$work"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$root" --keep-directory-symlink --numeric-owner -xpf - "$@"
	done
	rm -r "$work/debs"
}

# Unpacks the packages of the kernel and of Xen. It does not install them, so no initramfs is made and no boot loader runs.
boot_packages() {
	local kernel xen
	install -d "$work/debs"
	merged "$work/boot"
	kernel=$(apt_private apt-cache depends "linux-image-$debarch" | awk '$1 == "Depends:" { print $2; exit }')
	xen=xen-hypervisor-$xen_version-$debarch
	(cd "$work/debs" && apt_private apt-get download "$kernel" "$xen" busybox-static) >>"$work/apt.log" 2>&1 ||
		apt_failed "could not download ${kernel:-linux-image-$debarch}, $xen or busybox-static for $debarch"
	unpack_debs "$work/boot"
	unpack_xen "$work/boot/boot/xen-$xen_version-$debarch" "$work/xen"
	unpack_kernel "$work"/boot/boot/vmlinuz-* "$work/vmlinux"
}

apt_failed() {
	tail -n 20 "$work/apt.log" >&2
	die "apt-get $1"
}

# closure WHEN...: prints the paths, below lib/modules/VERSION, of the listed modules and of those that they need, in
# loading order, as if none was compressed
closure() {
	local when name
	for when in "$@"; do
		list modules | sed -n "s/^$when //p" | while read -r name; do
			modprobe -d "$work/boot" -S "$version" --show-depends "$name" || die "the kernel has no module $name"
		done
	done | sed -n "s,^insmod .*/lib/modules/$version/\([^ ]*\.ko\).*,\1,p" | awk '!seen[$0]++'
}

modules() {
	local root file
	root=$work/overlay
	version=$(ls "$work/boot/lib/modules")
	depmod -b "$work/boot" "$version"
	closure initrd boot late disk >"$work/closure"
	merged "$root"
	install -d "$root/lib/modules/$version"
	(
		cd "$work/boot/lib/modules/$version" || exit
		# Those of Debian 13 are compressed. dom0 would take long to unpack them, under emulation. modprobe finds only the
		# files that depmod has found, so they stay.
		while read -r file; do
			[ -e "$file" ] || xz -dk "$file.xz"
		done <"$work/closure"
		printf '%s\n' modules.builtin modules.builtin.modinfo modules.order >>"$work/closure"
		xargs cp --parents -t "$root/lib/modules/$version" <"$work/closure"
	)
	depmod -b "$root" "$version"
	# QEMU boots dom0 with the unpacked one. This one is for VMs of hostile.bats, which need modules.
	install -D -m 644 "$work/boot/boot/vmlinuz-$version" "$root/boot/vmlinuz"
	initrd
}

initrd() {
	local dir file
	dir=$work/initrd.d
	install -d "$dir/bin" "$dir/dev" "$dir/modules" "$dir/root"
	install -m 755 "$work/boot/bin/busybox" "$dir/bin/busybox"
	install -m 755 "$here/initrd-init" "$dir/init"
	closure initrd | while read -r file; do
		cp "$work/boot/lib/modules/$version/$file" "$dir/modules/"
		echo "${file##*/}"
	done >"$dir/modules/list"
	(cd "$dir" && find . | sort | cpio --quiet -o -H newc) >"$work/initrd"
}

# unpack ROOT PACKAGE...: unpacks these packages, the required ones, and all that they need, into one tree. It does not
# install them: dom0's programs may be for another architecture, so none of them runs here. It also takes half the time.
unpack() {
	local root
	root=$1
	shift
	install -d "$work/debs/partial" "$root/var" "$root/run/lock"
	merged "$root"
	# Relative links, because tar follows them.
	ln -s ../run ../run/lock "$root/var"
	apt_private apt-get -y --no-install-recommends --download-only -o Dir::Cache::archives="$work/debs" \
		install '?priority(required)' "$@" >>"$work/apt.log" 2>&1 ||
		apt_failed "could not download dom0's packages for $debarch"
	unpack_debs "$root" \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
		--exclude='./usr/share/info/*' \
		--exclude='libLLVM*' --exclude='libz3*' --exclude='*/bitcode/*' --exclude='./usr/share/i18n/*' \
		--exclude='./usr/share/perl/*' --exclude='./usr/lib/*/perl/*'
}

# accounts ROOT NAME...: makes the users of Debian's base system, and these with ids from 100 on, each with a group
accounts() {
	local root name number
	root=$1 number=100
	shift
	for name in passwd group; do
		cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"
	done
	for name; do
		echo "$name:x:$number:$number::/var/lib/$name:/bin/sh" >>"$root/etc/passwd"
		echo "$name:x:$number:" >>"$root/etc/group"
		number=$((number + 1))
	done
	cp "$root/usr/share/libc-bin/nsswitch.conf" "$root/etc/"
	ln -s mawk "$root/usr/bin/awk"
	install -d "$root/proc" "$root/sys"
}

# Does what dom0 needs of the packages' maintainer scripts.
configure() {
	local root name
	root=$work/root
	accounts "$root" sshd dnsmasq
	# sshd runs commands with root's login shell. sh starts faster than bash.
	sed -i '1s,/bin/bash$,/bin/sh,' "$root/etc/passwd"
	for name in iptables ip6tables; do
		ln -s $name-nft "$root/usr/sbin/$name"
		ln -s $name-nft-save "$root/usr/sbin/$name-save"
		ln -s $name-nft-restore "$root/usr/sbin/$name-restore"
	done
	install -d "$root/var/lib/xen" "$root/var/log/xen/console"
	cp -a "$work/overlay/." "$root"
}

# Makes /srv/debian, a root file system for containers.
software() {
	local root
	root=$work/root/srv/debian
	# shellcheck disable=SC2046 # package names are plain words
	unpack "$root" $(software_packages)
	accounts "$root" sshd postgres redis
	install -d -o 101 -g 101 "$root/var/lib/postgres" "$root/run/postgresql"
	install -d -m 755 "$root/run/sshd"
}

root_filesystem() {
	# shellcheck disable=SC2046 # package names are plain words
	unpack "$work/root" $(dom0_packages)
	configure
	software
	truncate -s 4G "$work/root.img"
	mke2fs -q -t ext4 -O '^has_journal' -m 0 -L dom0 -d "$work/root" "$work/root.img"
	chmod 444 "$work/root.img"
}

# image_make DIR: makes the whole image there, or nothing
image_make() {
	[ "$(id -u)" -eq 0 ] || die 'only root can make the image, because its files must belong to root'
	work=$(mktemp -d "$cache/image-$bed_name.XXXXXX")
	chmod 755 "$work"
	cleanup_add "$work"
	step 'kernel, Xen and initrd'
	apt_private_update deb "$BED_RELEASE" >&2
	boot_packages
	overlay
	modules
	step_done
	step 'dom0 root file system, about 2 min'
	root_filesystem
	(cd "$work" && rm -rf apt apt.log boot closure debs initrd.d overlay root)
	rm -rf "$1"
	mv "$work" "$1"
	step_done "$(du -sh "$1" | cut -f 1)"
}
