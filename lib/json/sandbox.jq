# SPDX-License-Identifier: Apache-2.0
#
# annotations -> whether this is the sandbox of a pod, as containerd's CRI plugin and CRI-O say it.

def is_sandbox: .["io.kubernetes.cri.container-type"] == "sandbox" or .["io.kubernetes.cri-o.ContainerType"] == "sandbox";
