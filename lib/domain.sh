# SPDX-License-Identifier: Apache-2.0
# The container's VM, by way of xl.

# One sentence for each thing that a host may lack, before anything is changed.
check_host() {
	local xenbus="${RUNX_XENBUS:-/dev/xen/xenbus}" name
	for name in control prepare proxy stage; do
		has_helper "$name" || die "$problem"
	done
	command -v xl >/dev/null || die "xl is not installed (Debian: xen-utils), and runX starts VMs with it"
	[ -e "$xenbus" ] ||
		die "this machine does not run Xen, or not as its dom0 (no /dev/xen/xenbus): boot it under Xen"
	[ -w "$xenbus" ] || die "no permission to use /dev/xen/xenbus: runX must run as root, as xl must"
}

# Sets $xl_string to $1 as a string of xl.cfg. Its lexer knows backslash escapes and no raw newline;
# a quote or newline that came through could add settings of its own (docs/security.md).
xl_string() {
	local rest="$1" head
	case $1 in
	*[[:cntrl:]]*) die "control character in a value for xl: $1" ;;
	esac
	xl_string=\"
	while :; do
		head=${rest%%[\"\\]*}
		xl_string=$xl_string$head
		[ "$head" != "$rest" ] || break
		rest=${rest#"$head"}
		xl_string=$xl_string\\${rest%"${rest#?}"}
		rest=${rest#?}
	done
	xl_string=$xl_string\"
}

# Sets $capabilities, Xen's words for what its guests can be, and $type: PVH where the CPU can, since its memory
# accesses need no help of Xen; else PV, which needs nothing.
guest_type() {
	capabilities='' type=$conf_guest_type
	{ read -r capabilities <"${RUNX_HOST:-}/sys/hypervisor/properties/capabilities"; } 2>/dev/null || :
	[ "$type" = auto ] || return 0
	case $capabilities in
	*hvm-* | *aarch64* | *armv*) type=pvh ;;
	*) type=pv ;;
	esac
}

# Every line of the domain's configuration is written here, so a bundle cannot add one. xl takes the last of
# several settings (libxlu_cfg.c): XLCONF can change the defaults before it, and nothing behind it.
domain_config() {
	local type capabilities
	guest_type
	[ -n "$given_memory" ] || echo "memory = $memory"
	[ -n "$given_vcpus" ] || echo "vcpus = $vcpus"
	case $capabilities in
	# Arm's default; but where no file says so, `xl mem-set` aborts there (libxl__arch_extra_memory, seen in 4.17).
	*aarch64* | *armv*) echo 'acpi = 0' ;;
	# Else each look at the clock is an exit to Xen, where the host's TSC is not one that Xen trusts; but what that gives,
	# a TSC that is the same on all CPUs and other hosts, is for guests that migrate, or that know nothing of Xen's clock.
	*) echo 'tsc_mode = "native"' ;;
	esac
	# Xen's defaults, of which no file needs to speak.
	[ "$cpu_weight" = 256 ] || echo "cpu_weight = $cpu_weight"
	[ "$cpu_cap" = 0 ] || echo "cap = $cpu_cap"
	[ -z "$cpus" ] || xl_setting cpus "$cpus"
	[ -z "$xlconf" ] || xlconf_settings
	own_settings
	[ -z "$given_memory" ] || echo "memory = $given_memory"
	[ -z "$given_vcpus" ] || echo "vcpus = $given_vcpus"
}

own_settings() {
	xl_setting name "$name"
	xl_setting uuid "$uuid"
	xl_setting type "$type"
	xl_setting kernel "$kernel"
	xl_setting ramdisk "$dir/initrd"
	kernel_command_line
	printf '%s\n' "$devices"
	[ -z "$vif" ] || printf 'vif = [ %s ]\n' "$vif"
	[ -z "$device_tree" ] || xl_setting device_tree "$device_tree"
	[ -z "$dtdevs" ] || xl_list dtdev "$dtdevs"
	[ -z "$iomems" ] || xl_list iomem "$iomems"
	[ -z "$irqs" ] || printf '%s\n' "irqs = [ $irqs ]"
}

