# SPDX-License-Identifier: Apache-2.0
# runX delete: removes a stopped container, or with --force any container.

delete_option() {
	force=true
}

cmd_delete() {
	# shellcheck source=lib/remove.sh
	. "$RUNX_LIBDIR/remove.sh"
	# shellcheck source=lib/domain.sh
	. "$RUNX_LIBDIR/domain.sh"

	force=false
	parse_words delete_option '' 'force f' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -eq 1 ] || usage_error "delete: too many arguments: $*"

	[ -d "$dir" ] || [ $force = false ] || return 0
	read_status
	# A created container is removed too, as runc does: containerd deletes a container that it could not start.
	case $status,$force in
	running,false | paused,false | creating,false)
		die "cannot delete container $id that is not stopped: $status (kill it, or use --force)"
		;;
	esac
	[ -z "${RUNX_FOREGROUND_ENDED:-}" ] || tell_end
	uuid='' images='' may_have_domain=true
	remove_container || [ $force = true ] || die "container $id: container does not exist"
}

# Whoever ran the container in the foreground sees a status only. If the process has not ended by itself, this says what has.
tell_end() {
	local how=''
	{ read -r how <"$dir/ended"; } 2>/dev/null || :
	case $how in
	'' | 'exited with status '* | 'killed by signal '*) ;;
	*) log_warning "container $id: $how" ;;
	esac
}
