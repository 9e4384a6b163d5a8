# SPDX-License-Identifier: Apache-2.0
# From a bundle's config.json to the plan: what the other modules and the guest are to do.

# Reads $bundle/config.json, once. On return these are set: $rootfs (absolute), $root_readonly and
# $terminal (true or false), $console_size (ROWSxCOLUMNS), $netns (empty, new or a path), $cgroup
# (empty or absolute), $memory (MiB), $vcpus, $cpu_weight, $cpu_cap (percent, or 0), $cpus (a list, or
# empty), $resources (the record of these five for update), $guest (records for `printf %b`), $hooks
# (statements for lib/hooks.sh, or empty), $state_head and $state_tail (halves of the state's JSON).
read_plan() {
	local plan
	[ -d "$bundle" ] || die "bundle $bundle: no such directory"
	[ -f "$bundle/config.json" ] ||
		die "bundle $bundle: no config.json (expected $bundle/config.json; runc spec makes one)"
	need_jq

	rootfs='' root_readonly='' terminal='' console_size='' netns='' cgroup='' guest=''
	memory='' vcpus='' cpu_weight='' cpu_cap='' cpus='' resources=''
	state_head='' state_tail=''
	plan=$(jq -r -L "$RUNX_LIBDIR" --arg id "$id" --arg bundle "$bundle" --arg systemd "$systemd_cgroup" \
		--arg default_memory "$conf_memory" --arg default_vcpus "$conf_vcpus" --arg max_vcpus "$conf_max_vcpus" \
		-f "$RUNX_LIBDIR/plan.jq" "$bundle/config.json" 2>&1) || {
		jq_problem "$plan"
		die "$bundle/config.json: $problem"
	}
	[ -n "$plan" ] || die "bundle $bundle: config.json is empty"
	eval "$plan" # jq's @sh quoted every value
	[ -d "$rootfs" ] || die "root file system $rootfs: no such directory (root.path in $bundle/config.json)"
}

need_jq() {
	command -v jq >/dev/null || die "jq is not installed (package jq), and runX reads JSON with it"
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
