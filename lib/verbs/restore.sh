# SPDX-License-Identifier: Apache-2.0
# runX restore: always fails, also with --help, as checkpoint does.

cmd_restore() {
	die "restore is not supported: the streams of a VM's proxy and its devices cannot be restored (and checkpoint makes no image)"
}
