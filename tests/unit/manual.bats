#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The code, the help, the manual page and docs/configuration.md name the same things.

load helpers

# same WHAT LIST LIST: both lists have the same words, in any order
same() {
	# shellcheck disable=SC2086 # a list of words
	diff <(printf '%s\n' $2 | sort -u) <(printf '%s\n' $3 | sort -u) ||
		{ echo "$1: < is only in the first, > only in the second" && return 1; }
}

# manual_options VERB|global [ITEM]: prints the options that its section of the page names; with ITEM only those that have
# their own list item
manual_options() {
	awk -v verb="$1" -v lines="${2:+^[.]It }" '
		/^[.]Sh/ { now = /GLOBAL OPTIONS/ ? "global" : "" }
		/^[.]Ss/ { now = $2 }
		now == verb && $0 ~ lines {
			for (i = 1; i < NF; i++)
				if ($i ~ /^[.]?Fl$/) { sub(/^-/, "", $(i + 1)); print $(i + 1) }
		}' "$top/docs/runX.8"
}

# help_options VERB|global: prints the options that the help names
help_options() {
	"$top/runX" help | awk -v verb="$1" '
		/^global options/ { now = "global" }
		/^  [a-z]/ { now = $1; sub(/,/, "", now) }
		now == verb {
			while (match($0, /--[a-z][a-z-]*/)) {
				print substr($0, RSTART + 2, RLENGTH - 2)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}'
}

# parsed_options VERB|global: prints the options that its module gives to parse_options
parsed_options() {
	local lib=$BATS_TEST_TMPDIR/lib
	if [ ! -d "$lib" ]; then
		mkdir "$lib"
		ln -s "$top"/lib/* "$lib/"
		rm "$lib/common.sh"
		cat - >"$lib/common.sh" <<-END
			. "$top/lib/common.sh"
			parse_options() {
				options_used=0
				[ "\${verb:-global}" != "\$ASKED" ] || { printf 'option %s\n' \$2 \$3; exit; }
			}
		END
	fi
	# A verb that parses no options prints other lines, which are dropped.
	ASKED=$1 RUNX_LIBDIR=$lib dash "$top/runX" "${1/#global/help}" 2>/dev/null | sed -n 's/^option //p' || :
}

# doc_names SECTION COLUMN: prints the names in `…` in this column of the section's table in configuration.md
doc_names() {
	awk -F '|' -v section="## $1" -v column="$2" '
		/^## / { here = $0 == section }
		here && /^\|/ {
			count = split($(column + 1), part, "`")
			for (i = 2; i <= count; i += 2)
				if (part[i] ~ /^[A-Za-z0-9_]+$/) print part[i]
		}' "$top/docs/configuration.md"
}

# manual_items MACRO: prints the names of the list items of that kind: Va for settings, Ev for variables
manual_items() {
	sed -n "s/^[.]It $1 //p" "$top/docs/runX.8" | tr -d ,
}

# setting NAME: prints the words of this variable in lib/conf.sh
setting() {
	sed -n "s/^$1='\(.*\)'/\1/p" "$top/lib/conf.sh"
}

@test "manual: the page and the help have every command, and no other" {
	local helped
	helped=$("$top/runX" help | sed -n '/^global/q; s/^  \([a-z]*\), \([a-z]*\) .*/\1 \2/p; s/^  \([a-z]*\) .*/\1/p')
	same 'runX, runX.8' "$(accepted_verbs)" "$(sed -n 's/^[.]Ss //p' "$top/docs/runX.8")"
	same 'runX, help' "$(accepted_verbs)" "$helped version help"
}

@test "manual: the page has every parsed option; the help has those with a list item in the page" {
	local verb extra parsed long
	for verb in global $(accepted_verbs); do
		extra=''
		[ "$verb" != run ] || extra=$(manual_options create)
		parsed=$(parsed_options "$verb")
		same "$verb: parsed, runX.8" "$parsed" "$(manual_options "$verb") $extra"
		long=$(manual_options "$verb" ITEM | grep '..' || :)
		same "$verb: runX.8, help" "$long" "$(help_options "$verb")"
	done
	[ "$(parsed_options exec | wc -l)" -gt 20 ]
}

@test "manual: settings of runX.conf" {
	local settings
	settings=$(grep -o 'conf_[a-z_]*=' "$top/lib/conf.sh" | sed 's/^conf_//; s/=$//')
	same 'conf.sh, configuration.md' "$settings" "$(doc_names /etc/runX/runX.conf 1)"
	same 'conf.sh, runX.8' "$settings" "$(manual_items Va)"
}

@test "manual: variables of the environment" {
	local variables
	variables=$(grep -oh '[$]{\?RUNX_[A-Z_]*' "$top/runX" "$top"/lib/*.sh "$top"/lib/verbs/*.sh | tr -d '${' | grep -v RUNX_VERSION)
	same 'code, configuration.md' "$variables" "$(doc_names 'Environment of runX' 1)"
	same 'code, runX.8' "$variables" "$(manual_items Ev)"
}

@test "manual: what a container may set" {
	same 'conf.sh, configuration.md' "$(setting ANNOTATIONS)" "$(doc_names 'What a container may set' 2)"
	same 'conf.sh, vm.jq' "$(setting ANNOTATIONS)" \
		"$(sed -n '/^def annotation_names/{ n; p; }' "$top/lib/json/vm.jq" | tr -d '][",;')"
	same 'conf.sh, configuration.md' "$(setting VARIABLES)" "$(doc_names 'What a container may set' 4 | grep '^[A-Z]')"
}

@test "manual: features, config.json, the code that runs hooks and the page have the same kinds of hooks" {
	local hooks
	hooks=$("$top/runX" features | jq -r '.hooks[]')
	same 'features, hooks.jq' "$hooks" \
		"$(sed -n 's/.*(\("prestart".*\)) as \$kind/\1/p; s/.*hooks(\("[^"]*"\)).*/\1/p' "$top/lib/json/hooks.jq" | tr -d '",')"
	# The guest runs only one kind.
	same 'features, run' "$hooks" \
		"startContainer $(sed -n 's/.*for kind in \(.*\); do/\1/p; s/.*run_hooks \([a-zA-Z]*\) .*/\1/p' "$top"/lib/{verbs/create,verbs/start,remove}.sh)"
	same 'features, runX.8' "$hooks" "$(sed -n '/^Hooks: /,/[.]$/{ s/^Hooks: //; p; }' "$top/docs/runX.8" | tr -d ,.)"
}

@test "manual: the helpers are the files of helpers/ with a main, as in the Makefile" {
	local helpers
	helpers=$(grep -l '^int main' "$top"/helpers/*.c "$top"/helpers/*/*.c | sed 's,.*/,,; s,[.]c$,,')
	same 'helpers, configuration.md' "$helpers" "$(doc_names Files 2)"
	same 'helpers, check' "$helpers" "$(sed -n "s/^PARTS='\(.*\)'/\1/p" "$top/lib/verbs/check.sh") seccomp"
}

@test "manual: docs/engines.md has a result for each test with the engines" {
	diff <(sed -n 's/^@test "\(.*\)" {$/\1/p' "$top"/tests/xen/{containerd,cri,docker,podman,software}.bats | sed 's/^[a-z]*: *//' | sort) \
		<(sed '1,/^<!-- from the tests/d; /^| ---/d; /^| [a-z]* | Debian/d; s/^| \(.*\) | .* | .* |$/\1/p; d' "$top/docs/engines.md" | sort)
}
