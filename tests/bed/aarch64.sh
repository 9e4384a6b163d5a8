# SPDX-License-Identifier: Apache-2.0
# What the test bed has of its own for aarch64: read by bed_arch. xen_options and linux_options are bed's.
# shellcheck shell=sh disable=SC2034,SC2154

debarch=arm64
qemu_package=qemu-system-arm
own_packages=
# virtio's devices need no bus here, and so no PCI host bridge in dom0.
bus=device
nic=virtio-net-device
# The only type that there is.
guest_type=pvh

# machine OPTION…: QEMU, as a machine that boots Xen with dom0's kernel and initrd, which QEMU puts into memory and names
# in the device tree: no boot loader. This CPU also runs 32-bit guests.
machine() {
	qemu-system-aarch64 -machine virt,virtualization=true,gic-version=3 -cpu cortex-a57 \
		-kernel image/xen -append "console=dtuart $xen_options" \
		-device "guest-loader,addr=0x60000000,kernel=image/vmlinux,bootargs=$linux_options" \
		-device guest-loader,addr=0x68000000,initrd=image/initrd "$@"
}

# Neither is packed.

unpack_xen() { # FILE XEN
	cp "$1" "$2"
}

unpack_kernel() { # VMLINUZ VMLINUX
	cp "$1" "$2"
}