# Behind an `extra` of XLCONF, if there is one: += joins as it is (Xen 4.13).
kernel_command_line() {
	local line="console=hvc0 quiet panic=-1${kernel_parameters:+ $kernel_parameters}"
	[ "$type" != pv ] || [ ${#line} -lt 1023 ] ||
		die "kernel parameters: Xen cuts those of a PV guest at 1023 bytes, and these are ${#line}"
	xl_string " $line"
	printf 'extra += %s\n' "$xl_string"
}

xl_setting() {
	xl_string "$2"
	printf '%s = %s\n' "$1" "$xl_string"
}

# xl_list NAME WORDS: a setting that is a list of strings
xl_list() {
	local word list=''
	for word in $2; do
		xl_string "$word"
		list="$list${list:+, }$xl_string"
	done
	printf '%s = [ %s ]\n' "$1" "$list"
}

# Makes the domain, paused. -e: no xl process stays behind to watch it; our guardian does. The QEMU that xl
# starts for 9p is to see the bind mounts.
domain_create() {
	local config said rc=0
	config=$(domain_config) || exit 1
	save xl.cfg '%s\n' "$config"
	set -- xl create -q -p -e "$dir/xl.cfg"
	trace 'xl create'
	# It must not go on where this create is killed: the domain would come after a delete that found none.
	if [ -z "$staged" ]; then
		set -- "$RUNX_LIBEXEC/stage" -p $$ - -- "$@"
	else
		eval "set -- \"\$RUNX_LIBEXEC/stage\" -p $$ -k \"\$rootfs\" \"\$dir/binds\" $staged -- \"\$@\"" # jq's @sh quoted it
	fi
	said=$(export RUNX_NIC="$nic" && exec "$@" 2>&1 </dev/null) || rc=$?
	[ $rc -ne 125 ] || die "runX $verb failed: $said" # stage's; xl ends with 1
	[ $rc -eq 0 ] || die "$(why_xl_failed 'xl cannot create the VM')"
}

# why_xl_failed WHAT: a sentence of the first line of what xl has $said that tells a cause.
why_xl_failed() {
	local line cause='no reason given'
	while read -r line; do
		case $line in
		# Of our initrd, whose first part alone is compressed; Xen's domain builder takes it as it is then.
		*'inflate failed'*) ;;
		# Its words come next.
		*'/block add '* | *'/vif online '*) ;;
		*'failed to free memory'* | *'Out of memory'* | *'Cannot allocate memory'*)
			echo "not enough free memory in Xen for a VM of $memory MiB (xl info shows free_memory)"
			return
			;;
		*'config parsing error'*) cause="XLCONF ${xlconf:-} is not as xl.cfg(5) says" && break ;;
		*'already exists'*) cause="a domain named $name exists already (xl list)" && break ;;
		*'error: '*) cause=${line#*error: } && break ;;
		esac
	done <<-END
		$said
	END
	# "libxl_exec.c:117:libxl_report_child_exitstatus: Domain 5:text"
	case $cause in
	*.c:*:*) cause=${cause#*.c:*:*:} ;;
	esac
	cause=${cause# } cause=${cause#script: }
	case $cause in
	"Domain "[0-9]*:*) cause=${cause#*:} ;;
	esac
	printf '%s\n' "$1: $cause"
}

# Destroys what domain has our UUID, if any: also one that a killed create left, without a record. Fails where xl cannot
# list domains.
domain_destroy() {
	local line said
	[ -f "$dir/uuid" ] || return 0
	read -r uuid <"$dir/uuid" || return 0
	# Without Xen there are no domains; with it only xl can tell.
	[ -e "${RUNX_XENBUS:-/dev/xen/xenbus}" ] || return 0
	said=$(xl list -v 2>&1 </dev/null) || return 1
	while read -r line; do
		# "Name ID Mem VCPUs State Time UUID …"
		case $line in *" $uuid "*) destroy_listed "${line% "$uuid" *}" && return ;; esac
	done <<-END
		$said
	END
}

# destroy_listed WORDS: the domain of a line of xl's list. Told by its number, which is sought from the end, since
# somebody may have renamed it, also to what has blanks.
destroy_listed() {
	# shellcheck disable=SC2086 # words
	set -- $1
	shift $(($# - 5))
	xl destroy "$1" >/dev/null 2>&1 </dev/null ||
		die "xl cannot destroy the domain $1 of container $id (try xl destroy $1)"
}
