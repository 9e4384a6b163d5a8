#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: options as engines give them, and words that are no options.

load helpers

@test "cli: no command is an error that points to the help" {
	runX
	fails_with "no command (runX --help"
}

@test "cli: an unknown command fails, and leaves no state" {
	runX frobnicate c1
	fails_with "unknown command: frobnicate"
	[ ! -e "$RUNX_ROOT" ]
}

@test "cli: an unknown global option fails, and takes no next word as its value" {
	runX --frob state c1
	fails_with "unknown option: --frob"
}

@test "cli: an option without a name is unknown" {
	local option
	for option in --= --=x -=; do
		runX delete $option c1
		fails_with "unknown option: $option"
	done
}

@test "cli: an unknown option of a command fails" {
	runX create --frob c1
	fails_with "unknown option: --frob"
}

@test "cli: an option without its value fails" {
	runX create --bundle
	fails_with "option --bundle needs a value"
}

# raw_message: prints the only line on stderr of `runX "$@"`, and checks that the log has the same message as JSON
raw_message() {
	rm -f "$log"
	# shellcheck disable=SC2086 # "busybox sh" is two words
	${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json "$@" </dev/null 2>"$BATS_TEST_TMPDIR/raw" 3>&- && return 1
	iconv -f UTF-8 -t UTF-8 "$log" >/dev/null
	[ "runX: $(tail -n 1 "$log" | jq -r .msg)" = "$(cat "$BATS_TEST_TMPDIR/raw")" ]
	cat "$BATS_TEST_TMPDIR/raw"
}

@test "cli: a message has no character that a terminal obeys, and is UTF-8; letters stay" {
	local said
	# C1 as a byte and as UTF-8, a bidi mark, a line separator, bytes that are no UTF-8
	said=$(raw_message state $'a\x9b31m\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xff ä日本 b')
	[[ $said == *': a?31m???? ä日本 b ('* ]] || { xxd <<<"$said" && return 1; }
	said=$(raw_message create --bundle $'/nosuch\xff\xc2\x9b' c1)
	[[ $said == *'/nosuch??'* ]] || { xxd <<<"$said" && return 1; }
	config '.process.args = ["\u009b31mx\u202eö"]'
	said=$(raw_message create --bundle "$bundle" c1)
	[[ $said == *'?31mx?ö'* ]] || { xxd <<<"$said" && return 1; }
}

@test "cli: without its helper for messages runX shows only ASCII" {
	local said
	rm "$FAKE/libexec/text"
	said=$(raw_message state $'a\x9b31m\xff ä b')
	[[ $said == *': a?31m? ?? b ('* ]] || { xxd <<<"$said" && return 1; }
}

@test "cli: -- ends the options, of all commands and of one" {
	runX --root "$RUNX_ROOT" -- delete --force -- nosuch
	succeeds
	runX delete -- --force
	fails_with "invalid container ID format: --force"
}

@test "cli: options may stand behind the id, up to --" {
	runX create c1 --bundle "$bundle" --pid-file="$BATS_TEST_TMPDIR/pid"
	succeeds
	[ -s "$BATS_TEST_TMPDIR/pid" ]
	runX state c1 --help
	succeeds
	[[ $output == *'  state '* ]]
	runX start c1
	runX kill c1 -a KILL --all
	succeeds
	[ "$(tail -n 1 "$FAKE/calls")" = 'control signal 9 all' ]
	runX update c1 --cpu-share 512
	succeeds
	runX events c1 --stats
	succeeds
	runX delete c1 -- --force
	fails_with 'delete: too many arguments: c1 --force'
	runX delete c1 --nonsense
	fails_with 'delete: too many arguments: c1 --nonsense'
	runX delete c1 --force=
	succeeds
	runX delete - --force
	fails_with 'invalid container ID format: -'
	runX delete c1 c2 c3 c4 c5 c6 c7 c8 c9 c10 c11 --force
	fails_with 'delete: too many arguments: c1 c2 c3 c4 c5 c6 c7 c8 c9 c10 c11'
	runX run c2 --bundle "$bundle" -d
	succeeds
	runX exec -d c2 true --detach
	succeeds
}

@test "cli: every accepted command has its module" {
	local verb
	for verb in $(accepted_verbs); do
		grep -q "^cmd_$verb()" "$top/lib/verbs/$verb.sh"
	done
}

# `runX kill` is in lib/verbs/kill.sh, and its tests are in kill.bats. version and help are in this file.
@test "cli: every accepted command has a test file of its name" {
	local verb
	for verb in $(accepted_verbs); do
		case $verb in version | help) continue ;; esac
		grep -q "^@test \"$verb: " "$top/tests/unit/$verb.bats" || { echo "$verb has no tests in $verb.bats" && return 1; }
	done
}

