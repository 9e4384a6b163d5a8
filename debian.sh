# SPDX-License-Identifier: Apache-2.0
# Packages of Debian's archive: installed here, or of any architecture and their sources, by anybody and without a change
# to this host, from the mirrors where it gets its own. Sourcing it only defines.
# shellcheck shell=sh
# dash, busybox ash and bash all have local; work, a folder, and debarch are the caller's, as die is.
# shellcheck disable=SC3043,SC2154

# Installs packages here, by root. An index that is too old names versions that the mirrors have dropped, hence the second
# try.
apt_install() { # PACKAGE...
	apt_install_once "$@" || { apt-get -q update && apt_install_once "$@"; }
}

# Another apt may be at work, as timers of the host start it.
apt_install_once() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install "$@"
}

# A program of apt's with lists and settings of its own.
apt_private() { # PROGRAM ARGUMENT...
	local program
	program=$1
	shift
	"$program" -q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$work/apt/lists" -o Dir::State::status="$work/apt/status" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Architecture="$debarch" -o APT::Architectures="$debarch" -o APT::Sandbox::User="$(id -un)" "$@"
}

# Signed-By is not among what apt tells of its sources, so signatures are checked by all of the host's keys.
apt_private_update() { # deb | deb-src
	local list
	list=$work/apt/sources.list
	mkdir -p "$work/apt/lists/partial"
	: >"$work/apt/status"
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
		sort -u | sed "s/^/$1 /" >"$list"
	[ -s "$list" ] || die "this machine's apt knows no Debian archive (see apt-get indextargets)"
	# A mirror may be incomplete, of one suite or architecture; what is wanted may still be there, and is
	# missed by name if it is not.
	apt_private apt-get -qq update || :
}
