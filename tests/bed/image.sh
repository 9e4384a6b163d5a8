# SPDX-License-Identifier: Apache-2.0
# How dom0's image is made: sourced by bed, needs lib.sh. Makes $cache/dom0-KEY with the files
#   xen vmlinux initrd root.img id_ed25519 known_hosts
# shellcheck shell=sh
# dash, busybox ash and bash all have local. here and cache are bed's.
# shellcheck disable=SC3043,SC2154

host_packages='cpio e2fsprogs jq kmod mmdebstrap openssh-client qemu-system-x86 qemu-utils socat
	util-linux xz-utils zstd'
xen_package=xen-hypervisor-4.17-amd64

# list FILE: its lines without comments
list() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$1"
}

kernel_package() {
	apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }'
}

# What the image is made from: the bed's own files and the versions that apt would install now.
image_key() {
	# shellcheck disable=SC2046
	# Package names are plain words.
	{
		for file in bundle config.json image.sh init initrd-init modules packages; do
			sha256sum <"$here/$file"
		done
		apt-cache policy $(list packages) "$(kernel_package)" "$xen_package" busybox-static |
			grep -E '^[^ ]|Candidate:'
	} | digest
}

# Asking apt takes seconds; so its answer is kept until apt's or dpkg's state or a file of the bed changes.
image_inputs() {
	{
		(cd "$here" && sha256sum ./*)
		stat -c '%n %Y' /var/lib/apt/lists /var/lib/dpkg/status
	} | digest
}

missing_packages() {
	local package
	for package in $host_packages; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
	done
}

install_host_packages() {
	local missing
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "not root, and this machine lacks: $missing(apt-get install them)"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	# Package names are plain words.
	apt-get install -qy --no-install-recommends $missing >&2 || {
		apt-get update -q >&2
		apt-get install -qy --no-install-recommends $missing >&2
	} || die "apt-get could not install: $missing"
}

# A fresh machine knows no package yet.
lists_fresh() {
	apt-cache show "$xen_package" >/dev/null 2>&1 || apt-get update -q >&2 || die 'apt-get update failed'
}

# The host's own Debian mirrors as a one-line source list: whatever form apt's configuration has, apt can tell.
sources() {
	local keyring
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	# shellcheck disable=SC2016
	# The names in the format are apt's.
	apt-get indextargets --format "deb [signed-by=$keyring] \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
		'Created-By: Packages' 'Origin: Debian' | sort -u
}

# How to reach the mirrors (proxies, retries, dates not checked), as lines of apt's configuration.
apt_options() {
	apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-)' | grep -v '"";$' || true
}

# The files of ours that go over the distribution's.
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
	# mmdebstrap leaves the host's, which is neither reachable nor always the same.
	echo 'nameserver 10.0.2.3' >"$dir/etc/resolv.conf"
	# No cri: Kubernetes is not tested here, and it is what containerd spends its start on.
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
	BUSYBOX=$work/boot/bin/busybox "$here/bundle" "$dir/bundles"
}

# Unpacks the kernel and Xen rather than installing them: no initramfs is made, no boot loader is asked.
boot_packages() {
	local deb
	install -d "$work/debs" "$work/boot"
	(
		cd "$work/debs"
		apt-get -qq -o APT::Sandbox::User=root download "$(kernel_package)" "$xen_package" busybox-static
	) || die "apt-get could not download $(kernel_package), $xen_package or busybox-static"
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$work/boot"
	done
	gzip -dc "$work"/boot/boot/xen-4.17-amd64.gz >"$work/xen"
	unpack_kernel "$work"/boot/boot/vmlinuz-* "$work/vmlinux"
}

# field FILE OFFSET BYTES: an unsigned number of an x86 kernel's setup header
field() {
	od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpack_kernel VMLINUZ VMLINUX: take the ELF file out, which saves Xen from unpacking it, emulated, at each boot.
# The payload's last four bytes are its unpacked size, not part of the xz stream.
unpack_kernel() {
	local skip size
	skip=$((($(field "$1" 497 1) + 1) * 512 + $(field "$1" 584 4)))
	size=$(($(field "$1" 588 4) - 4))
	tail -c "+$((skip + 1))" "$1" | head -c "$size" >"$2.xz"
	xz -dc <"$2.xz" >"$2" || die "$1: the kernel inside is not packed with xz"
	rm "$2.xz"
}

# closure WHEN...: paths under lib/modules/VERSION of the listed modules and of what they need, in loading order
closure() {
	local when name
	for when in "$@"; do
		list modules | sed -n "s/^$when //p" | while read -r name; do
			modprobe -d "$work/boot" -S "$version" --show-depends "$name" || die "the kernel has no module $name"
		done
	done | awk -v top="$work/boot/lib/modules/$version/" '
		$1 == "insmod" && !seen[$2]++ { print substr($2, length(top) + 1) }'
}

modules() {
	local tree file
	version=$(ls "$work/boot/lib/modules")
	tree=$work/overlay/usr/lib/modules/$version
	depmod -b "$work/boot" "$version"
	closure initrd boot late disk >"$work/closure"
	install -d "$tree"
	printf '%s\n' modules.builtin modules.builtin.modinfo modules.order >>"$work/closure"
	(cd "$work/boot/lib/modules/$version" && xargs cp --parents -t "$tree" <"$work/closure")
	depmod -b "$work/overlay/usr" "$version"
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

# Runs inside mmdebstrap, when the packages are installed: strip, lay ours over, make the disk.
root_disk() {
	cat >"$work/hook" <<-'END'
		#!/bin/sh
		set -eu
		root=$1
		rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/* \
			"$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/etc/apt/apt.conf.d/99mmdebstrap \
			"$root"/etc/ssh/ssh_host_* "$root"/usr/share/qemu/edk2* "$root"/usr/share/qemu/skiboot* \
			"$root"/usr/share/qemu/u-boot*
		cp -a "$work/overlay/." "$root/"
		# sshd runs commands by root's shell: the quicker one.
		sed -i '1s,/bin/bash$,/bin/sh,' "$root/etc/passwd"
		mkdir -p "$root/var/lib/xen" "$root/var/log/xen" "$root/proc" "$root/sys"
		truncate -s 4G "$work/root.img"
		# A plain bind mount leaves out the proc, sys and dev that mmdebstrap has mounted over it.
		mkdir "$work/root"
		mount --bind "$root" "$work/root"
		trap 'umount "$work/root"' EXIT
		mke2fs -q -t ext4 -O '^has_journal' -m 0 -L dom0 -d "$work/root" "$work/root.img"
	END
	chmod 755 "$work/hook"
}

root_filesystem() {
	local option
	export work
	root_disk
	apt_options >"$work/apt.conf"
	sources >"$work/sources.list"
	[ -s "$work/sources.list" ] || die "this machine's apt has no Debian source (see apt-get indextargets)"
	set -- --mode=root --variant=minbase --format=null --quiet --include="$(list packages | tr '\n' ' ')" \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='force-unsafe-io' \
		--aptopt='APT::Install-Recommends "false"' --customize-hook="$work/hook"
	while read -r option; do
		set -- "$@" --aptopt="$option"
	done <"$work/apt.conf"
	mmdebstrap "$@" "$suite" /dev/null "$work/sources.list" >"$work/mmdebstrap.log" 2>&1 || {
		tail -n 20 "$work/mmdebstrap.log" >&2
		die "mmdebstrap could not make dom0's root file system"
	}
}

# image_make DIR: leaves the whole image there, or nothing
image_make() {
	suite=bookworm
	[ "$(id -u)" -eq 0 ] || die 'making the image takes root (for mmdebstrap)'
	work=$(mktemp -d "$cache/bed-image.XXXXXX")
	chmod 755 "$work"
	cleanup_add "$work"
	step 'kernel, Xen and initrd'
	boot_packages
	overlay
	modules
	step_done
	step 'dom0 root file system: mmdebstrap, about 2 min'
	root_filesystem
	chmod 444 "$work/root.img"
	(cd "$work" && rm -rf boot closure debs hook initrd.d overlay root)
	rm -rf "$1"
	mv "$work" "$1"
	step_done "$(du -sh "$1" | cut -f 1)"
}
