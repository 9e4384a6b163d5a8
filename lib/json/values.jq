# SPDX-License-Identifier: Apache-2.0
#
# Checks values of config.json. Each function gives the value back, or fails and names the field.

def fail($field; $problem): error("\($field): \($problem)");

# A string cannot have a NUL, because it goes to the guest as a record that ends with one.
def text($field):
	if type != "string" then fail($field; "must be a string")
	elif index("\u0000") != null then fail($field; "must not contain a NUL")
	else . end;

def texts($field):
	if . == null then []
	elif type != "array" then fail($field; "must be an array of strings")
	else [range(length) as $i | .[$i] | text("\($field)[\($i)]")] end;

def whole($field; $max):
	if type != "number" or . < 0 or . > $max or . != floor then
		fail($field; "must be a whole number from 0 to \($max)")
	else . end;

def flag($field):
	if . == null then false
	elif type != "boolean" then fail($field; "must be true or false")
	else . end;

def object($field):
	if type != "object" then fail($field; "must be an object") else . end;

# An object that may be absent. It is then empty.
def section($field): if . == null then {} else object($field) end;

def absolute($field):
	text($field) | if startswith("/") then . else fail($field; "must be an absolute path") end;

# The items of an array, as {key, value}.
def items($field):
	if . == null then empty
	elif type != "array" then fail($field; "must be an array")
	else to_entries[] end;
