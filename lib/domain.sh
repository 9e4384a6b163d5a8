# SPDX-License-Identifier: Apache-2.0
# Makes and destroys the container's VM with xl.

# Checks what runX needs of the host, before it changes anything. Ends with an error that names the first thing that is
# missing.
check_host() {
	local xenbus="${RUNX_XENBUS:-/dev/xen/xenbus}" name
	for name in claim control json prepare proxy stage; do
		has_helper "$name" || die "$problem"
	done
	command -v xl >/dev/null || die "xl is not installed, and runX starts VMs with it (Debian: install xen-utils)"
	[ -e "$xenbus" ] ||
		die "this machine does not run Xen, or this is not its dom0 (/dev/xen/xenbus is missing): boot it under Xen"
	[ -w "$xenbus" ] || die "no permission to use /dev/xen/xenbus: runX must run as root, as xl must"
}

# Sets $xl_string to $1 as a string of xl.cfg. xl's lexer knows backslash escapes, and a string cannot hold a raw newline.
# A quote that is not escaped, or a newline, could add settings (docs/security.md). So this function escapes quotes, and ends
# with an error if $1 has a control character.
xl_string() {
	local rest="$1" head
	case $1 in
	*[[:cntrl:]]*) die "a value for xl has a control character, which xl.cfg cannot hold: $1" ;;
	esac
	xl_string=\"
	while :; do
		head=${rest%%[\"\\]*}
		xl_string=$xl_string$head
		[ "$head" != "$rest" ] || break
		rest=${rest#"$head"}
		case $rest in
		\"*) xl_string=$xl_string\\\" ;;
		*) xl_string=$xl_string\\\\ ;;
		esac
		rest=${rest#?}
	done
	xl_string=$xl_string\"
}

# Sets $capabilities to Xen's words for the kinds of guests that it can run, and $type to the kind of this VM (pv or pvh).
# `auto` becomes PVH if the CPU supports it, because its memory accesses need no help from Xen. Otherwise it becomes PV,
# which runs on every CPU.
guest_type() {
	capabilities='' type=$conf_guest_type
	{ read -r capabilities <"${RUNX_HOST:-}/sys/hypervisor/properties/capabilities"; } 2>/dev/null || :
	[ "$type" = auto ] || return 0
	case $capabilities in
	*hvm-* | *aarch64* | *armv*) type=pvh ;;
	*) type=pv ;;
	esac
}

# Writes xl.cfg. Every line of it is made here, so a bundle cannot add one. xl uses the last of several equal settings
# (libxlu_cfg.c). So an XLCONF can change the defaults before it, and nothing behind it.
configure_domain() {
	local type capabilities config=''
	guest_type
	[ -n "$given_memory" ] || xl_line "memory = $memory"
	[ -n "$given_vcpus" ] || xl_line "vcpus = $vcpus"
	case $capabilities in
	# This is Arm's default. But without this line in the file, `xl mem-set` aborts on Arm (libxl__arch_extra_memory, seen in
	# Xen 4.17).
	*aarch64* | *armv*) xl_line 'acpi = 0' ;;
	# In the default mode, each read of the TSC is an exit to Xen if Xen does not trust the host's TSC. In return, the TSC is
	# the same on all CPUs and on other hosts. Only guests that migrate, or do not know Xen's clock, need that.
	*) xl_line 'tsc_mode = "native"' ;;
	esac
	# 256 and 0 are Xen's defaults.
	[ "$cpu_weight" = 256 ] || xl_line "cpu_weight = $cpu_weight"
	[ "$cpu_cap" = 0 ] || xl_line "cap = $cpu_cap"
	[ -z "$cpus" ] || xl_setting cpus "$cpus"
	[ -z "$xlconf" ] || xlconf_settings
	own_settings
	[ -z "$given_memory" ] || xl_line "memory = $given_memory"
	[ -z "$given_vcpus" ] || xl_line "vcpus = $given_vcpus"
	save xl.cfg %s "$config"
}

own_settings() {
	xl_setting name "$name"
	xl_setting uuid "$uuid"
	xl_setting type "$type"
	xl_setting kernel "$kernel"
	xl_setting ramdisk "$dir/initrd"
	kernel_command_line
	[ -z "$devices" ] || xl_line "$devices"
	[ -z "$vif" ] || xl_line "vif = [ $vif ]"
	[ -z "$device_tree" ] || xl_setting device_tree "$device_tree"
	[ -z "$dtdevs" ] || xl_list dtdev "$dtdevs"
	[ -z "$iomems" ] || xl_list iomem "$iomems"
	[ -z "$irqs" ] || xl_line "irqs = [ $irqs ]"
}

