# SPDX-License-Identifier: Apache-2.0
# runX update: changes what a container's VM may use, as far as Xen can.

update_option() {
	case $1 in
	resources | r) source=$2 ;;
	# These mean nothing to a VM (docs/config-json.md).
	memory-reservation | memory-swap) ;;
	*)
		json_string "$2"
		options="$options${options:+,}\"$1\":$json"
		;;
	esac
}

cmd_update() {
	# shellcheck source=lib/json.sh
	. "$RUNX_LIBDIR/json.sh"
	# shellcheck source=lib/claim.sh
	. "$RUNX_LIBDIR/claim.sh"

	source='' options=''
	parse_words update_option "resources r memory cpu-quota cpu-period cpu-share cpuset-cpus pids-limit \
memory-reservation memory-swap kernel-memory kernel-memory-tcp blkio-weight cpu-burst cpu-rt-period \
cpu-rt-runtime cpu-idle cpuset-mems l3-cache-schema mem-bw-schema" '' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "update: too many arguments: $*"

	# What update reads of the container must stay true until it writes. So it claims the container first. It reads the JSON before
	# that, because the writer of the JSON may be slow.
	read_updatable
	read_source
	claim_after read_updatable
	read_wanted
	[ "$wanted" != "$now" ] || return 0
	check_wanted
	change
}

read_updatable() {
	read_status
	need_vm
	case $status in
	created | running | paused) ;;
	*) die "container $id: container not running" ;;
	esac
}

# Sets $json_text to the resources that are asked for.
read_source() {
	from_options=false
	case $source in
	'') json_text="{$options}" from_options=true ;;
	-) json_text=$(head -c $((JSON_MAX + 1))) ;;
	*) json_text=$(head -c $((JSON_MAX + 1)) "$source" 2>/dev/null) || die "container $id: cannot read the resources in $source" ;;
	esac
	[ -n "$json_text" ] || die "container $id: cannot update resources: no JSON was given"
	[ ${#json_text} -le "$JSON_MAX" ] || die "container $id: cannot update resources: they have more than $JSON_MAX bytes"
}

# Sets $now to what the VM has, and $wanted to what it shall have. Both are records as create's plan writes them
# (lib/json/resources.jq). Ends with an error if what is asked for is wrong.
read_wanted() {
	local plan
	need_jq
	{ read -r now <"$dir/resources"; } 2>/dev/null || die "container $id: cannot read $dir/resources"
	read_json 'values.jq limits.jq resources.jq unmet.jq update.jq' --arg options "$from_options" --arg now "$now" ||
		die "container $id: cannot update resources: $problem"
	wanted=''
	eval "$plan" # jq's @sh quoted every value
	[ -n "$wanted" ] || die "container $id: cannot update resources: no JSON was given"
}

# Sets a variable for each field of both records. Ends with an error if a running VM cannot have the wanted values.
check_wanted() {
	# shellcheck disable=SC2086 # words of a record that runX wrote
	set -- $now
	old_memory=$2 old_quota=$4 old_period=$5 old_cap=$6 old_weight=$7 old_pids=$8 old_cpus=$9
	# shellcheck disable=SC2086
	set -- $wanted
	memory_max=$1 memory=$2 vcpus=$3 quota=$4 period=$5 cap=$6 weight=$7 pids=$8 cpus=$9

	[ "$pids" = "$old_pids" ] ||
		die "container $id: pids.limit cannot be changed: the VM's kernel got it at create, and only a new container can have another"
	[ "$memory" -le "$memory_max" ] ||
		die "container $id: its VM was made with $memory_max MiB, and memory.limit needs $memory: only a new container can have more"
}

# Tries every change, and records the ones that were done, even if another one fails.
change() {
	local failure=''
	change_memory || failure=$problem
	change_sharing || failure=$problem
	change_pinning || failure=$problem
	# Without a truncation (1<>), the record is whole at any time. What is left of a longer one stands in further lines, which
	# nobody reads.
	{ printf '%s\n' "$memory_max $memory $vcpus $quota $period $cap $weight $pids $cpus" 1<>"$dir/resources"; } 2>/dev/null ||
		failure=${failure:-"cannot write $dir/resources (is the disk full?)"}
	[ -z "$failure" ] || die "container $id: $failure"
}

# The guest's balloon driver gives back the memory above the new size, and may take it again later.
change_memory() {
	[ "$memory" != "$old_memory" ] || return 0
	! xl_do mem-set "$domid" "${memory}m" || return 0
	problem="xl cannot set the memory of its domain $domid to $memory MiB"
	memory=$old_memory
	return 1
}

change_sharing() {
	[ "$weight $cap" != "$old_weight $old_cap" ] || return 0
	! xl_do sched-credit2 -d "$domid" -w "$weight" -c "$cap" || return 0
	problem="xl cannot set weight and cap of its domain $domid (xl info shows xen_scheduler, which must be credit2)"
	quota=$old_quota period=$old_period cap=$old_cap weight=$old_weight
	return 1
}

change_pinning() {
	[ "$cpus" != "$old_cpus" ] || return 0
	! xl_do vcpu-pin "$domid" all "$cpus" || return 0
	problem="xl cannot pin its domain $domid to these CPUs (xl info shows nr_cpus)"
	cpus=$old_cpus
	return 1
}
