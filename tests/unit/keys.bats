#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every key of config.json (keys.txt), and the word that docs/config-json.md gives it.

load helpers

# promises: prints KEY WORD for each key in the tables of docs/config-json.md
promises() {
	awk -F '|' '
		/^## `/ { split($0, part, "`"); section = part[2] == "config.json" ? "" : part[2] "." }
		section != "" || part[2] == "config.json" {
			count = split($2, key, "`")
			gsub(/ /, "", $3)
			for (i = 2; i <= count; i += 2) print section key[i], $3
		}' "$top/docs/config-json.md"
}

# promised WORD: prints the lines of keys.txt, each after the key of docs/config-json.md that it belongs to
promised() {
	promises | awk -F '\t' -v wanted="$1" '
		FNR == NR { split($0, part, " "); if (part[2] == wanted) promise[part[1]]; next }
		/^#/ { next }
		{ for (key in promise) if (belongs($1, key)) print key "\t" $0 }
		function belongs(key, to) { return key == to || index(key, to ".") == 1 || index(key, to "[") == 1 }' - "$top/tests/unit/keys.txt"
}

# ask: makes a config.json that asks for these lines of `promised`
ask() {
	local config
	mkdir -p "$bundle/other/bin"
	cp "$bundle/rootfs/bin/sh" "$bundle/other/bin/"
	config=$(jq -nR '
		def path_of: split(".") | map(if . == "*" then "key" elif endswith("[]") then .[:-2], 0 else . end);
		reduce (inputs | split("\t")) as [$promise, $key, $value] (
			{ociVersion: "1.3.0", process: {args: ["sh"], cwd: "/", env: ["PATH=/bin"]}, root: {path: "rootfs"},
				linux: {namespaces: [{type: "network"}]}};
			if $key | startswith("mounts[]") then .mounts[0] |= {destination: "/x", type: "tmpfs"} + . else . end
			| setpath($key | path_of; $value | fromjson))')
	printf '%s\n' "$config" >"$bundle/config.json"
}

# each WORD FUNCTION: calls FUNCTION KEY for each key that has this word in config-json.md. Its input are the lines of `promised`
each() {
	local key
	promised "$1" >"$BATS_TEST_TMPDIR/lines"
	while read -r key; do
		awk -F '\t' -v key="$key" '$1 == key' "$BATS_TEST_TMPDIR/lines" | "$2" "$key" || { echo "this was about $key" && return 1; }
	done < <(cut -f 1 "$BATS_TEST_TMPDIR/lines" | uniq)
}

@test "keys: the tables have each key of the specification once, and no other" {
	local word
	promises | cut -d ' ' -f 1 | sort >"$BATS_TEST_TMPDIR/documented"
	for word in honoured refused warned meaningless; do promised $word; done >"$BATS_TEST_TMPDIR/found"
	cut -f 1 "$BATS_TEST_TMPDIR/found" | sort -u | diff "$BATS_TEST_TMPDIR/documented" -
	cut -f 2 "$BATS_TEST_TMPDIR/found" | sort | diff <(grep -v '^#' "$top/tests/unit/keys.txt" | cut -f 1 | sort) -
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -gt 150 ]
}

