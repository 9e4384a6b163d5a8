# SPDX-License-Identifier: Apache-2.0
#
# Makes records for helpers/seccomp.c from linux.seccomp.
#
# wanted for: "seccomp"

# The values are SECCOMP_RET_* of linux/seccomp.h. libseccomp takes them too.
def seccomp_actions:
	{SCMP_ACT_KILL: 0, SCMP_ACT_KILL_THREAD: 0, SCMP_ACT_KILL_PROCESS: 2147483648,
	SCMP_ACT_TRAP: 196608, SCMP_ACT_ERRNO: 327680, SCMP_ACT_TRACE: 2146435072,
	SCMP_ACT_LOG: 2147221504, SCMP_ACT_ALLOW: 2147418112};

# The operators in the order of their numbers in seccomp.h, from 1.
def seccomp_operators: "NE LT LE EQ GE GT MASKED_EQ" | split(" ") | map("SCMP_CMP_" + .);

def seccomp_architectures:
	"X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE
	S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ") | map("SCMP_ARCH_" + .);

# The flags that the guest gives to seccomp(2). TSYNC is 0, because the process has only one thread, and so none to
# synchronise.
def seccomp_flags:
	{SECCOMP_FILTER_FLAG_TSYNC: 0, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4};

def seccomp_action($field; $errno_field; $errno):
	text($field) | . as $name
	| seccomp_actions[$name] as $number
	| if $name == "SCMP_ACT_NOTIFY" then
		fail($field; "SCMP_ACT_NOTIFY is not supported: a process on the host cannot get a descriptor from a VM's kernel")
	elif $number == null then fail($field; "unknown action: \($name)")
	elif $name == "SCMP_ACT_ERRNO" or $name == "SCMP_ACT_TRACE" then
		$number + (if $errno == null then 1 else $errno | whole($errno_field; 65535) end)
	elif $errno != null then fail($errno_field; "\($name) has no errno: remove this field")
	else $number end
	| tostring;

# jq before 1.7 rounds numbers from 2^53 on. A rounded number would make another filter than the user asked for. Later
# versions print the digits that they read, unless the program calculated with the number.
def keeps_digits: 9007199254740993 | tostring == "9007199254740993";

def uint64($field):
	if type != "number" or . < 0 or . != floor or . > 18446744073709551615 then
		fail($field; "must be a whole number of 64 bits")
	elif . < 9007199254740992 then plain | tostring
	elif keeps_digits and (tostring | explode | all(. >= 48 and . <= 57)) then tostring
	else fail($field; "this version of jq rounds such a large number: install jq 1.7 or later") end;

def seccomp_argument($field):
	object($field)
	| (.op | text($field + ".op")) as $op
	| (seccomp_operators | index($op)) as $number
	| if $number == null then fail($field + ".op"; "unknown operator: \($op)")
	else "\(.index | whole($field + ".index"; 5)):\($number + 1):" +
		"\(.value | uint64($field + ".value")):\(.valueTwo | otherwise(0) | uint64($field + ".valueTwo"))"
		| record("arg") end;

def seccomp_rule($field):
	object($field)
	| (.errnoRet as $errno | .action
		| seccomp_action($field + ".action"; $field + ".errnoRet"; $errno) | record("action")),
	(.args | items($field + ".args") | .key as $i
		| .value | seccomp_argument("\($field).args[\($i)]")),
	(.names | texts($field + ".names")
		| if . == [] then fail($field + ".names"; "must not be empty") else .[] end | record("name"));

# The records for helpers/seccomp.c. A profile without content counts as none, as for runc.
def seccomp:
	if . == null then empty else
		object("linux.seccomp")
		| ([.syscalls | arrays | .[] | objects | .names | arrays | length] | add // 0) as $names
		| if $names > 4096 then
			fail("linux.seccomp.syscalls"; "has \($names) names, and the kernel takes a program of 4096 instructions")
		else . end
		| if .defaultAction == null and (.syscalls // []) == [] then empty else . end
		| (.defaultErrnoRet as $errno | .defaultAction
			| seccomp_action("linux.seccomp.defaultAction"; "linux.seccomp.defaultErrnoRet"; $errno)
			| record("default")),
		([.flags | items("linux.seccomp.flags") | .key as $i
			| .value | text("linux.seccomp.flags[\($i)]")
			| if . == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" then
				fail("linux.seccomp.flags[\($i)]"; "\(.) is for SCMP_ACT_NOTIFY, which runX does not support")
			else seccomp_flags[.] // fail("linux.seccomp.flags[\($i)]"; "unknown flag: \(.)") end]
			| unique | add // 0 | tostring | record("flags")),
		(.architectures | items("linux.seccomp.architectures") | .key as $i
			| .value | text("linux.seccomp.architectures[\($i)]")
			| if . as $name | seccomp_architectures | index($name) then
				ltrimstr("SCMP_ARCH_") | ascii_downcase | record("arch")
			else fail("linux.seccomp.architectures[\($i)]"; "unknown architecture: \(.)") end),
		(.syscalls | items("linux.seccomp.syscalls") | .key as $i
			| .value | seccomp_rule("linux.seccomp.syscalls[\($i)]"))
	end;
