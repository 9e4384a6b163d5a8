# SPDX-License-Identifier: Apache-2.0
#
# Tells from annotations whether this is the sandbox of a pod. containerd's CRI plugin and CRI-O set them.
#
# wanted for: io.kubernetes.cri

def is_sandbox: .["io.kubernetes.cri.container-type"] == "sandbox" or .["io.kubernetes.cri-o.ContainerType"] == "sandbox";
