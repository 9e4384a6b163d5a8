# SPDX-License-Identifier: Apache-2.0
#
# Makes statements for lib/hooks.sh from hooks, and the guest's records of startContainer hooks.
#
# wanted for: "hooks"

def seconds($field):
	if . == null then ""
	elif type != "number" or . < 1 or . > 2147483647 or . != floor then
		fail($field; "must be a whole number of seconds, 1 or more")
	else floor | tostring end;

# Of several entries for one variable only the last one stays, and an empty entry never does, as with Go's os/exec, by which
# runc runs hooks. An entry without `=` names no variable.
def last_entries:
	map(select(. != "")) | to_entries
	| map(.key as $at | .name = (.value | split("=") | if length > 1 then .[0] else $at end))
	| group_by(.name) | map(.[-1]) | sort_by(.key) | map(.value);

# The hooks of one kind, each as {path, args, env (or null), seconds}.
def hooks($kind):
	section("hooks") | .[$kind] | items("hooks.\($kind)")
	| "hooks.\($kind)[\(.key)]" as $field
	| .value | object($field)
	| (.path | absolute($field + ".path")) as $path
	| {
		$path, args: (.args | texts($field + ".args") | if . == [] then [$path] else . end),
		env: (if .env == null then null else .env | texts($field + ".env") | last_entries end),
		seconds: (.timeout | seconds($field + ".timeout"))
	};

# A hook on the host becomes one statement for lib/hooks.sh. Quoted values may have newlines.
def host_hooks:
	("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $kind
	| hooks($kind)
	| "hook " + ([$kind, .seconds, (if .env == null then "" else .env | length | tostring end), .path]
		+ (.env // []) + .args | @sh);

# A hook in the guest becomes records. $state is the container's state, a JSON object. Its pid is the one that the container
# process sees.
def guest_hooks($state):
	[hooks("startContainer")] | if . == [] then empty else
		($state + {status: "created", pid: 1} | tojson | record("state")),
		(.[] | (.path | record("hook")), (.args[] | record("hook.arg")),
			(if .env == null then empty else "true" | record("hook.own_environment") end),
			(.env // [] | .[] | record("hook.env")),
			(if .seconds == "" then empty else .seconds | record("hook.timeout") end))
	end;
