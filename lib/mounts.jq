# SPDX-License-Identifier: Apache-2.0
#
# mounts -> the guest's records of them, and what helpers/stage.c has to know of those that are binds.

include "check";
include "process";

# The flags of guest/mounts.c: a bind mount has no other options, as there is no file system to take them.
def mount_flags:
	"acl async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noacl noatime nodev
	nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime
	rbind rdev rdiratime relatime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
	rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw
	shared silent slave strictatime suid symfollow sync tmpcopyup unbindable"
	| split("\n") | map(ltrimstr("\t")) | join(" ") | split(" ");

def is_bind:
	objects | .type == "bind" or (.options | arrays | any(. == ("bind", "rbind")));

def bind_options($field):
	texts("\($field).options")
	| (. - mount_flags)[0] as $unknown
	| if $unknown == null then . else fail("\($field).options"; "a bind mount cannot have the option \($unknown)") end;

def bind_source($field; $bundle):
	if . == null or . == "" then fail("\($field).source"; "a bind mount needs one")
	else text("\($field).source") | if startswith("/") then . else "\($bundle)/\(.)" end end;

# Of several on the same thing the last holds.
def last_of($words): map(select(. as $word | $words | index($word)))[-1];

def bind_mode:
	[(if any(.[]; . == "rbind") then "rbind" else "bind" end),
		(if last_of(["rro", "rrw"]) == "rro" then "rro" else last_of(["ro", "rw"]) // "rw" end),
		(last_of(["private", "rprivate", "unbindable", "runbindable", "slave", "rslave", "shared", "rshared"])
			// "" | if endswith("private") or endswith("unbindable") then "private" else empty end)]
	| join(",");

# [{at, words}] of the bind mounts: the place in mounts, and the words for helpers/stage.c.
def binds($bundle):
	[items("mounts") | select(.value | is_bind) | "mounts[\(.key)]" as $field
		| {at: .key, words: [
			(.value.options | bind_options($field) | bind_mode),
			(.value.source | bind_source($field; $bundle)),
			(.value.destination | text("\($field).destination"))]}];

# What the source is to the guest, and the type, which is ignored where an option says that it is a bind.
def mount_source($field; $bind):
	if $bind != null then ("bind" | record("mount.type")), ($bind | tostring | record("mount.source"))
	else
		(.type // "" | text("\($field).type")
			| if . == "" then fail("\($field).type"; "must not be empty, but for a bind mount") else . end
			| record("mount.type")),
		(.source // "" | text("\($field).source") | optional("mount.source"))
	end;

def mount($i; $binds):
	"mounts[\($i)]" as $field
	| object($field)
	| (.destination | text("\($field).destination") | if startswith("/") then . else "/" + . end | record("mount")),
	mount_source($field; $binds | map(.at) | index($i)),
	(.options | texts("\($field).options")[] | record("mount.option"));

def mounts($binds): items("mounts") | .key as $i | .value | mount($i; $binds);

def relative_destinations:
	items("mounts") | .value.destination | select(startswith("/") | not)
	| "log_warning " + ("mount destination \(.) is relative, and taken from /" | @sh);
