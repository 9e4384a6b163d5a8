# SPDX-License-Identifier: Apache-2.0
# From a bundle's config.json to the plan: what the other modules and the guest are to do.

# Reads $bundle/config.json, once. On return these are set: $rootfs (absolute), $root_readonly and
# $terminal (true or false), $console_size (ROWSxCOLUMNS), $netns (empty, new or a path), $memory
# (MiB), $guest (records for `printf %b`), $hooks (statements for lib/hooks.sh, or empty), $state_head and $state_tail (halves of the state's JSON).
read_plan() {
	local plan
	[ -d "$bundle" ] || die "bundle $bundle: no such directory"
	[ -f "$bundle/config.json" ] ||
		die "bundle $bundle: no config.json (expected $bundle/config.json; runX spec makes one)"
	command -v jq >/dev/null || die "jq is not installed (package jq), and runX reads JSON with it"

	rootfs='' root_readonly='' terminal='' console_size='' netns='' memory='' guest=''
	state_head='' state_tail=''
	plan=$(jq -r --arg id "$id" --arg bundle "$bundle" --arg default_memory "$conf_memory" \
		-f "$RUNX_LIBDIR/plan.jq" "$bundle/config.json" 2>&1) || bad_config "${plan%%
*}"
	[ -n "$plan" ] || die "bundle $bundle: config.json is empty"
	eval "$plan" # jq's @sh quoted every value
	[ -d "$rootfs" ] || die "root file system $rootfs: no such directory (root.path in $bundle/config.json)"
}

# $1: jq's words, "jq: error (at FILE:N): root.path: must be a string".
bad_config() {
	local line="$1"
	case $line in
	*'): '*) line=${line#*'): '} ;;
	*'parse error: '*) line="not JSON: ${line#*'parse error: '}" ;;
	esac
	die "$bundle/config.json: $line"
}
