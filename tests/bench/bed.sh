# SPDX-License-Identifier: Apache-2.0
# How the benches in the test bed begin and end. Sourcing this file sets $top, $bed, ARCH, BED_RELEASE, $types (the types of VM that
# ARCH has), $part and $programs.
# shellcheck shell=sh

top=$(cd "$(dirname "$0")/../.." && pwd)
bed=$top/tests/bed/bed
here=$top/tests/bed
. "$here/lib.sh"
bed_settings
# Two CPUs, as most machines that people have: what can run side by side should.
export ARCH BED_RELEASE BED_CPUS="${BED_CPUS:-2}"
case $ARCH in x86_64) types='pv pvh' ;; *) types=pvh ;; esac
# A bench sets part if it measures only a part: the reason why docs/measurements.md must not get this run. It sets programs
# to the programs in dom0, apart from runX's own, that it measures.
part='' programs=''

# Runs when the script ends, for any reason.
end() {
	[ $? -eq 0 ] || echo 'docs/measurements.md stays as it was: the bench failed' >&2
	rm -rf "$stage"
	"$bed" down >&2
}

# Boots a fresh bed, which ends with the script. This tree's runX is installed in it. Its /tmp/bench has the scripts that
# run in dom0 and the programs of the tests. Sets $commit and $software (versions) for keep.
boot() {
	stage=$(mktemp -d)
	trap end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	commit=$("$top/tests/bench/record" commit)
	# One list of commands, because `set -e` does not count where the caller has ||. Only the .sh of this folder are
	# copied: io is a bench here, and a program among the tests.
	# shellcheck disable=SC2086 # words
	"$top/build" >&2 && "$top/build" tests >&2 && "$top/tests/bed/install" >&2 &&
		cp "$top"/tests/bench/*.sh "$stage" &&
		find "$top/out/$ARCH/tests" -maxdepth 1 -type f -exec cp -t "$stage" '{}' + &&
		"$bed" run mkdir -p /tmp/bench && "$bed" put "$stage" /tmp/bench &&
		software=$("$bed" run sh /tmp/bench/versions.sh "$(guest_kernel)" $programs)
}

# guest_kernel: the version of the kernel that the build made
guest_kernel() {
	sed -n 's,^# Linux/[^ ]* \([^ ]*\) Kernel Configuration$,\1,p' "$top/out/$ARCH/kernel.config"
}

# tables NAME COMMAND…: runs the command, prints its tables, and writes what it printed to out/bench/ARCH/NAME.md
tables() {
	local file="$top/out/bench/$ARCH/$1.md"
	shift
	mkdir -p "${file%/*}"
	# A pipe has only the status of its last command.
	{ "$@" || : >"$stage/failed"; } | tee "$file"
	[ ! -e "$stage/failed" ]
}

# keep NAME: writes what is in out/bench/ARCH/NAME.md into docs/measurements.md, unless $part is set
keep() {
	COMMIT=$commit SOFTWARE=$software PART=$part EMULATOR="QEMU $(emulator) (TCG)" \
		"$top/tests/bench/record" "$1" "$ARCH" "$BED_RELEASE" <"$top/out/bench/$ARCH/$1.md" ||
		{ echo "the tables are in out/bench/$ARCH/$1.md" >&2 && return 1; }
}

# emulator: the version of the QEMU that the bed runs in
emulator() {
	"qemu-system-$ARCH" --version | sed -n '1s/^[^0-9]*\([0-9][0-9.]*\).*/\1/p'
}
