# SPDX-License-Identifier: Apache-2.0
# runX spec: writes a config.json, the beginning of a bundle.

spec_option() {
	case $1 in
	bundle | b) bundle=$2 ;;
	rootless) log_warning "spec --rootless: xl needs root's rights, so runX writes the ordinary config.json" ;;
	esac
}

cmd_spec() {
	local bundle=.
	parse_options spec_option 'bundle b' rootless "$@"
	shift "$options_used"
	[ $# -eq 0 ] || usage_error "spec: too many arguments: $*"
	[ -d "$bundle" ] || die "bundle $bundle: no such directory"
	# A link that leads nowhere counts as a config.json too.
	if [ -e "$bundle/config.json" ] || [ -L "$bundle/config.json" ]; then
		die "File config.json exists. Remove it first"
	fi

	(set -C && cat "$RUNX_LIBDIR/json/spec.json" >"$bundle/config.json") 2>/dev/null ||
		die "cannot write $bundle/config.json (is the disk full or read-only?)"
}
