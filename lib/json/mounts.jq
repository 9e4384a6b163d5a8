# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's records of mounts, and the words about bind mounts for helpers/root/stage.c.

# The flags in guest/mounts/mounts.c. A bind mount has no file system of its own, so it has no use for other options.
def mount_flags:
	"acl async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noacl noatime nodev
	nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime
	rbind rdev rdiratime relatime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
	rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw
	shared silent slave strictatime suid symfollow sync tmpcopyup unbindable"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ");

def is_bind:
	objects | .type == "bind" or (.options // [] | arrays | any(. == ("bind", "rbind")));

# The file systems that the guest's kernel mounts from a block device. Its ext4 also mounts ext2 and ext3.
def disk_types: {ext2: "ext4", ext3: "ext4", ext4: "ext4", squashfs: "squashfs"};

def is_disk:
	objects | (is_bind | not) and (.type // "" | strings | in(disk_types));

# Linux ignores other options of a bind mount, and so do runc and runX, but with a warning. These change what the mount is.
def is_idmap: . == "idmap" or . == "ridmap" or startswith("idmap=") or startswith("ridmap=");

def refuse($field; $unknown):
	if $unknown == null then . else fail($field + ".options"; "a bind mount cannot have the option \($unknown)") end;

def bind_options($field): texts($field + ".options") | refuse($field; map(select(is_idmap))[0]);

# To the file system on a disk every option means something, so none is ignored.
def disk_options($field):
	texts($field + ".options") | (. - mount_flags)[0] as $unknown
	| if $unknown == null then . else fail($field + ".options"; "runX does not pass the option \($unknown) on to the file system of a disk") end;

def ignored_options:
	few(items("mounts") | select(.value | is_bind) | .key as $i | .value.options // [] | (. - mount_flags)[]
		| "mounts[\($i)].options: a bind mount has no use for the option \(.) (ignored)")
	| "log_warning " + @sh;

# Each mount costs the guest several system calls, and each bind mount costs dom0 words of a command line (2 MiB in Linux).
def mounts_max: 1024;
def binds_max: 1048576;

def few_mounts:
	if . != null and type == "array" and length > mounts_max then
		fail("mounts"; "has \(length) entries, and runX takes at most \(mounts_max)")
	else . end;

def few_words:
	if ([.[].words[] | utf8bytelength] | add // 0) > binds_max then
		fail("mounts"; "the paths of the bind mounts have more than \(binds_max) bytes together")
	else . end;

def bind_source($field; $bundle):
	if . == null or . == "" then fail($field + ".source"; "a bind mount needs a source")
	else path($field + ".source") | if startswith("/") then . else "\($bundle)/\(.)" end end;

# Of several options about the same thing, the last one counts.
def last_of($words): map(select(. as $word | $words | index($word)))[-1];

def bind_mode:
	[(if any(.[]; . == "rbind") then "rbind" else "bind" end),
		(if last_of(["rro", "rrw"]) == "rro" then "rro" else last_of(["ro", "rw"]) // "rw" end),
		(last_of(["private", "rprivate", "unbindable", "runbindable", "slave", "rslave", "shared", "rshared"])
			// "" | if endswith("private") or endswith("unbindable") then "private" else empty end)]
	| join(",");

# The mode of a mount whose source is a block device of the host: "disk,ACCESS,TYPE".
def disk_mode($type): "disk,\(last_of(["ro", "rw"]) // "rw"),\(disk_types[$type])";

# The mounts whose sources are on the host, as [{at, words}]. at is the index in mounts. words are MODE, SOURCE and
# DESTINATION for helpers/root/stage.c.
def binds($bundle):
	[few_mounts | items("mounts") | select(.value | is_bind or is_disk) | "mounts[\(.key)]" as $field
		| {at: .key, words: [
			(.value | if is_disk then . as $mount | .options | disk_options($field) | disk_mode($mount.type)
				else .options | bind_options($field) | bind_mode end),
			(.value.source | bind_source($field; $bundle)),
			(.value.destination | path($field + ".destination"))]}]
	| few_words;

# The guest's records of a mount's type and source. If an option makes it a bind mount, its type in config.json does not
# count. Its source is then $bind, the number of the bind mount.
def mount_source($field; $bind):
	if $bind != null then ("bind" | record("mount.type")), ($bind | tostring | record("mount.source"))
	else
		(.type | otherwise("") | text($field + ".type")
			| if . == "" then fail($field + ".type"; "must not be empty (only a bind mount needs no type)") else . end
			| record("mount.type")),
		(.source | otherwise("") | text($field + ".source") | optional("mount.source"))
	end;

def mount($i; $bind):
	"mounts[\($i)]" as $field
	| object($field)
	| (.destination | path($field + ".destination") | if startswith("/") then . else "/" + . end | record("mount")),
	mount_source($field; $bind),
	(.options | texts($field + ".options")[] | record("mount.option"));

def mounts($binds):
	($binds | to_entries | map({"\(.value.at)": .key}) | add // {}) as $numbers
	| items("mounts") | .key as $i | .value | mount($i; $numbers["\($i)"]);

def relative_destinations:
	few(items("mounts") | .value.destination | select(startswith("/") | not)
		| "mount destination \(.) is relative: runX takes it from /")
	| "log_warning \(@sh)";

# "DEVICE TYPE ACCESS" of the block device that is mounted at $path, or "". Its whole file system must be mounted there, and
# nowhere else that this process sees, and nothing may be mounted inside $path. The input is the text of
# /proc/self/mountinfo (proc_pid_mountinfo(5)).
def mounted_device($path):
	("/" + ($path | split("/") | map(select(. != "" and . != ".")) | join("/"))) as $path
	| if index(" \($path) ") == null then "" else
		[split("\n")[] | split(" ") | select(length > 9)
			| {device: .[2], root: .[3], place: .[4], options: .[5]} + (.[index("-"):] | {type: .[1], source: .[2], super: .[3]})]
		| (map(select(.place == $path)) | last) as $mount
		| map(select(.device == $mount.device or (.place | startswith($path + "/")))) as $rivals
		| if $mount.root == "/" and ($rivals | length) == 1 and ($mount.source | startswith("/dev/"))
			and ($mount.type | in(disk_types)) then
			"\($mount.source) \(disk_types[$mount.type]) " +
			if "\($mount.options),\($mount.super)" | split(",") | index("ro") then "ro" else "rw" end
		else "" end
	end;
