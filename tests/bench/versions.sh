#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of bed.sh that runs in dom0: prints the versions of what was measured, in one line.
#
# usage: versions.sh GUEST-KERNEL PROGRAM…     jq is always among them
#
# The programs are asked, since dom0's packages were unpacked: dpkg knows none of them.
set -eu

# version PROGRAM: the first number with dots of what it says
version() {
	local said
	said=$("$1" --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9][0-9.]*\).*/\1/p')
	echo "${said:-unknown}"
}

# xen NAME: a value of `xl info`
xen() {
	xl info | awk -v name="$1" '$1 == name { print $3 }'
}

guest=${1:-unknown}
shift
line="Debian $(cat /etc/debian_version), Xen $(xen xen_version) with $(xen nr_cpus) CPUs and $(xen total_memory) MiB"
line="$line, Linux $(uname -r) in dom0 and $guest in the guest"
for program in jq "$@"; do
	line="$line, $program $(version "$program")"
done
echo "$line. VMs are of type $(sed -n 's/^guest_type = //p' /etc/runX/runX.conf) unless a table says another"
