# SPDX-License-Identifier: Apache-2.0
# Functions for packages of Debian's archive. apt_install installs packages on this machine. apt_private gets packages of
# any architecture, and sources, from this machine's own mirrors. It needs no root, and changes nothing on this machine.
# Sourcing this file only defines functions.
# shellcheck shell=sh
# dash, busybox ash and bash all have local. The caller provides work, a folder, debarch, and the function die.
# shellcheck disable=SC3043,SC2154

# Installs packages on this machine; needs root. An old index names versions that the mirrors no longer have. So after a
# failure it updates the index and tries again.
apt_install() { # PACKAGE...
	apt_install_once "$@" || { apt-get -q update && apt_install_once "$@"; }
}

# Waits up to 600 s for another apt, which a timer of this machine may have started.
apt_install_once() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install "$@"
}

# Runs a program of apt with lists and settings of its own.
apt_private() { # PROGRAM ARGUMENT...
	local program
	program=$1
	shift
	"$program" -q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$work/apt/lists" -o Dir::State::status="$work/apt/status" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Architecture="$debarch" -o APT::Architectures="$debarch" -o APT::Sandbox::User="$(id -un)" "$@"
}

# Gets the lists for apt_private: those of this machine's Debian, or of another RELEASE on the same mirrors. `apt-get
# indextargets` does not print Signed-By, so signatures are checked with all keys of this machine.
apt_private_update() { # deb | deb-src [RELEASE]
	local list
	list=$work/apt/sources.list
	mkdir -p "$work/apt/lists/partial"
	: >"$work/apt/status"
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
		awk -v type="$1" -v release="${2:-}" '{ if (release) sub(/^[^-]*/, release, $2); print type, $0 }' |
		sort -u >"$list"
	[ -s "$list" ] || die "this machine's apt has no Debian archive in its sources (see apt-get indextargets)"
	# A mirror may lack one suite or architecture, so a failure here is ignored. If a wanted package is missing, a later
	# step fails and names it.
	apt_private apt-get -qq update || :
}
