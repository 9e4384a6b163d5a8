# SPDX-License-Identifier: Apache-2.0
# Turns a bundle's config.json into the plan: what the other modules and the guest have to do.

# Reads $bundle/config.json, once. Ends with an error if it is missing, or if a field is wrong. It warns about everything
# that it ignores and should not. On return these are set:
#   $rootfs         the root file system's directory (absolute)
#   $root_mount     the block device that is mounted there, as "DEVICE TYPE ACCESS", or empty
#   $root_readonly  true or false, as are $terminal and $sandbox
#   $console_size   ROWSxCOLUMNS
#   $netns          the network namespace: empty (the host's), new, or a path
#   $cgroup         the control group: empty, or a path that begins with a slash, below each hierarchy's root
#   $memory         MiB
#   $vcpus          number of virtual CPUs
#   $cpu_weight     weight for Xen's scheduler
#   $cpu_cap        percent of a CPU, or 0 for no cap
#   $cpus           list of physical CPUs, or empty
#   $resources      the record of the resources for update (lib/json/resources.jq)
#   $guest          the guest's records, for `printf %b`
#   $binds          words for helpers/root/stage.c, quoted for eval, or empty
#   $seccomp        records for helpers/seccomp.c, or empty
#   $hooks          statements for lib/hooks.sh, or empty
#   $state_head     the first half of the state's JSON
#   $state_tail     the second half
# If the container asks for something of its VM, $asked is set, and lib/json/vm.jq makes these from it. Otherwise they are
# empty:
#   $kernel, $initrd             WHOSE:PATH, as helpers/root/prepare.c takes them
#   $xlconf                      a file of the host
#   $netconf                     FILE,NAME[,IP]
#   $kernel_parameters           the container's own parameters for the kernel
#   $given_memory, $given_vcpus  memory (MiB) and virtual CPUs that XLCONF cannot change
#   $device_tree                 a file of the host
#   $dtdevs, $iomems             words
#   $irqs                        numbers, with commas between them
# Annotations may also have changed some $conf_… settings, and added to $binds and $guest.
read_plan() {
	local plan
	[ -d "$bundle" ] || die "bundle $bundle: no such directory"
	[ -f "$bundle/config.json" ] ||
		die "bundle $bundle: config.json is missing (runX spec makes one)"
	need_jq

	rootfs='' root_mount='' root_readonly='' terminal='' sandbox='' console_size='' netns='' cgroup='' guest='' binds='' seccomp=''
	memory='' vcpus='' unnamed='' namespaces='' cpu_weight='' cpu_cap='' cpus='' resources=''
	state_head='' state_tail='' asked='' given_memory='' given_vcpus=''
	given_disks='' given_mounts='' kernel='' initrd='' kernel_parameters='' xlconf='' netconf='' device_tree='' dtdevs='' iomems='' irqs=''
	read_config
	[ -n "$plan" ] || die "bundle $bundle: config.json is empty"
	eval "$plan" # jq's @sh quoted every value
	eval "check_namespaces $namespaces"
	take_host_names
	[ -z "$asked" ] || read_asked
	[ -d "$rootfs" ] || die "root file system $rootfs: no such directory (root.path in $bundle/config.json)"
}

# check_namespaces UNKNOWN=UNJOINED=PATH…: ends with an error if one of these paths does not exist, or is no namespace of the
# type UNKNOWN, unless that is empty. Warns of those with an UNJOINED, which is their type.
check_namespaces() {
	local entry path unjoined
	for entry; do
		path=${entry#*=*=} unjoined=${entry#*=}
		unjoined=${unjoined%%=*}
		[ -e "$path" ] || [ -L "$path" ] || die "linux.namespaces: $path: no such file or directory"
		[ -z "${entry%%=*}" ] || check_namespace "${entry%%=*}" "$path"
		[ -z "$unjoined" ] ||
			log_warning "linux.namespaces: the $unjoined namespace at $path is not joined: a VM has its own"
	done
}

# Ends with an error if the path $2 is no namespace of the type $1. A namespace is a regular file. Another kind is not opened: a
# FIFO could wait.
check_namespace() {
	local is='' type="$1" path="$2"
	[ ! -f "$path" ] || { name_of_namespace; } 2>/dev/null 9<"$path" || :
	case $is in
	[!/]*:\[*) is=${is%%:*} ;;
	*) die "linux.namespaces: $path is not a namespace" ;;
	esac
	# The kernel's name of the type differs for these alone (and for network, which does not come here).
	[ "$is" = "$type" ] || [ "$type $is" = 'mount mnt' ] ||
		die "linux.namespaces: $path is a namespace of type $is, and the entry is of type $type"
}

