# SPDX-License-Identifier: Apache-2.0
# runX state: prints a container's state, from its record and its proxy. It starts no process.

cmd_state() {
	local line
	parse_words no_option '' '' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "state: too many arguments: $*"

	read_status
	[ -f "$dir/created" ] || die "container $id: container does not exist (its create has not finished)"
	# The record has two halves. The fields that change go between them.
	while read -r line; do
		case $line in
		'"bundle"'*) printf '  "pid": %s,\n  "status": "%s",\n  %s\n' "$pid" "$status" "$line" ;;
		'{') echo '{' ;;
		*) printf '  %s\n' "$line" ;;
		esac
	done 2>/dev/null <"$dir/state" || {
		# A delete may be removing it at this moment.
		[ -f "$dir/state" ] || die "container $id: container does not exist"
		die "container $id: cannot write its state to stdout"
	}
}
