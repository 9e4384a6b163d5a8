# SPDX-License-Identifier: Apache-2.0
# What the test bed has of its own for x86_64: read by bed_arch. xen_options and linux_options are bed's, work is image.sh's.
# shellcheck shell=sh disable=SC2034,SC2154

debarch=amd64
qemu_package=qemu-system-x86
# What serves 9p shares: of Debian's architectures, only this has one.
own_packages=qemu-system-xen
# virtio's devices are PCI's here. An empty romfile saves a package.
bus=pci
nic=virtio-net-pci,romfile=
# Emulated, a PVH guest boots slower than PV, as it exits to the hypervisor for everything. Tests that are about PVH
# ask for it. And it dies now and then (thrice in one day): xl dmesg has a triple fault then, with the hypervisor's own
# RIP, CS, RSP and CR3 as the guest's, so QEMU's SVM seems to leave it twice (the dump was of a bare xl create).
guest_type=pv

# machine OPTION…: QEMU, as a machine that boots Xen with dom0's kernel and initrd. `max`, or another CPU with SMAP,
# does not do: dom0 dies, or its guests' processes do.
machine() {
	qemu-system-x86_64 -machine q35 -cpu qemu64,+svm,+npt -kernel image/xen -append "console=com1 $xen_options" \
		-initrd "image/vmlinux $linux_options,image/initrd" "$@"
}

unpack_xen() { # FILE XEN
	gzip -dc "$1.gz" >"$2"
}

# field FILE OFFSET BYTES: an unsigned number of the kernel's setup header
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
