# SPDX-License-Identifier: Apache-2.0
# runX restore: refused, as checkpoint is, also with --help.

cmd_restore() {
	die "restore is not supported: the streams of a VM's proxy and the devices behind it cannot be restored (and checkpoint makes no image)"
}
