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

	ended=${RUNX_FOREGROUND_ENDED:-}
	unset RUNX_FOREGROUND_ENDED # a runX in a hook would take it for its own
	[ -z "$ended" ] || claim_ended || return 0
	[ -d "$dir" ] || [ $force = false ] || return 0
	read_status
	# A created container is removed too, as runc does: containerd deletes a container that it could not start.
	case $status,$force in
	running,false | paused,false | creating,false)
		die "cannot delete container $id that is not stopped: $status (kill it, or use --force)"
		;;
	esac
	[ -z "$ended" ] || tell_end
	uuid='' images='' may_have_domain=true
	remove_container || [ $force = true ] || [ -n "$ended" ] || die "container $id: container does not exist"
}

# Whether the container is still that of the process $ended, which ran in the foreground. Somebody else may have deleted it, and
# its name may be a new container's. From here on, remove_container knows the directory that this has opened from all others.
claim_ended() {
	local pid=''
	open_claim || return 1
	{ read -r _ pid _ </proc/self/fd/8/proxy; } 2>/dev/null || return 1
	[ "$pid" = "$ended" ] && is_claims_directory
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