# proven PROOF: this was written, or another test has this name
proven() {
	case $1 in
	'') return 1 ;;
	'test: '*) grep -qF "@test \"${1#test: }\"" "$top"/tests/unit/*.bats ;;
	*) grep -qF -e "$1" "$BATS_TEST_TMPDIR/written" ;;
	esac
}

# holds: create of what these lines ask for says nothing, and writes what they say
holds() {
	local key value proof
	cat >"$BATS_TEST_TMPDIR/lines"
	ask <"$BATS_TEST_TMPDIR/lines"
	runX create --bundle "$bundle" ${1:+--console-socket "$1"} c1
	succeeds
	[ -z "$output" ] || { echo "it said: $output" && return 1; }
	{
		(cd "$RUNX_ROOT/c1" && cat container xl.cfg state netns hooks profile 2>/dev/null) # the last two only if asked for
		find "$RUNX_CGROUP" -name cgroup.procs 2>/dev/null
		cat "$FAKE/shared"
	} | tr '\0' '\n' >"$BATS_TEST_TMPDIR/written"
	while IFS=$'\t' read -r _ key value proof; do
		proven "$proof" || { echo "$key = $value did not give ${proof:-anything, for it has no proof}" && return 1; }
	done <"$BATS_TEST_TMPDIR/lines"
}

@test "keys: what is honoured is done, without a word" {
	mkdir -p "$RUNX_CGROUP/cpu"
	touch "$RUNX_CGROUP/cpu/cgroup.procs"
	promised honoured >"$BATS_TEST_TMPDIR/honoured"
	grep -v '^vm[.]' "$BATS_TEST_TMPDIR/honoured" | holds /s
	runX delete --force c1
	# These take the place of limits in linux.resources.
	grep '^vm[.]' "$BATS_TEST_TMPDIR/honoured" | holds
}

# refused KEY: create fails, and names the key
refused() {
	ask
	runX create --bundle "$bundle" c1
	local name=${1/\[\]/[0]}
	fails_with "config.json: $name: "
	nothing_left
}

@test "keys: what is refused fails, and the error names the key" {
	each refused refused
}

@test "keys: what is warned about has one warning that names the key, and create goes on" {
	local key
	promised warned >"$BATS_TEST_TMPDIR/warned"
	ask <"$BATS_TEST_TMPDIR/warned"
	runX create --bundle "$bundle" c1
	succeeds
	cut -f 1 "$BATS_TEST_TMPDIR/warned" | sort -u >"$BATS_TEST_TMPDIR/keys"
	while read -r key; do
		grep -qE "^runX: warning: $key(: | is ignored)" <<<"$output" || { echo "no warning names $key: $output" && return 1; }
	done <"$BATS_TEST_TMPDIR/keys"
	[ "${#lines[@]}" -eq "$(wc -l <"$BATS_TEST_TMPDIR/keys")" ] || { echo "$output" && return 1; }
}

@test "keys: update gives the keys of linux.resources the same words" {
	local key
	in_state running
	promised warned | grep '^linux[.]resources' >"$BATS_TEST_TMPDIR/warned"
	update <"$BATS_TEST_TMPDIR/warned"
	cut -f 1 "$BATS_TEST_TMPDIR/warned" | sort -u | sed 's/^linux[.]resources[.]//' >"$BATS_TEST_TMPDIR/keys"
	while read -r key; do
		grep -qE "^runX: warning: $key(: | is ignored)" <<<"$output" || { echo "no warning names $key: $output" && return 1; }
	done <"$BATS_TEST_TMPDIR/keys"
	[ "${#lines[@]}" -eq "$(wc -l <"$BATS_TEST_TMPDIR/keys")" ] || { echo "$output" && return 1; }
	promised meaningless | grep '^linux[.]resources' >"$BATS_TEST_TMPDIR/meaningless"
	update <"$BATS_TEST_TMPDIR/meaningless"
	[ -z "$output" ]
}

# update: updates c1 by what these lines of `promised` ask for
update() {
	local resources
	ask
	resources=$(jq .linux.resources "$bundle/config.json")
	printf '%s\n' "$resources" >"$BATS_TEST_TMPDIR/resources"
	runX update --resources "$BATS_TEST_TMPDIR/resources" c1
	succeeds
}

@test "keys: nothing is said about what is meaningless" {
	promised meaningless | ask
	runX create --bundle "$bundle" c1
	succeeds
	[ -z "$output" ]
}

# program FILE: prints the program that create's jq would get for this config.json (helpers/json.c)
program() {
	local parent=$BASHPID
	printf '#!/bin/sh\nprintf %%s "$3"\n' >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	"$top/out/$(uname -m)/json" "$parent" "$top/lib/json" "$PLAN_MODULES plan.jq" -w "$1"
	rm "$FAKE/bin/jq"
}

# loads_module KEY: create's jq has the module that looks at this key, if config.json has nothing else. The choice looks only at
# the names and values, so this writes no JSON.
loads_module() {
	local key value
	while IFS=$'\t' read -r _ key value _; do
		key=${key//\[\]/}
		printf '"%s": ' "${key//./\": \"}"
		printf '%s\n' "$value"
	done >"$BATS_TEST_TMPDIR/text"
	[[ $1 == vm.* ]] || [[ $(program "$BATS_TEST_TMPDIR/text") == *'def unmet_table'*'def shared_mounts'* ]]
}

# create's jq has the module for these keys only if it finds their names.
@test "keys: each key that is refused or warned about is looked for" {
	. "$top/lib/plan.sh"
	each refused loads_module
	each warned loads_module
}

@test "keys: what Docker writes for every container costs no module" {
	. "$top/lib/plan.sh"
	echo '{"blockIO":{"weight":0},"memory":{"disableOOMKiller":false}}' >"$BATS_TEST_TMPDIR/text"
	program "$BATS_TEST_TMPDIR/text" >"$BATS_TEST_TMPDIR/program"
	grep 'def wanted' "$BATS_TEST_TMPDIR/program"
	run grep unmet_table "$BATS_TEST_TMPDIR/program"
	[ "$status" -eq 1 ]
	# A second one with a value counts.
	echo '{"blockIO":{"weight":0},"x":{"blockIO":{"weight":1}}}' >"$BATS_TEST_TMPDIR/text"
	program "$BATS_TEST_TMPDIR/text" | grep unmet_table
}

@test "keys: values that ask for nothing are accepted, as engines write them" {
	creates '.process.execCPUAffinity = {} | .process.user.username = "" | .mounts[0].uidMappings = []
		| .linux += {uidMappings: [{containerID: 0, hostID: 0, size: 4294967295}], gidMappings: null, netDevices: {},
			timeOffsets: {monotonic: {secs: 0, nanosecs: 0}}, rootfsPropagation: "rslave", intelRdt: {closID: ""}}
		| .linux.resources += {blockIO: {weight: 0, weightDevice: []}, network: {}, unified: {"memory.oom.group": "1", "memory.swap.max": "0"},
			memory: {kernel: 0, kernelTCP: null, disableOOMKiller: false}, cpu: {mems: "", burst: 0, realtimePeriod: 0, realtimeRuntime: 0}}'
	[ -z "$output" ]
	runX delete --force c1
	creates '.linux.timeOffsets = {monotonic: {}, boottime: null} | .linux.resources.blockIO = {throttleReadBpsDevice: [{}]}
		| .linux.intelRdt = {} | .linux.memoryPolicy = {nodes: ""}'
	[ -z "$output" ]
}

@test "keys: a device of the network asks by its name alone" {
	bad '.linux.netDevices = {"eth9": {}}' 'linux.netDevices: a VM cannot have a device of the host'
	bad '.linux.netDevices = {"eth9": null}' 'linux.netDevices: a VM cannot have a device of the host'
}

@test "keys: keys that the specification does not have are ignored" {
	creates '.x = 1 | .process.x = {} | .linux.resources.x = [1] | .vm.x = "1" | .mounts[0].x = 1 | .root.x = null | .hooks.x = [{}]'
	[ -z "$output" ]
}

@test "keys: a bind mount that is shared is warned about" {
	creates '.mounts += [{destination: "/a", source: "/tmp", options: ["rbind", "rshared"]}, {destination: "/b", type: "tmpfs", options: ["shared"]}]'
	[ "$output" = 'runX: warning: mounts[7].options: shared is ignored: the host does not see what a VM mounts' ]
}

@test "keys: a version of the specification that runX does not know" {
	bad '.ociVersion = "2.0.0"' 'ociVersion: runX knows version 1 of the runtime specification, and not 2.0.0'
}

# One jq tries them all, with the program that create would run.
@test "keys: a value of a wrong type is an error that names the key" {
	local program
	. "$top/lib/plan.sh"
	program=$(cd "$top/lib/json" && cat $PLAN_MODULES plan.jq | sed 's/^object("config.json").*/def plan: &/')
	promised honoured | awk -F '\t' '$2 !~ /^(vm|process[.]scheduler[.](deadline|period)|linux[.]namespaces)/' >"$BATS_TEST_TMPDIR/lines"
	ask <"$BATS_TEST_TMPDIR/lines"
	cut -f 2 "$BATS_TEST_TMPDIR/lines" | jq -rR --slurpfile config "$bundle/config.json" --arg id c1 --arg bundle /b --arg mountinfo '' \
		--arg default_memory 1 --arg default_vcpus 1 --arg max_vcpus 1 "$program; "'
		[., inputs] | map(split(".") | map(if endswith("[]") then .[:-2], 0 else . end) | .[:range(1; length + 1)]) | unique[]
		| . as $path
		| (reduce .[] as $part (""; . + if $part | type == "number" then "[\($part)]" else ".\($part)" end) | .[1:]) as $name
		| $config[0]
		| (getpath($path) | (if type == "boolean" or type == "number" then "wrong" else 5 end),
			(if type == "boolean" then empty else false end)) as $wrong
		| setpath($path; $wrong)
		| try ([plan] | "\($name): \($wrong) is accepted") catch (select(contains($name) | not) | "\($name): \(.)")' >"$BATS_TEST_TMPDIR/wrong"
	cat "$BATS_TEST_TMPDIR/wrong"
	[ ! -s "$BATS_TEST_TMPDIR/wrong" ]
}

# PATTERN ABOUT: if a key that matches is not honoured, this part of features' JSON has no true and no word in it
@test "keys: features agrees with the tables" {
	local pattern part
	runX features
	while read -r pattern part; do
		promises | grep "^$pattern " >"$BATS_TEST_TMPDIR/keys"
		[ -s "$BATS_TEST_TMPDIR/keys" ]
		! grep -q ' honoured$' "$BATS_TEST_TMPDIR/keys" || continue
		jq -e ".linux | [$part | if type == \"object\" then .. else . end | scalars] | all(. == false)" <<<"$output" ||
			{ echo "$pattern is not honoured, but features has $part" && return 1; }
	done <<-END
		process.apparmorProfile .apparmor
		process.selinuxLabel .selinux
		linux.mountLabel .selinux
		linux.intelRdt .intelRdt
		linux.memoryPolicy .memoryPolicy
		linux.netDevices .netDevices
		linux.resources.rdma .cgroup.rdma
		mounts...uidMappings .mountExtensions.idmap
		linux.uidMappings (.namespaces|index("user")|values)
		linux.timeOffsets (.namespaces|index("time")|values)
	END
}
