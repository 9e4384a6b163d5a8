# SPDX-License-Identifier: Apache-2.0
# What the VM boots: runX's kernel and initrd, or others; and what an XLCONF adds to its configuration.

# Checks and copies what came from the container to $dir, and makes the initrd there. On return
# $kernel is the path of the kernel; with $xlconf, $dir/xlconf is fit to be a part of our configuration.
prepare_boot() {
	[ -z "$xlconf" ] || set -- "$@" -c "checked:$xlconf"
	case $kernel in
	'') kernel=$conf_kernel ;;
	# Trusted, so xl may read it where it is.
	host:*)
		kernel=${kernel#host:}
		[ -f "$kernel" ] || die "vm.kernel.path: $kernel is not a file"
		;;
	*) set -- "$@" -k "$kernel" && kernel=$dir/kernel ;;
	esac
	prepare "$@" "$rootfs" "${initrd:-host:$conf_initrd}" "$dir" <"$dir/container"
	[ -z "$xlconf" ] || check_xlconf
}

# prepare ARG…: runs that helper, with the directories where checked files may lie before the ARGs, and behind
# them what the container sees, where they must not.
prepare() {
	local directory rules=''
	for directory in $conf_host_files; do
		rules="$rules -d $directory"
	done
	# shellcheck disable=SC2086 # options; directories of runX.conf are words
	set -- $rules -x "$bundle" "$@"
	eval "helper prepare \"\$@\" $binds" || die "runX $verb failed: $problem" # jq's @sh quoted every word
}

# What a container needs to be one. xl takes the last of several settings, and ours come behind; this is
# so that nobody wonders, and that the configuration of another VM, which has a name, is not taken.
OWNED=' name uuid type builder kernel ramdisk cmdline root bootloader disk p9 '

# xl.cfg: settings end with a newline or a semicolon, and no string holds a newline.
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

xlconf_settings() {
	local line
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s\n' "$line"
	done <"$dir/xlconf"
}

check_xlconf_setting() {
	local key="${1%%=*}"
	key=${key#"${key%%[! 	]*}"}
	key=${key%%[ 	+]*}
	case $OWNED${netconf:+vif } in
	*" $key "*) [ -z "$key" ] || die "XLCONF $xlconf, line $number: runX sets $key itself; leave it out" ;;
	esac
}
