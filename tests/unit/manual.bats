#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the code knows, the help, the manual page and docs/configuration.md say the same.

load helpers

# same WHAT LIST LIST: the same words, in any order
same() {
	# shellcheck disable=SC2086 # words
	diff <(printf '%s\n' $2 | sort -u) <(printf '%s\n' $3 | sort -u) ||
		{ echo "$1: < is in the one, > in the other" && return 1; }
}

# manual_options VERB|global [ITEM]: those that its section of the page names; with ITEM those with an item of its list
manual_options() {
	awk -v verb="$1" -v lines="${2:+^[.]It }" '
		/^[.]Sh/ { now = /GLOBAL OPTIONS/ ? "global" : "" }
		/^[.]Ss/ { now = $2 }
		now == verb && $0 ~ lines {
			for (i = 1; i < NF; i++)
				if ($i ~ /^[.]?Fl$/) { sub(/^-/, "", $(i + 1)); print $(i + 1) }
		}' "$top/docs/runX.8"
}

# help_options VERB|global
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

# parsed_options VERB|global: those that its module hands to parse_options
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
	# Those that parse none say something else.
	ASKED=$1 RUNX_LIBDIR=$lib dash "$top/runX" "${1/#global/help}" 2>/dev/null | sed -n 's/^option //p' || :
}

# doc_names SECTION COLUMN: what stands in `…` in this column of the section's table in configuration.md
doc_names() {
	awk -F '|' -v section="## $1" -v column="$2" '
		/^## / { here = $0 == section }
		here && /^\|/ {
			count = split($(column + 1), part, "`")
			for (i = 2; i <= count; i += 2)
				if (part[i] ~ /^[A-Za-z0-9_]+$/) print part[i]
		}' "$top/docs/configuration.md"
}

# manual_items MACRO: the names of the items of that kind: Va of settings, Ev of variables
manual_items() {
	sed -n "s/^[.]It $1 //p" "$top/docs/runX.8" | tr -d ,
}

# setting NAME: its words, in lib/conf.sh
setting() {
	sed -n "s/^$1='\(.*\)'/\1/p" "$top/lib/conf.sh"
}

@test "manual: it and the help have every command, and no other" {
	local helped
	helped=$("$top/runX" help | sed -n '/^global/q; s/^  \([a-z]*\), \([a-z]*\) .*/\1 \2/p; s/^  \([a-z]*\) .*/\1/p')
	same 'runX, runX.8' "$(accepted_verbs)" "$(sed -n 's/^[.]Ss //p' "$top/docs/runX.8")"
	same 'runX, help' "$(accepted_verbs)" "$helped version help"
}

@test "manual: it has every option that is parsed; the help those that the manual has an item for" {
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

@test "manual: hooks are those that features has, config.json may have, and are run" {
	local hooks
	hooks=$("$top/runX" features | jq -r '.hooks[]')
	same 'features, hooks.jq' "$hooks" \
		"$(sed -n 's/.*(\("prestart".*\)) as \$kind/\1/p; s/.*hooks(\("[^"]*"\)).*/\1/p' "$top/lib/json/hooks.jq" | tr -d '",')"
	# What runs in the guest has one kind.
	same 'features, run' "$hooks" \
		"startContainer $(sed -n 's/.*for kind in \(.*\); do/\1/p; s/.*run_hooks \([a-zA-Z]*\) .*/\1/p' "$top"/lib/{verbs/create,verbs/start,remove}.sh)"
	same 'features, runX.8' "$hooks" "$(sed -n '/^Hooks: /,/[.]$/{ s/^Hooks: //; p; }' "$top/docs/runX.8" | tr -d ,.)"
}

@test "manual: helpers are the files of helpers/ that have a main, as in the Makefile" {
	local helpers
	helpers=$(grep -l '^int main' "$top"/helpers/*.c "$top"/helpers/*/*.c | sed 's,.*/,,; s,[.]c$,,')
	same 'helpers, configuration.md' "$helpers" "$(doc_names Files 2)"
	same 'helpers, check' "$helpers" "$(sed -n "s/^PARTS='\(.*\)'/\1/p" "$top/lib/verbs/check.sh") seccomp"
}

@test "manual: docs/engines.md has the results of the tests of engines, by their names" {
	diff <(sed -n 's/^@test "\(.*\)" {$/\1/p' "$top"/tests/xen/{containerd,cri,docker,podman,software}.bats | sed 's/^[a-z]*: *//' | sort) \
		<(sed '1,/^<!-- from the tests/d; /^| ---/d; s/^| \(.*\) | .* |$/\1/p; d' "$top/docs/engines.md" | grep -vxE 'containerd|cri|docker|podman|software' | sort)
}
