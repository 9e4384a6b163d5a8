# SPDX-License-Identifier: Apache-2.0
# From a bundle's config.json to the plan: what the other modules and the guest are to do.

# Reads $bundle/config.json, once. On return these are set: $rootfs (absolute), $root_mount (of the block
# device that is mounted there, "DEVICE TYPE ACCESS", or empty), $root_readonly, $terminal and $sandbox (true or false),
# $console_size (ROWSxCOLUMNS), $netns (empty, new or a path), $cgroup (empty or absolute), $memory (MiB), $vcpus, $cpu_weight, $cpu_cap (percent, or 0), $cpus (a list, or
# empty), $resources (the record of these five for update), $guest (records for `printf %b`), $binds (words
# for helpers/root/stage.c, quoted for eval, or empty), $seccomp (records for helpers/seccomp.c, or empty), $hooks (statements for lib/hooks.sh, or empty), $state_head
# and $state_tail (halves of the state's JSON).
# What lib/json/vm.jq makes of $asked, or empty: $kernel and $initrd (WHOSE:PATH, as prepare takes them),
# $xlconf (a file of the host), $netconf (FILE,NAME[,IP]), $kernel_parameters, $given_memory and $given_vcpus (not for XLCONF to
# change), $device_tree, $dtdevs and $iomems (words), $irqs. Annotations have overruled some $conf_…, and
# added to $binds and $guest.
# What is ignored, but should not be, has been warned of.
read_plan() {
	local plan
	[ -d "$bundle" ] || die "bundle $bundle: no such directory"
	[ -f "$bundle/config.json" ] ||
		die "bundle $bundle: no config.json (expected $bundle/config.json; runX spec makes one)"
	need_jq

	rootfs='' root_mount='' root_readonly='' terminal='' sandbox='' console_size='' netns='' cgroup='' guest='' binds='' seccomp=''
	memory='' vcpus='' cpu_weight='' cpu_cap='' cpus='' resources=''
	state_head='' state_tail='' asked='' given_memory='' given_vcpus=''
	given_disks='' given_mounts='' kernel='' initrd='' kernel_parameters='' xlconf='' netconf='' device_tree='' dtdevs='' iomems='' irqs=''
	plan_modules
	plan=$(json "$modules" --arg id "$id" --arg bundle "$bundle" --rawfile mountinfo /proc/self/mountinfo \
		--arg default_memory "$conf_memory" --arg default_vcpus "$conf_vcpus" --arg max_vcpus "$conf_max_vcpus" \
		"$bundle/config.json") || bad_json "$bundle/config.json" "$plan"
	[ -n "$plan" ] || die "bundle $bundle: config.json is empty"
	eval "$plan" # jq's @sh quoted every value
	[ -z "$asked" ] || read_asked
	[ -d "$rootfs" ] || die "root file system $rootfs: no such directory (root.path in $bundle/config.json)"
}

# Sets $modules to those for this config.json, told by the words that it has. A key can be written with \u, too; then
# all are taken.
plan_modules() {
	local text
	text=$(cat "$bundle/config.json" 2>&1) || die "$bundle/config.json: cannot be read"
	modules='values.jq process.jq mounts.jq absent.jq'
	add_module asked.jq '"vm"' org.lfedge.runx. RUNX_ XLCONF= NETCONF=
	add_module hooks.jq '"hooks"'
	add_module limits.jq '"memory"' '"cpu"' '"pids"'
	add_module sandbox.jq io.kubernetes.cri
	add_module seccomp.jq '"seccomp"'
	add_module sysctl.jq '"sysctl"'
	modules="$modules devices.jq resources.jq cgroups.jq"
	[ "$systemd_cgroup" = false ] || modules="$modules systemd.jq"
	modules="$modules plan.jq"
}

# add_module MODULE WORD…: where $text has one of the words
add_module() {
	local module="$1" word
	shift
	for word in "$@" '\u'; do
		case $text in *"$word"*) modules="$modules $module" && break ;; esac
	done
}

# Reads the process.json in $process. On return these are set: $terminal, which may be true already,
# $console_size and $guest, as above.
read_process() {
	local plan tty="$terminal"
	[ -e "$process" ] || die "process file $process: no such file"
	need_jq
	plan=$(json 'values.jq process.jq exec.jq' "$process") || bad_json "$process" "$plan"
	[ -n "$plan" ] || die "$process: is empty"
	eval "$plan" # as above
	[ "$tty" = false ] || terminal=true guest=${guest}terminal=true\\0000
}

# Adds the capabilities named in $caps to $guest.
read_caps() {
	local record
	need_jq
	record=$(json 'values.jq process.jq caps.jq' -n --arg caps "$caps") || {
		jq_problem "$record"
		die "$problem"
	}
	guest=$guest$record
}

# What the container asks of its VM: a second jq, which few containers need.
read_asked() {
	local plan warnings='' warning
	plan=$(
		json 'values.jq process.jq vm.jq' --arg annotations "$conf_annotations" --arg variables "$conf_environment" <<-END
			$asked
		END
	) || bad_json "$bundle/config.json" "$plan"
	eval "$plan" # jq's @sh quoted every value
	binds=$binds${given_disks:+ $given_disks}
	guest=$guest$given_mounts
	[ -n "$warnings" ] || return 0
	while read -r warning; do
		log_warning "$warning"
	done <<-END
		$warnings
	END
}
