# SPDX-License-Identifier: Apache-2.0
#
# linux.sysctl -> the guest's records of it.

def sysctls:
	section("linux.sysctl") | to_entries[] as $entry
	| ($entry.key | text("linux.sysctl")) + "=" + ($entry.value | text("linux.sysctl.\($entry.key)"))
	| record("sysctl");
