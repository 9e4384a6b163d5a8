# SPDX-License-Identifier: Apache-2.0
#
# Parses the IP addresses of CNI files.
#
# An address becomes a list of 16-bit groups: two for IPv4, eight for IPv6. So one set of functions serves both families.

def digits($base):
	ascii_downcase | explode
	| if . == [] then null else
		reduce .[] as $c (0;
			($c - if $c >= 97 then 87 else 48 end) as $digit
			| if . == null or $c < 48 or ($c > 57 and $c < 97) or $digit >= $base then null
			else . * $base + $digit end)
	end;

def groups4:
	split(".") | map(if length <= 3 then digits(10) else null end)
	| if length == 4 and all(. != null and . <= 255) then [.[0] * 256 + .[1], .[2] * 256 + .[3]] else null end;

def hextets: if . == "" then [] else split(":") | map(if length <= 4 then digits(16) else null end) end;

def groups6:
	split("::")
	| if length == 1 then .[0] | hextets
	elif length == 2 then map(hextets) as [$head, $tail]
		| $head + [range(8 - ($head | length) - ($tail | length)) | 0] + $tail
	else [] end
	| if length == 8 and all(. != null) then . else null end;

# ADDRESS or ADDRESS/BITS -> {groups, bits, text}. bits is null if the text has none.
def address($field):
	text($field) | . as $text
	| split("/") as $parts
	| ($parts[0] // "" | if index(":") then groups6 else groups4 end) as $groups
	| ($parts[1] | if . == null then null else digits(10) // -1 end) as $bits
	| if $groups == null or ($parts | length) > 2 or ($bits != null and ($bits < 0 or $bits > 16 * ($groups | length))) then
		fail($field; "this is not an IP address: \($text)")
	else {$groups, $bits, text: $parts[0]} end;

def subnet($field):
	address($field)
	| if .bits == null then fail($field; "this is not a subnet, which has a slash and a number of bits: \(.text)") else . end;

# Whether the address lies in the subnet.
def within($subnet):
	.groups as $mine
	| ($mine | length) == ($subnet.groups | length)
	and all(range($mine | length);
		($subnet.bits - 16 * .) as $left
		| pow(2; if $left >= 16 then 0 elif $left <= 0 then 16 else 16 - $left end) as $rest
		| ($mine[.] / $rest | floor) == ($subnet.groups[.] / $rest | floor));

def hexadecimal:
	(if . < 16 then "" else . / 16 | floor | hexadecimal end) + (. % 16 | "0123456789abcdef"[.:. + 1]);

def print:
	if length == 2 then map((. / 256 | floor), . % 256) | map(tostring) | join(".")
	else map(hexadecimal) | join(":") end;

# The first address of a subnet. It is the gateway's if the file names no other (as in CNI's host-local).
def first_host: .bits as $bits | .groups | .[-1] += 1 | {groups: ., $bits, text: print};

def is_ipv6: .groups | length == 8;
def any_address: if is_ipv6 then "::/0" else "0.0.0.0/0" end;

# The guest's line of a route: "DESTINATION GATEWAY SOURCE METRIC SCOPE FLAGS" (docs/guest-interface.md).
def route($destination; $gateway): "route=\($destination) \($gateway // "-") - 0 0 0";
