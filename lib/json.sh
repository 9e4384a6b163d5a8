# SPDX-License-Identifier: Apache-2.0
# JSON goes through jq: programs that are put together from modules, and what jq says of bad input.

# json MODULES ARGUMENT…: what jq prints, or, where it fails, says, given these modules of lib/json/ (words, each behind those
# that it uses) as one program. For a command substitution, which it ends. jq's own `include` is not used: jq 1.6 binds each
# module again for each that includes it, a fifth of the time that create's takes.
json() {
	local program
	# shellcheck disable=SC2086 # words of ours
	program=$(cd "$RUNX_LIBDIR/json" && cat $1 2>/dev/null) || {
		echo "of the modules $1 not all are in $RUNX_LIBDIR/json: install runX again"
		exit 1
	}
	shift
	exec jq -r "$program" "$@" 2>&1
}

need_jq() {
	command -v jq >/dev/null || die "jq is not installed (package jq), and runX reads JSON with it"
}

# bad_json FILE WORDS: ends with what jq said of it.
bad_json() {
	jq_problem "$2"
	die "$1: $problem"
}

# Sets $problem to what jq said in $1, "jq: error (at FILE:N): root.path: must be a string".
jq_problem() {
	problem=${1%%
*}
	case $problem in
	*'): '*) problem=${problem#*'): '} ;;
	*'parse error: '*) problem="not JSON: ${problem#*'parse error: '}" ;;
	esac
}
