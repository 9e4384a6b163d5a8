# SPDX-License-Identifier: Apache-2.0
# The test bed's settings and functions for aarch64. bed_settings reads this file; xen_options and linux_options
# come from bed.
# shellcheck shell=sh disable=SC2034,SC2154

debarch=arm64
qemu_package=qemu-system-arm
# Here virtio devices need no bus, so dom0 needs no PCI host bridge.
bus=device
nic=virtio-net-device
# Arm has only this type.
guest_type=pvh
cpus=2

# machine OPTION…: runs QEMU as a machine that boots Xen, without a boot loader: QEMU puts dom0's kernel and initrd into
# memory, and names them in the device tree. This CPU also runs 32-bit guests.
machine() {
	qemu-system-aarch64 -machine virt,virtualization=true,gic-version=3 -cpu cortex-a57 \
		-kernel image/xen -append "console=dtuart $xen_options" \
		-device "guest-loader,addr=0x60000000,kernel=image/vmlinux,bootargs=$linux_options" \
		-device guest-loader,addr=0x68000000,initrd=image/initrd "$@"
}

# Neither Xen nor the kernel is compressed.

unpack_xen() { # FILE XEN
	cp "$1" "$2"
}

unpack_kernel() { # VMLINUZ VMLINUX
	cp "$1" "$2"
}