@test "cli: --help and -h of a verb print its part of the help, wherever its options may stand" {
	local verb option
	for verb in $(accepted_verbs); do
		case $verb in checkpoint | restore | help | version) continue ;; esac
		for option in --help -h; do
			runX $verb $option
			succeeds
			[[ $output == "usage: runX "*$'\n'"  $verb "* ]] || { echo "$output" && return 1; }
			[ "$(grep -c '^  [a-z]' <<<"$output")" -eq "$(grep -c "^  $verb " <<<"$output")" ]
		done
	done
	runX delete --force -h
	[[ $output == *'remove a stopped container'* ]]
	[[ $output != *'stop the VM'* ]]
	[ ! -e "$RUNX_ROOT" ]
}

@test "cli: checkpoint and restore fail with --help too, which podman takes as not supported" {
	runX checkpoint --help
	fails_with 'checkpoint is not supported'
	runX restore --help
	fails_with 'restore is not supported'
}

@test "cli: an unknown form of the log is an error" {
	runX --log-format xml state c1
	fails_with 'invalid log-format: xml: it must be text or json'
}

@test "cli: an empty form of the log is text" {
	runX --log-format '' state nosuch
	grep -q '^time=".*" level=error msg="container nosuch: container does not exist"$' "$log"
}

@test "cli: version has the form that engines parse" {
	runX --version
	succeeds
	[[ ${lines[0]} == "runX version "[0-9]* ]]
	[[ $output == *$'\nspec: 1.'* ]]
}

@test "cli: under runc's name the version says runc" {
	ln -s "$top/runX" "$FAKE/bin/runc"
	ln -s "$top/lib" "$FAKE/bin/lib"
	run dash "$FAKE/bin/runc" -v
	[[ ${lines[0]} == "runc version "* ]]
}

@test "cli: global options of runc, crun and old go-runc are accepted, with and without =" {
	runX --root="$RUNX_ROOT" --systemd-cgroup --criu /x --rootless=false --cgroup-manager disabled \
		--debug=false state nosuch
	[[ $output == *"container does not exist"* ]]
}

@test "cli: runX works without a PATH" {
	run env -i RUNX_ROOT="$RUNX_ROOT" "$(command -v dash)" "$top/runX" state nosuch
	[ "$status" -eq 1 ]
	[[ $output == *"container nosuch: container does not exist" ]]
}

@test "cli: errors reach the log even if stderr cannot be written" {
	dash "$top/runX" --log "$log" --log-format json state nosuch 2<"$top/runX" || :
	[ "$(jq -r .msg "$log")" = "container nosuch: container does not exist" ]
}

@test "cli: a log that cannot be written is said once, and fails nothing" {
	local unwritable
	creates .
	for unwritable in /dev/full "$BATS_TEST_TMPDIR/nowhere/log" "$BATS_TEST_TMPDIR"; do
		config '.process.execCPUAffinity = {initial: "0"} | .linux.resources.cpu.burst = 1'
		log=$unwritable
		runX create --bundle "$bundle" c2
		succeeds
		[ "$(grep -c "^runX: warning: cannot write the log $unwritable$" <<<"$output")" -eq 1 ] || { echo "$output" && return 1; }
		[ "${#lines[@]}" -eq 3 ] || { echo "$output" && return 1; }
		runX delete c2
		succeeds
		runX state nosuch
		[ "$output" = "runX: warning: cannot write the log $unwritable
runX: container nosuch: container does not exist" ]
		run ${RUNX_SHELL:-dash} "$top/runX" --log "$log" state nosuch 2<"$top/runX"
		[ "$status" -eq 1 ]
	done
	runX delete c1
	succeeds
}

@test "cli: a quote, a backslash and a newline in an error stay one line of JSON" {
	runX state 'a"b\c
d'
	[ "$(jq -r .msg "$log" | wc -l)" -eq 1 ]
	[[ $(jq -r .msg "$log") == *'a"b\c d'* ]]
}

@test "cli: a message that quotes a control character is one line without it" {
	runX state $'c1\033[31m\nroot:\x07'
	fails_with 'invalid container ID format: c1 [31m root:  (use only'
	config '.process.env += ["XLCONF=/etc/\u001b[2J"]'
	runX create --bundle "$bundle" c1
	[ "$status" -eq 1 ]
	[[ $output != *$'\033'* ]]
}