# += appends to an `extra` of XLCONF, if there is one. It adds no blank between the two (Xen 4.13).
kernel_command_line() {
	local line="console=hvc0 quiet panic=-1${kernel_parameters:+ $kernel_parameters}"
	[ "$type" != pv ] || [ ${#line} -lt 1023 ] ||
		die "kernel parameters: Xen cuts those of a PV guest at 1023 bytes, and these have ${#line}: use fewer, or guest_type = pvh"
	xl_string " $line"
	xl_line "extra += $xl_string"
}

# Adds a line to $config.
xl_line() {
	config="$config$1
"
}

xl_setting() {
	xl_string "$2"
	xl_line "$1 = $xl_string"
}

# xl_list NAME WORDS: adds a setting that is a list of strings.
xl_list() {
	local word list=''
	for word in $2; do
		xl_string "$word"
		list="$list${list:+, }$xl_string"
	done
	xl_line "$1 = [ $list ]"
}

# Makes the domain, paused. With -e no xl process stays to watch it, because the proxy's guardian does that. Ends with an
# error if xl fails.
domain_create() {
	local said rc=0
	trace 'xl create'
	may_have_domain=true
	export RUNX_NIC="$nic" # for the script that xl calls (helpers/net/vif.c)
	# stage kills xl if this create is killed. Otherwise the domain could appear after a delete that found none.
	hear "$RUNX_LIBEXEC/stage" -p $$ - -- xl create -q -p -e "$dir/xl.cfg" >/dev/null </dev/null || rc=$?
	unset RUNX_NIC
	[ $rc -ne 125 ] || die "runX $verb failed: $said" # 125 is stage's own failure; xl fails with 1
	[ $rc -eq 0 ] || domain_failed
}

# If the proxy or the file server has failed, its guardian has destroyed the domain, and xl only says that the domain is gone.
domain_failed() {
	local why
	why=$(why_xl_failed 'xl cannot create the VM')
	hear_besides
	[ -z "$said" ] || why="runX $verb failed: $said"
	die "$why"
}

# why_xl_failed WHAT: prints a message that begins with WHAT. The cause is the first line in $said, xl's words, that tells
# one.
why_xl_failed() {
	local line cause='xl gave no reason (run it again with --debug, and see /var/log/xen)'
	while read -r line; do
		case $line in
		# This is no error. Only the first part of runX's initrd is compressed, so Xen's domain builder cannot inflate it, and
		# uses it as it is.
		*'inflate failed'*) ;;
		# This line only says that the hotplug script failed. The script's own words come next.
		*'/block add '* | *'/vif online '*) ;;
		*'failed to free memory'* | *'Out of memory'* | *'Cannot allocate memory'*)
			# Only create knows how much it is. Elsewhere it is dom0's memory.
			[ -z "${memory:-}" ] || {
				echo "not enough free memory in Xen for a VM of $memory MiB (xl info shows free_memory)"
				return
			}
			cause=${line#*error: } && break
			;;
		*'config parsing error'*) cause="XLCONF ${xlconf:-} is not as xl.cfg(5) says" && break ;;
		*'already exists'*) cause="a domain named $name exists already (xl list)" && break ;;
		*'error: '*) cause=${line#*error: } && break ;;
		esac
	done <<-END
		$said
	END
	# libxl's words look like "libxl_exec.c:117:libxl_report_child_exitstatus: Domain 5:text".
	case $cause in
	*.c:*:*) cause=${cause#*.c:*:*:} ;;
	esac
	cause=${cause# } cause=${cause#script: }
	case $cause in
	"Domain "[0-9]*:*) cause=${cause#*:} ;;
	esac
	printf '%s\n' "$1: $cause"
}

# What domain_find returns if there is surely no domain, and if nobody can tell.
NO_DOMAIN=1
UNKNOWN=2

# Sets $found to the number of the domain with the container's UUID. The UUID is $uuid, or if that is empty, the recorded one.
# This also finds a domain that a killed create left without a record of its proxy. Returns 0, $NO_DOMAIN or $UNKNOWN.
domain_find() {
	domains_rc=''
	domain_find_listed
}

# Does the same, but asks xl only once, and keeps its answer for further containers. All of them were created before the first
# one is looked for.
domain_find_listed() {
	local line
	# Without Xen there are no domains. With Xen, only xl can tell.
	[ -n "$uuid" ] || { read -r uuid <"$dir/uuid"; } 2>/dev/null || return $NO_DOMAIN
	[ -e "${RUNX_XENBUS:-/dev/xen/xenbus}" ] || return $NO_DOMAIN
	if [ -z "$domains_rc" ]; then
		domains_rc=0
		domains=$(xl_within list -v 2>&1) || domains_rc=$UNKNOWN
	fi
	[ "$domains_rc" -eq 0 ] || return "$domains_rc"
	while read -r line; do
		# A line has "Name ID Mem VCPUs State Time UUID …".
		case $line in *" $uuid "*) domain_number "${line% "$uuid" *}" && return ;; esac
	done <<-END
		$domains
	END
	return $NO_DOMAIN
}

# domain_number WORDS: sets $found to the number in one line of xl's list. It is counted from the end of the line, because
# somebody may have renamed the domain, and the new name may have blanks.
domain_number() {
	# shellcheck disable=SC2086 # words
	set -- $1
	shift $(($# - 5))
	found=$1
}

# Destroys the container's domain, if there is one, and sets $domid to its number. xl may fail once, by a lock that another
# xl holds, so there is a second try. Returns $UNKNOWN if xl cannot list the domains. Ends with an error if xl cannot destroy
# the domain.
domain_destroy() {
	local found rc=0 try
	for try in first second; do
		domain_find || rc=$?
		[ $rc -ne $NO_DOMAIN ] || return 0
		[ $rc -eq 0 ] || return $rc
		trace "xl destroy, $try try"
		domid=$found
		! xl_within destroy "$found" >/dev/null 2>&1 || return 0
	done
	die "xl cannot destroy the domain $found of container $id (try xl destroy $found)"
}
