# SPDX-License-Identifier: Apache-2.0
# Runs jq: puts its programs together from modules, and words its errors.

# json MODULES ARGUMENT…: runs jq with these modules of lib/json/ as one program. MODULES are words, and a module comes
# behind those that it uses. Prints what jq prints, or what it says if it fails. Call it in a command substitution, because
# it ends its shell. It does not use jq's own `include`: jq 1.6 binds a module again for each module that includes it. That
# took a fifth of the time of create's program.
json() {
	local program
	# shellcheck disable=SC2086 # words of ours
	program=$(cd "$RUNX_LIBDIR/json" && cat $1 2>/dev/null) || {
		echo "not all of these modules are in $RUNX_LIBDIR/json: $1 (install runX again)"
		exit 1
	}
	shift
	exec jq -r "$program" "$@" 2>&1
}

# Ends with an error if jq is not installed.
need_jq() {
	command -v jq >/dev/null || die "jq is not installed, and runX reads JSON with it (install the package jq)"
}

# bad_json FILE WORDS: ends with an error about FILE. WORDS are what jq said.
bad_json() {
	jq_problem "$2"
	die "$1: $problem"
}

# Sets $problem to the part of jq's words in $1 that is for people. jq says "jq: error (at FILE:N): root.path: must be a
# string".
jq_problem() {
	problem=${1%%
*}
	case $problem in
	*'): '*) problem=${problem#*'): '} ;;
	*'parse error: '*) problem="not JSON: ${problem#*'parse error: '}" ;;
	esac
}
