# SPDX-License-Identifier: Apache-2.0
# Runs jq: puts its programs together from modules, and words its errors.

# read_json MODULES [-w FILE] ARGUMENT…: runs jq with these modules of lib/json/ as one program (helpers/json.c). MODULES are
# words, and a module comes behind those that it uses. The input is the file among the ARGUMENTs, or $json_text if that is set,
# and has one document (document.jq). Sets $plan to what jq prints. If jq fails, sets $problem to its reason, in words for
# people, and returns 1. It does not use jq's own `include`: jq 1.6 binds a module again for each module that includes it. That
# took a fifth of the time of create's program.
#
# If $json_claims is true, the process that becomes jq first claims the container (lib/claim.sh). If it cannot, this returns
# $REMOVED or $HELD.
read_json() {
	local rc=0
	has_helper json || return 1
	plan=$(run_json "$@" 2>/dev/null) || rc=$?
	[ $rc -ne 0 ] || return 0
	[ "$json_claims" = false ] || case $rc in "$REMOVED" | "$HELD") return $rc ;; esac
	# The shell evaluates what jq prints, and must never evaluate what jq says. So jq's stderr is read only now, by a second
	# jq, which needs no file for it.
	problem=$(run_json "$@" 2>&1 >/dev/null) || rc=$?
	jq_problem "$problem"
	problem=${problem:-jq ended with status $rc and gave no reason (run it again)}
	return 1
}

# Replaces a subshell with jq. It ends with this runX, and has no descriptor of its claim, which would keep the claim for as long
# as jq works. A time-out (stage -t) would end it by a signal, and the shell would say so; with stderr at /dev/null around the
# substitution, a trap of this runX could say nothing.
run_json() {
	set -- "$RUNX_LIBEXEC/json" $$ "$RUNX_LIBDIR/json" "$@"
	[ "$json_claims" = false ] || exec "$RUNX_LIBEXEC/claim" 8 "$END_SECONDS" "$@"
	[ -n "$json_text" ] || exec "$@"
	exec "$@" <<-END
		$json_text
	END
}

json_claims=false
json_text=''

# The most bytes of a config.json, and of the resources for update. Arguments and environment of a process have at most 2 MiB in
# Linux.
JSON_MAX=4194304

# Ends with an error if jq is not installed.
need_jq() {
	command -v jq >/dev/null || die "jq is not installed, and runX reads JSON with it (install the package jq)"
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
