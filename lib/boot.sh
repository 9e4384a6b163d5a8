# SPDX-License-Identifier: Apache-2.0
# What the VM boots (kernel and initrd), and what an XLCONF adds to its configuration.

# Checks the files that the container names, copies them to $dir, and makes the initrd in $dir. On return:
#   $kernel      the path of the kernel
#   $dir/xlconf  checked, so that it can be part of xl.cfg (only if $xlconf is set)
# Ends with an error if a file is refused or cannot be copied.
prepare_boot() {
	[ -z "$xlconf" ] || set -- "$@" -c "checked:$xlconf"
	case $kernel in
	'') kernel=$conf_kernel ;;
	# config.json's vm section is trusted, so xl reads the file from its own place.
	host:*)
		kernel=${kernel#host:}
		[ -f "$kernel" ] || die "vm.kernel.path: $kernel is not a file"
		;;
	# The administrator has named this one, so it needs no check and no copy either.
	listed:*)
		kernel=${kernel#listed:}
		[ -f "$kernel" ] || die "kernels in runX.conf: $kernel is not a file"
		;;
	*) set -- "$@" -k "$kernel" && kernel=$dir/kernel ;;
	esac
	prepare "$@" -m "$conf_boot_max" "$rootfs" "${initrd:-host:$conf_initrd}" "$dir" <"$dir/container"
	[ -z "$xlconf" ] || check_xlconf
}

# Empties the copies of what the VM boots, because the state directory often is memory of dom0. xl create has read them, and
# nobody reads them again: runX never boots a VM twice.
empty_boot() {
	save initrd ''
	[ ! -f "$dir/kernel" ] || save kernel ''
}

# prepare ARG…: runs the helper of this name. Options before the ARGs name the directories that a checked file may lie in.
# Words behind them name the bind mounts: what the container can see, where a checked file must not lie. Ends with the
# helper's reason if it fails.
prepare() {
	local directory rules=''
	for directory in $conf_host_files; do
		rules="$rules -d $directory"
	done
	# shellcheck disable=SC2086 # options; directories of runX.conf are words
	set -- $rules -x "$bundle" "$@"
	eval "helper prepare \"\$@\" $binds" 8<&- || die "runX $verb failed: $problem" # jq's @sh quoted every word
}

# The settings that runX makes itself. xl uses the last of several equal settings, and runX's come last, so an XLCONF could
# not change them anyway. runX refuses them so that nobody wonders why they have no effect. This also refuses the
# configuration of another VM, which always has a name. A device of p9 would have the number of one of runX's own.
OWNED=' name uuid type builder kernel ramdisk cmdline root bootloader disk p9 '

# Ends with an error if $dir/xlconf makes a setting of $OWNED, or vif if NETCONF makes one. In xl.cfg a setting ends with a
# newline or a semicolon, and no string holds a newline.
check_xlconf() {
	local line rest number=0
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1)) rest=$line\;
		while [ -n "$rest" ]; do
			check_xlconf_setting "${rest%%;*}"
			rest=${rest#*;}
		done
	done <"$dir/xlconf"
}

# Adds the settings of XLCONF to $config.
xlconf_settings() {
	local settings
	settings=$(cat "$dir/xlconf" 2>/dev/null) || die "cannot read $dir/xlconf"
	xl_line "$settings"
}

check_xlconf_setting() {
	local key="${1%%=*}"
	key=${key#"${key%%[! 	]*}"}
	key=${key%%[ 	+]*}
	case $OWNED${netconf:+vif } in
	*" $key "*) [ -z "$key" ] || die "XLCONF $xlconf, line $number: runX sets $key itself: take this line out" ;;
	esac
}
