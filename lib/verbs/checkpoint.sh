# SPDX-License-Identifier: Apache-2.0
# runX checkpoint: always fails, because runX does not support it.
#
# It also fails with --help: podman runs that, and takes success as support.

cmd_checkpoint() {
	die "checkpoint is not supported: xl save could keep the VM's memory, but the streams of its proxy and its devices cannot be restored"
}
