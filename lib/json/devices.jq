# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of linux.devices.

def devices:
	if . == null then empty
	elif type != "array" then fail("linux.devices"; "must be an array")
	else range(length) as $i | .[$i]
		| "linux.devices[\($i)]" as $field
		| object($field)
		| if .type | . != "c" and . != "u" and . != "b" and . != "p" then
			fail($field + ".type"; "must be c, u, b or p") else . end
		# The bits of the node's type (S_IFMT) may stand there. runc drops them, too: .type counts.
		| (.fileMode | otherwise(438) | whole($field + ".fileMode"; 65535) % 4096) as $mode
		| "\(.type):\(.major | otherwise(0) | whole($field + ".major"; 4095)):\(.minor | otherwise(0) | whole($field + ".minor"; 1048575)):"
		+ ("\($mode / 512 | floor)\($mode / 64 % 8)\($mode / 8 % 8)\($mode % 8):" | ltrimstr("0"))
		+ "\(.uid | otherwise(0) | whole($field + ".uid"; id_max)):\(.gid | otherwise(0) | whole($field + ".gid"; id_max)):"
		+ (.path | absolute($field + ".path"))
		| record("device")
	end;
