# SPDX-License-Identifier: Apache-2.0
# runX run: creates and starts a container. Without --detach it also waits for the container's end, and deletes it.

run_option() {
	case $1 in
	detach | d) detach=true ;;
	keep) keep=true ;;
	# Ignored. The foreground program is always a subreaper, because the process is not its own child.
	no-subreaper) ;;
	*) create_option "$@" ;;
	esac
}

cmd_run() {
	# shellcheck source=lib/verbs/create.sh
	. "$RUNX_LIBDIR/verbs/create.sh"
	# shellcheck source=lib/foreground.sh
	. "$RUNX_LIBDIR/foreground.sh"
	# shellcheck source=lib/verbs/start.sh
	. "$RUNX_LIBDIR/verbs/start.sh"

	detach=false keep=false
	create_defaults
	run_parse "$@"
	[ $detach = true ] || run_in_foreground "$@"

	create_container "$id"
	start_container
	at_end_nothing
}

run_parse() {
	parse_words run_option "$CREATE_VALUED" "$CREATE_SWITCHES detach d keep no-subreaper" "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "run: too many arguments: $*"
}

run_in_foreground() {
	local doomed="$id"
	[ -z "$console_socket" ] ||
		die "cannot use console socket if runX will not detach or allocate tty (run --detach)"
	[ "$keep" = false ] || doomed=''
	in_foreground 1 "$doomed" run --detach "$@"
}
