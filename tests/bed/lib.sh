# SPDX-License-Identifier: Apache-2.0
# Words shared by the scripts of the test bed: architecture, messages, steps. Sourcing it only defines.
# shellcheck shell=sh
# dash, busybox ash and bash all have local.
# shellcheck disable=SC3043

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

# since START: the time gone by, as 4.2s or 2m41s
since() {
	now | awk -v start="$1" '{
		s = $1 - start
		if (s < 60) printf "%.1fs", s
		else printf "%dm%02ds", s / 60, s % 60
	}'
}

# steps N: the number of steps to come
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

# digest: the first 16 letters of the sha256 of stdin
digest() {
	sha256sum | cut -c 1-16
}

# Sets ARCH, this machine's unless it is set, and reads what the bed has of its own for it. $here is the bed's folder.
bed_arch() {
	ARCH=${ARCH:-$(uname -m)}
	[ -f "$here/$ARCH.sh" ] || die "ARCH=$ARCH: there are test beds of x86_64 and aarch64"
	# shellcheck source=x86_64.sh
	. "$here/$ARCH.sh"
}
