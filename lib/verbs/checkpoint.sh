# SPDX-License-Identifier: Apache-2.0
# runX checkpoint: refused, also with --help: podman takes success there for support.

cmd_checkpoint() {
	die "checkpoint is not supported: xl save could keep the VM's memory, but the streams of its proxy and the devices behind it cannot be restored"
}
