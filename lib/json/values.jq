# SPDX-License-Identifier: Apache-2.0
#
# Checks values of config.json. Each function gives the value back, or fails and names the field.

# A message may quote a value. It is cut, because a value can have megabytes.
def clip: if length > 1000 then .[:1000] + "…" else . end;
def fail($field; $problem): error("\($field): \($problem)" | clip);

# Gives the first of the warnings f back, and says if there are more. Each one costs a process if there is a log.
def few(f): [limit(9; f) | clip] | .[:8][], (.[8] // empty | "there are more warnings of this kind, which are not shown");

# Replaces jq's own join for strings, which takes the square of their number.
def join($between): [.[] | $between, .][1:] | add // "";

# What a config.json can make runX do is bounded by the number of its values. docs/configuration.md lists all bounds.
def few_values($field):
	(reduce .. as $value (0; . + 1)) as $count
	| if $count > 100000 then fail($field; "has \($count) values, and runX takes at most 100000") else . end;

# A string cannot have a NUL, because it goes to the guest as a record that ends with one.
def text($field):
	if type != "string" then fail($field; "must be a string")
	elif index("\u0000") != null then fail($field; "must not contain a NUL")
	else . end;

def texts($field):
	if . == null then []
	elif type != "array" then fail($field; "must be an array of strings")
	else [range(length) as $i | .[$i] | text("\($field)[\($i)]")] end;

# The value of a key that may be absent. It differs from //, which takes false for absent, too.
def otherwise($default): if . == null then $default else . end;

# jq since 1.7 prints a number as it was written (1E+3), unless the program has calculated with it. The guest would read 1.
def plain: . + 0;

def whole($field; $max):
	if type != "number" or . < 0 or . > $max or . != floor then
		fail($field; "must be a whole number from 0 to \($max)")
	else plain end;

def flag($field):
	if . == null then false
	elif type != "boolean" then fail($field; "must be true or false")
	else . end;

def object($field):
	if type != "object" then fail($field; "must be an object") else . end;

# An object that may be absent. It is then empty.
def section($field): if . == null then {} else object($field) end;

# Linux takes no longer path.
def path($field):
	text($field) | if utf8bytelength > 4095 then fail($field; "is longer than 4095 bytes") else . end;

def absolute($field):
	path($field) | if startswith("/") then . else fail($field; "must be an absolute path") end;

# The items of an array, as {key, value}.
def items($field):
	if . == null then empty
	elif type != "array" then fail($field; "must be an array")
	else to_entries[] end;

# Engines write 0, false, an empty text or nothing into what nobody asked for.
def asked_for: any(..; scalars and . != 0 and . != "");