# Sets $is to the kernel's name of the namespace that is open at 9, "uts:[4026531838]", whatever path led to it. If the namespace
# is bound to a path, as those of CRI-O's pods are, the name is in mountinfo, and this takes no process. Else it is the target of
# the descriptor's link (d_path in the kernel). Of another file $is becomes a path.
name_of_namespace() {
	local word mount='' at root
	while read -r word mount && [ "$word" != mnt_id: ]; do :; done </proc/self/fdinfo/9
	while read -r at _ _ root _; do
		[ "$at" != "$mount" ] || { is=$root && return; }
	done </proc/self/mountinfo
	is=$(readlink /proc/self/fd/9)
}

# Gives the guest those of the host's names that $unnamed has: hostname and domainname (of NIS), as files and records call them.
# A new UTS namespace begins with both (uts_namespaces(7)), and a container without a UTS namespace has them as well.
take_host_names() {
	local kind name
	for kind in $unnamed; do
		name=''
		{ read -r name <"${RUNX_HOST:-}/proc/sys/kernel/$kind"; } 2>/dev/null || :
		case $name in
		'' | '(none)' | *\\*) ;;
		*) guest=${guest}$kind=$name\\0000 ;;
		esac
	done
}

# The jq modules of create's program. helpers/json.c leaves out those that a config.json does not need.
PLAN_MODULES='values.jq process.jq mounts.jq absent.jq asked.jq hooks.jq limits.jq scheduling.jq sandbox.jq unmet.jq unmet_mounts.jq
	seccomp.jq sysctl.jq unified.jq devices.jq namespaces.jq resources.jq cgroups.jq'

# Claims the container, and sets $plan to what jq makes of config.json. The process that becomes jq also makes the claim.
read_config() {
	local json_claims=true rc=0 systemd=''
	[ "$systemd_cgroup" = false ] || systemd=systemd.jq
	read_json "$PLAN_MODULES $systemd plan.jq" -w "$bundle/config.json" --arg id "$id" --arg bundle "$bundle" \
		--rawfile mountinfo /proc/self/mountinfo --arg default_memory "$conf_memory" --arg default_vcpus "$conf_vcpus" \
		--arg max_vcpus "$conf_max_vcpus" || rc=$?
	case $rc in
	0) ;;
	"$REMOVED" | "$HELD") deleted_meanwhile ;;
	*) die "$bundle/config.json: $problem" ;;
	esac
}

# Reads the process.json that $process names. Sets $console_size and $guest as read_plan does. Sets $terminal too, but it
# stays true if it was. Ends with an error if the file is missing or a field is wrong.
read_process() {
	local plan tty="$terminal" json_text=''
	[ -e "$process" ] || die "process file $process: no such file"
	need_jq
	set -- "$process"
	# What is no file can be read only once.
	[ -f "$process" ] || { read_process_text && shift; }
	read_json 'values.jq process.jq scheduling.jq exec.jq' "$@" || die "$process: $problem"
	[ -n "$plan" ] || die "process file $process: it is empty"
	eval "$plan" # jq's @sh quoted every value
	[ "$tty" = false ] || terminal=true guest=${guest}terminal=true\\0000
}

read_process_text() {
	json_text=$(head -c $((JSON_MAX + 1)) "$process" 2>/dev/null) || die "process file $process: cannot read it"
	[ -n "$json_text" ] || die "process file $process: it is empty"
	[ ${#json_text} -le "$JSON_MAX" ] || die "process file $process: it has more than $JSON_MAX bytes, and runX takes no more"
}

# Adds to $guest a record of the capabilities that $caps names. Warns about unknown ones.
read_caps() {
	local plan added=''
	need_jq
	read_json 'values.jq process.jq caps.jq' -n --arg caps "$caps" || die "$problem"
	eval "$plan" # jq's @sh quoted every value
	guest=$guest$added
}

# Reads what the container asks for its VM, with a second jq. Few containers need it.
read_asked() {
	local plan warnings='' warning json_text="$asked"
	read_json 'values.jq process.jq vm.jq' --arg annotations "$conf_annotations" --arg variables "$conf_environment" \
		--arg kernels "$conf_kernels" ||
		die "$bundle/config.json: $problem"
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
