# SPDX-License-Identifier: Apache-2.0
# runX list: shows the containers of this root. A container appears once its create has finished.

list_option() {
	case $1 in
	format | f) format=$2 ;;
	*) quiet=true ;;
	esac
}

cmd_list() {
	local path states=''
	format=table quiet=false
	parse_options list_option 'format f' 'quiet q' "$@"
	shift "$options_used"
	[ $# -eq 0 ] || usage_error "list: too many arguments: $*"
	case $format in
	table | json) ;;
	*) usage_error "list: unknown format: $format (table or json)" ;;
	esac

	# Which containers there are is settled before xl may be asked about their VMs (find_vm). An id may begin with a dot.
	for path in "$RUNX_ROOT"/* "$RUNX_ROOT"/.[!.]* "$RUNX_ROOT"/..?*; do
		[ ! -f "$path/created" ] || set -- "$@" "$path"
	done
	for path; do
		id=${path##*/} dir=$path
		if [ $quiet = true ]; then
			printf '%s\n' "$id"
		elif read_state; then
			states=$states${states:+,}$state
		fi
	done
	[ $quiet = false ] || return 0
	case $format in
	json) printf '%s\n' "${states:+[}${states:-null}${states:+]}" ;;
	table) printf '[%s]\n' "$states" | print_table ;;
	esac
}

# Sets $state to what runX state prints, on one line. Fails if the container is just being made or deleted, because its
# record may then be incomplete.
read_state() {
	find_status
	join_state 2>/dev/null
}

join_state() {
	local line='' head='' tail=''
	while [ -z "$tail" ] && read -r line; do
		case $line in
		'"bundle"'*) tail=$line ;;
		*) head=$head$line ;;
		esac
	done <"$dir/state" || return 1
	[ -n "$tail" ] || return 1
	state="$head\"pid\":$pid,\"status\":\"$status\",$tail"
}

# Prints the table as runc does: columns have at least 12 characters, and three blanks between them. The jq program has no
# regular expressions, because not every jq supports them.
print_table() {
	local rc=0
	# shellcheck disable=SC2016 # jq's variables
	jq -r '
		# is_control() of helpers/shared/wire.c
		def is_control: . as $c | any([0, 31], [127, 159], [173, 173], [1564, 1564], [6158, 6158], [8203, 8207],
			[8232, 8238], [8288, 8303], [65279, 65279], [65529, 65531], [917504, 921599]; .[0] <= $c and $c <= .[1]);
		def printable: explode | map(if is_control then 63 else . end) | implode;
		[["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
			(.[] | [.id, .pid, .status, .bundle, .created, .owner] | map(tostring | printable))]
		| (transpose | map(map(length + 3) | max | if . < 12 then 12 else . end)) as $widths
		| .[] as $row
		| ([$row[:5], $widths[:5]] | transpose | map(.[0] + " " * (.[1] - (.[0] | length))) | join(""))
			+ $row[5]
	' 2>/dev/null || rc=$?
	case $rc in
	0) ;;
	2) die "cannot write the list to stdout" ;; # jq(1): a system error, such as one of its output
	*) die "cannot read the states in $RUNX_ROOT (is jq installed?)" ;;
	esac
}
