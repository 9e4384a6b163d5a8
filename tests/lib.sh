# SPDX-License-Identifier: Apache-2.0
# Functions that the test and demo scripts share: packages and steps. The caller sets top, the path of this tree. Sourcing
# this file only defines functions.
# shellcheck source=../debian.sh
. "$top/debian.sh"

# need_packages NAME…: installs those Debian packages that are missing.
need_packages() {
	local package missing=''
	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "packages are missing; as root: apt-get install$missing" >&2
		exit 1
	fi
	echo "installing$missing" >&2
	# shellcheck disable=SC2086 # a list of names
	apt_install $missing >&2
}

# steps N says how many steps will come. step WHAT begins one. done_step ends it and prints how long it took.
steps() {
	steps_all=$1 steps_now=0 steps_start=$(date +%s)
}

step() {
	steps_now=$((steps_now + 1))
	step_what="[$steps_now/$steps_all] $1"
	step_start=$(date +%s)
	echo "$step_what …" >&2
}

done_step() {
	echo "$step_what … $(elapsed "$step_start")" >&2
}

# elapsed SINCE: prints the time since SINCE (date +%s) as 12s or 4m12s
elapsed() {
	local s
	s=$(($(date +%s) - $1))
	if [ $s -lt 60 ]; then
		echo "${s}s"
	else
		echo "$((s / 60))m$((s % 60))s"
	fi
}
