# SPDX-License-Identifier: Apache-2.0
# What the test bed's scripts share: the default release, functions for settings, messages and steps. Sourcing this file
# only defines them.
# shellcheck shell=sh
# dash, busybox ash and bash all have local.
# shellcheck disable=SC3043

# Debian's release of dom0, unless BED_RELEASE says otherwise. Nothing else says which one is the default.
default_release=trixie

log() {
	printf 'bed: %s\n' "$*" >&2
}

die() {
	log "$@"
	exit 1
}

now() {
	date +%s.%N
}

# since START: prints the time since START (now) as 4.2s or 2m41s
since() {
	now | awk -v start="$1" '{
		s = $1 - start
		if (s < 60) printf "%.1fs", s
		else printf "%dm%02ds", s / 60, s % 60
	}'
}

# steps N: N steps will come
steps() {
	steps_all=$1
	steps_now=0
}

step() {
	steps_now=$((steps_now + 1))
	step_start=$(now)
	log "[$steps_now/$steps_all] $* …"
}

step_done() {
	log "[$steps_now/$steps_all] done in $(since "$step_start")${1:+: $1}"
}

# digest: prints the first 16 digits of stdin's SHA-256
digest() {
	sha256sum | cut -c 1-16
}

# Sets ARCH (default: this machine's) and BED_RELEASE, and reads the bed's files for them. $here is the bed's folder.
bed_settings() {
	ARCH=${ARCH:-$(uname -m)} BED_RELEASE=${BED_RELEASE:-$default_release}
	case $ARCH in x86_64 | aarch64) ;; *) die "ARCH=$ARCH: there is no test bed for it, only for x86_64 and aarch64" ;; esac
	case $BED_RELEASE in
	bookworm | trixie) ;;
	*) die "BED_RELEASE=$BED_RELEASE: there is no test bed of it, only of bookworm and trixie" ;;
	esac
	# shellcheck source=x86_64.sh
	. "$here/$ARCH.sh"
	# shellcheck source=bookworm.sh
	. "$here/$BED_RELEASE.sh"
}
