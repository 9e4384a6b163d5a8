# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of a process: the container process, or one of exec (docs/guest-interface.md).

# The shell's printf %b turns this back into the value. \0000 is its NUL.
def record($key): "\($key)=" + (split("\\") | join("\\\\")) + "\\0000";
def optional($key): if . == null or . == "" then "" else record($key) end;

def id_max: 4294967294;

def user:
	section("process.user")
	| (.uid | otherwise(0) | whole("process.user.uid"; id_max) | tostring | record("uid")),
	(.gid | otherwise(0) | whole("process.user.gid"; id_max) | tostring | record("gid")),
	(.additionalGids | otherwise([]) | if type != "array" then fail("process.user.additionalGids"; "must be an array")
		elif length > 65536 then fail("process.user.additionalGids"; "has \(length) groups, and Linux takes at most 65536")
		else .[] end
		| whole("process.user.additionalGids"; id_max) | tostring | record("group")),
	(if .umask == null then "" else .umask | whole("process.user.umask"; 511)
		| "\(. / 64 | floor)\(. / 8 % 8 | floor)\(. % 8)" | record("umask") end);

# The names in the order of their numbers in linux/capability.h. A set goes to the guest as a decimal bit mask.
def capability_names:
	"CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
	SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
	AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
	PERFMON BPF CHECKPOINT_RESTORE"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ");

def capability_numbers: capability_names | to_entries | map({("CAP_" + .value): .key}) | add;

# The input is an array of names.
def added_capabilities:
	capability_numbers as $numbers
	| unique | map($numbers[.] // empty | exp2) | add // 0 | tostring | record("capability.add");

def capability_sets: "bounding", "effective", "permitted", "inheritable", "ambient";

def capabilities:
	capability_numbers as $numbers
	| section("process.capabilities") as $sets
	| capability_sets as $set
	| ($sets[$set] | texts("process.capabilities.\($set)") | unique
		| map($numbers[.] // empty | exp2) | add // 0 | tostring | record("capability.\($set)"));

# A later kernel may have capabilities with other names. runX only warns about them, because a capability that nobody gets
# does no harm. runX does not look into keys of process.capabilities that are no sets.
def unknown_names($field):
	. - [capability_names[] | "CAP_" + .] | unique
	| few(.[] | "\($field): unknown capability: \(.) (ignored)") | "log_warning \(@sh)";
def unknown_capabilities:
	[. // {} | .[capability_sets] // [] | .[]] | unknown_names("process.capabilities");

def rlimit_names:
	["CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS",
	"SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"];

# JSON's numbers lose their last digits from 2^53 on. Every number from 2^63 - 1 on means no limit.
def limit($field):
	if type != "number" or . < 0 or . != floor then fail($field; "must be a whole number")
	elif . >= 9223372036854775807 then "18446744073709551615"
	else plain | tostring end;

def rlimits:
	if . == null then empty
	elif type != "array" then fail("process.rlimits"; "must be an array")
	elif (map(.type?) | length != (unique | length)) then fail("process.rlimits"; "has a type twice")
	else range(length) as $i | .[$i]
		| "process.rlimits[\($i)]" as $field
		| object($field)
		| (.type | text($field + ".type") | ltrimstr("RLIMIT_")) as $type
		| (rlimit_names | index($type)) as $number
		| if $number == null then fail($field + ".type"; "unknown rlimit: \(.type)")
		elif ([.soft, .hard] | all(type == "number")) and .soft > .hard then fail($field; "soft must not be more than hard")
		else "\($number):\(.soft | limit($field + ".soft")):\(.hard | limit($field + ".hard"))"
			| record("rlimit") end
	end;

def process:
	(.terminal | flag("process.terminal")) as $terminal
	| (.args | texts("process.args") | if length == 0 then fail("process.args"; "must not be empty") else .[] end
		| record("arg")),
	(.env | texts("process.env") | .[] | record("env")),
	(.cwd | absolute("process.cwd") | record("cwd")),
	(.user | user),
	(.capabilities | capabilities),
	(.rlimits | rlimits),
	(.noNewPrivileges | flag("process.noNewPrivileges") | tostring | record("no_new_privileges")),
	(.oomScoreAdj | values | if type == "number" and . >= -1000 and . <= 1000 and . == floor
		then plain | tostring | record("oom_score_adj")
		else fail("process.oomScoreAdj"; "must be a whole number from -1000 to 1000") end),
	(if $terminal then
		("true" | record("terminal")),
		(.consoleSize | values | object("process.consoleSize")
			| (.height | otherwise(0) | whole("process.consoleSize.height"; 65535) | tostring | record("rows")),
			(.width | otherwise(0) | whole("process.consoleSize.width"; 65535) | tostring | record("columns")))
	else empty end);

# The size of the terminal of a process that `process` has checked. Without a terminal it is ignored, whatever it is
# (runtime-spec, config.md).
def console_size:
	if .terminal != true then "0x0" else .consoleSize | "\(.height // 0)x\(.width // 0)" end;
