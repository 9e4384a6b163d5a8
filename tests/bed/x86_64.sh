# SPDX-License-Identifier: Apache-2.0
# The test bed's settings and functions for x86_64. bed_settings reads this file. xen_options and linux_options come from bed,
# work comes from image.sh.
# shellcheck shell=sh disable=SC2034,SC2154

debarch=amd64
qemu_package=qemu-system-x86

# Here virtio devices are on PCI. With an empty romfile no package with ROMs is needed.
bus=pci
nic=virtio-net-pci,romfile=
# Under emulation a PVH guest boots slower than PV, because it exits to the hypervisor for everything. Tests about PVH ask
# for it. A PVH guest also dies now and then (three times in one day). xl dmesg then has a triple fault, with the
# hypervisor's own RIP, CS, RSP and CR3 as the guest's. So QEMU's SVM seems to leave the guest twice. It also happened
# with a bare xl create, without runX.
guest_type=pv
# With two CPUs, which often wait for each other, a test takes as long, and QEMU a quarter more of the host's time (97 s of it
# for process.bats and states.bats, and 76 s with one). The core on aarch64 has two, to find races between dom0 and a guest.
cpus=1

# machine OPTION…: runs QEMU as a machine that boots Xen with dom0's kernel and initrd. The CPU must have no SMAP: with
# `max` and others that have it, dom0 dies, or processes in its guests die.
machine() {
	qemu-system-x86_64 -machine q35 -cpu qemu64,+svm,+npt -kernel image/xen -append "console=com1 $xen_options" \
		-initrd "image/vmlinux $linux_options,image/initrd" "$@"
}

unpack_xen() { # FILE XEN
	gzip -dc "$1.gz" >"$2"
}

# field FILE OFFSET BYTES: prints an unsigned number from the kernel's setup header
field() {
	od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpack_kernel VMLINUZ VMLINUX: takes the ELF file out, so that Xen need not unpack it at each boot, under emulation.
# The payload's last four bytes are its unpacked size. They are not part of the stream, which is xz in Debian 12 and zstd in
# Debian 13.
unpack_kernel() {
	local skip size
	skip=$((($(field "$1" 497 1) + 1) * 512 + $(field "$1" 584 4)))
	size=$(($(field "$1" 588 4) - 4))
	tail -c "+$((skip + 1))" "$1" | head -c "$size" >"$2.packed"
	xz -dc <"$2.packed" >"$2" 2>/dev/null || zstd -qdc <"$2.packed" >"$2" ||
		die "$1: the kernel in it is compressed neither with xz nor with zstd"
	rm "$2.packed"
}
