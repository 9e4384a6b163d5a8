# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of linux.sysctl.
#
# wanted for: "sysctl"

def sysctls:
	section("linux.sysctl") | to_entries[] as $entry
	| ($entry.key | text("linux.sysctl")) + "=" + ($entry.value | text("linux.sysctl.\($entry.key)"))
	| record("sysctl");
