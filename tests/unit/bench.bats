#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the benches make of what they have measured: tables, and the sections of docs/measurements.md.

load helpers

rows() {
	printf '%s\n' 'create_pv ms 3100 3000 3500 xl_create 2000 1900 2300 <=1.5' 'start_pv ms 2400 2300 2500 least_guest 2000 1900 2300 <=1.25' \
		'kernel bytes 2000 2000 2000 - - - - =1000' 'PSS KiB 397 390 400 - - - - =1024' 'stdout MiB/s 2.25 2 2.4 xenconsoled 0.25 0.2 0.3 >=8' 'state ms 9 8 10 runc 100 90 110 -' |
		tr ' _' '\t '
}

@test "bench: a table, which says what keeps to its budget" {
	rows >"$BATS_TEST_TMPDIR/rows"
	run "$top/tests/bench/all" table "$BATS_TEST_TMPDIR/rows"
	succeeds
	diff - <(sed 's/  */ /g; s/ $//' <<<"$output") <<-END
		median (least–most) runX beside ratio budget kept
		create pv, ms 3100 (3000–3500) xl create 2000 (1900–2300) 1.55 ≤ 1.5 × NO
		start pv, ms 2400 (2300–2500) least guest 2000 (1900–2300) 1.20 ≤ 1.25 × yes
		kernel, bytes 2000 ≤ 1000 NO
		PSS, KiB 397 (390–400) ≤ 1024 yes
		stdout, MiB/s 2.25 (2–2.4) xenconsoled 0.25 (0.2–0.3) 9.00 ≥ 8 × yes
		state, ms 9 (8–10) runc 100 (90–110) 0.09
	END
}

@test "bench: JSON, and a chart" {
	run env FORM=json awk -f "$top/tests/bench/report.awk" <(rows)
	[ "$(jq -c '[.[] | .kept]' <<<"$output")" = '[false,true,false,true,true,null]' ]
	[ "$(jq -c '.[2] | .runX.median, .other, .ratio' <<<"$output" | xargs)" = '2000 null null' ]
	run env FORM=svg awk -f "$top/tests/bench/report.awk" <(rows)
	[ "$(grep -c '<rect x=' <<<"$output")" -eq 10 ]
	[[ $output == '<svg '*'</svg>' ]]
}

@test "bench: a table for docs/measurements.md" {
	run env FORM=markdown awk -f "$top/tests/bench/report.awk" <(rows)
	succeeds
	diff - <(sed 's/ *$//' <<<"$output") <<-END
		| what, median (least–most) | runX | beside | ratio | budget | kept |
		| --- | --- | --- | --- | --- | --- |
		| create pv, ms | 3100 (3000–3500) | xl create 2000 (1900–2300) | 1.55 | ≤ 1.5 × | NO |
		| start pv, ms | 2400 (2300–2500) | least guest 2000 (1900–2300) | 1.20 | ≤ 1.25 × | yes |
		| kernel, bytes | 2000 |  |  | ≤ 1000 | NO |
		| PSS, KiB | 397 (390–400) |  |  | ≤ 1024 | yes |
		| stdout, MiB/s | 2.25 (2–2.4) | xenconsoled 0.25 (0.2–0.3) | 9.00 | ≥ 8 × | yes |
		| state, ms | 9 (8–10) | runc 100 (90–110) | 0.09 |  |  |
	END
}

@test "bench: rows that it does not know" {
	ROWS='create nosuch' run "$top/tests/bench/all"
	[ "$status" -eq 1 ]
	[ "$output" = 'bed: there are no rows named nosuch. The names are: create start ctr verbs io idle size memory many mounts roots' ]
}

# measurements: a file with a head and sections of files and kill, and a copy of it
measurements() {
	export MEASUREMENTS=$BATS_TEST_TMPDIR/docs/measurements.md
	mkdir -p "${MEASUREMENTS%/*}"
	printf '%s\n' '# Measurements' '' 'By hand.' '' '<!-- bench files x86_64 trixie: x -->' '| old files |' '<!-- end -->' '' \
		'<!-- bench kill aarch64 bookworm: x -->' '| old kill |' '<!-- end -->' >"$MEASUREMENTS"
	cp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
}

# record NAME ARCH RELEASE [TABLES]
record() {
	run "$top/tests/bench/record" "$1" "$2" "$3" <<<"${4-| new |}"
}

# stays TEXT: record failed, said so in one line, and the file is as before, alone in its folder
stays() {
	[ "$status" -eq 1 ] || { echo "status $status" && return 1; }
	[[ $output == "record: "*"$1"* && ${#lines[@]} -eq 1 ]] || { echo "wanted: $1, got: $output" && return 1; }
	cmp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
	[ "$(ls "${MEASUREMENTS%/*}")" = measurements.md ]
}

# outline: marks and tables, without the heads of the sections
outline() {
	grep -E '^(#|By|<!--|\|)' "$MEASUREMENTS" | sed 's/: .*//'
}

@test "bench: record replaces one section, and keeps the rest" {
	measurements
	COMMIT=abc SOFTWARE='Xen 4.17' EMULATOR='QEMU 7 (TCG)' REPEAT=9 record files x86_64 trixie
	succeeds
	diff - <(outline) <<-END
		# Measurements
		By hand.
		<!-- bench files x86_64 trixie
		## Files, images and memory, for each kind of root, x86_64, trixie
		| new |
		<!-- end -->
		<!-- bench kill aarch64 bookworm
		| old kill |
		<!-- end -->
	END
	grep -q '^<!-- bench files x86_64 trixie: tests/bench/files writes this -->$' "$MEASUREMENTS"
	grep -q '^- Command: `.*REPEAT=9 tests/bench/files`$' "$MEASUREMENTS"
	grep -qE '^- Date: 20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC$' "$MEASUREMENTS"
	grep -qx -- '- runX: commit abc' "$MEASUREMENTS"
	grep -qx -- '- Software: Xen 4.17' "$MEASUREMENTS"
	grep -qE '^- Machine: .+, cores: [0-9]+, memory: [0-9]+ GiB. QEMU 7 \(TCG\) emulates' "$MEASUREMENTS"
	[ "$(ls "${MEASUREMENTS%/*}")" = measurements.md ]
	cp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
	COMMIT=abc SOFTWARE='Xen 4.17' EMULATOR='QEMU 7 (TCG)' REPEAT=9 record files x86_64 trixie
	diff <(grep -v '^- Date' "$BATS_TEST_TMPDIR/before") <(grep -v '^- Date' "$MEASUREMENTS")
}

@test "bench: record adds each section at its place, whatever comes first" {
	local section name arch release
	measurements
	for section in network,aarch64,trixie io-stall,x86_64,trixie kill,x86_64,trixie all,aarch64,trixie io,x86_64,bookworm all,x86_64,bookworm \
		kill,aarch64,trixie all,x86_64,trixie host,x86_64,bookworm; do
		IFS=, read -r name arch release <<<"$section"
		record "$name" "$arch" "$release"
		succeeds
	done
	diff - <(grep -oE '^<!-- bench [^:]*|^\| old.*' "$MEASUREMENTS") <<-END
		<!-- bench all x86_64 trixie
		<!-- bench all x86_64 bookworm
		<!-- bench all aarch64 trixie
		<!-- bench host x86_64 bookworm
		<!-- bench files x86_64 trixie
		| old files |
		<!-- bench io x86_64 bookworm
		<!-- bench io-stall x86_64 trixie
		<!-- bench kill x86_64 trixie
		<!-- bench kill aarch64 trixie
		<!-- bench kill aarch64 bookworm
		| old kill |
		<!-- bench network aarch64 trixie
	END
	[ "$(grep -c '^By hand' "$MEASUREMENTS")" -eq 1 ]
	grep -q "^- Command: .*tests/bench/io stall 180\`" "$MEASUREMENTS"
}

@test "bench: record leaves the file as it was where it cannot write a section" {
	measurements
	record nosuch x86_64 trixie
	stays 'there is no section nosuch. The sections are: all host files software stress io'
	record files riscv64 trixie
	stays 'there is no section for the architecture riscv64'
	record files x86_64 trixie 'no table'
	stays 'files measured no table'
	echo 'a word between' >>"$MEASUREMENTS"
	cp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
	record files x86_64 trixie
	stays 'text between its sections'
	sed -i '/word/d; 0,/end/{/end/d}' "$MEASUREMENTS"
	cp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
	record files x86_64 trixie
	stays 'a missing mark'
	record io x86_64 trixie
	stays 'a missing mark'
	sed -i 's/files x86_64/other x86_64/' "$MEASUREMENTS"
	cp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
	record io x86_64 trixie
	stays 'an unknown section'
}

@test "bench: record says why it does not write a part" {
	measurements
	PART='REPEAT is below 3' record files x86_64 trixie
	succeeds
	[ "$output" = "$MEASUREMENTS stays as it was: REPEAT is below 3" ]
	cmp "$MEASUREMENTS" "$BATS_TEST_TMPDIR/before"
}

# tree: this tree's benches in $tree, with a bed that only prints tables. It fails where its command has the word in $FAILS.
tree() {
	local name
	export tree=$BATS_TEST_TMPDIR/tree ARCH=x86_64 FAILS=nothing
	mkdir -p "$tree/tests/bed" "$tree/docs" "$tree/out/x86_64/tests/floor.initrd.d" "$tree/dom0" "$tree/bin"
	cp -R "$top/tests/bench" "$top/tests/lib.sh" "$tree/tests"
	cp "$top/tests/bed/"*.sh "$top/tests/bed/config.json" "$tree/tests/bed"
	cp "$top/debian.sh" "$tree"
	echo '# Linux/x86 6.1.99 Kernel Configuration' >"$tree/out/x86_64/kernel.config"
	echo program >"$tree/out/x86_64/tests/io"
	printf '%s\n' '#!/bin/sh' 'echo "QEMU emulator version 7.2.1 (Debian 1)"' >"$tree/bin/qemu-system-x86_64"
	for name in build tests/bed/install; do
		echo '#!/bin/sh' >"$tree/$name"
	done
	cat >"$tree/tests/bed/bed" <<-'END'
		#!/bin/sh
		echo "$*" >>"$tree/calls"
		case "$*" in *$FAILS*) exit 3 ;; esac
		case "$*" in
		put*) cp "$2"/* "$tree/dom0" ;;
		*versions.sh*) echo "Linux $4 in the guest and$(shift 4 && printf ' %s' "$@")" ;;
		*all.sh*) printf '%s\tms\t9\t8\t10\trunc\t100\t90\t110\t-\n' "$6" ;;
		*run*-t*) printf '%s\n' "| $5 |" '| --- |' ;;
		*sh*cat*) cat >/dev/null ;;
		esac
	END
	chmod 755 "$tree/build" "$tree"/tests/bed/* "$tree"/bin/*
	PATH=$tree/bin:$PATH
	: >"$tree/calls"
	echo '# Measurements' >"$tree/docs/measurements.md"
	unset REPEAT ROWS SMALL MIB BED_RELEASE
}

# sections: NAME ARCH RELEASE of each
sections() {
	sed -n 's/^<!-- bench \([^:]*\):.*/\1/p' "$tree/docs/measurements.md" | xargs
}

@test "bench: each bench writes what it prints" {
	local name file
	tree
	file=$tree/docs/measurements.md
	for name in all files io 'io whole' 'io stall' kill memory network; do
		# shellcheck disable=SC2086 # words
		run "$tree/tests/bench/"$name
		succeeds
		[ "$(tail -n 1 "$tree/calls")" = down ]
	done
	[ "$(sections)" = "$(printf '%s x86_64 trixie ' all files io io-whole io-stall kill memory network | sed 's/ $//')" ]
	BED_RELEASE=bookworm run "$tree/tests/bench/kill"
	succeeds
	[[ $(sections) == *'kill x86_64 trixie kill x86_64 bookworm memory'* ]]
	grep -q '^- Command: `BED_RELEASE=bookworm tests/bench/kill`$' "$file"
	# Only this one is of bookworm.
	sed -i '/^<!-- bench kill x86_64 bookworm/,/^<!-- end/d' "$file"
	[ "$(grep -c '^| start, ms | 9 (8–10) | runc 100 (90–110) | 0.09 |  |  |$' "$file")" -eq 1 ]
	[ "$(grep -c '^- Software: Linux 6.1.99 in the guest and containerd runc crun$' "$file")" -eq 1 ]
	[ "$(grep -c '^- Software: Linux 6.1.99 in the guest and $' "$file")" -eq 7 ]
	[ "$(grep -c '^- Machine: .* QEMU 7.2.1 (TCG) emulates the test bed on it$' "$file")" -eq 8 ]
	[ "$(grep -c '^| /tmp/bench/io.sh |$' "$file")" -eq 3 ]
	[ "$(grep -A 3 '^| /tmp/bench/network.sh |$' "$file" | tail -n 1)" = '| /tmp/bench/tcp.sh |' ]
	grep -q '^run -t .* /tmp/bench/io.sh 3 whole 1024$' "$tree/calls"
	grep -q '^run -t .* /tmp/bench/io.sh 3 stall 180$' "$tree/calls"
	grep -q '^run -t .* /tmp/bench/io.sh 3 pv pvh$' "$tree/calls"
	grep -q '^run -t .* /tmp/bench/memory.sh 200 pv 9p disk$' "$tree/calls"
	[ "$(cat "$tree/dom0/io")" = program ]
	[ -f "$tree/dom0/lib.sh" ]
	[ "$(jq '. | length' "$tree/out/bench/x86_64/results.json")" -eq 11 ]
}

# unwritten SENTENCE BENCH WORDS…: the bench ends well, and says that it wrote nothing, and why
unwritten() {
	local why="$1"
	shift
	run "$tree/tests/bench/$@"
	succeeds
	[ "${lines[-1]}" = "docs/measurements.md stays as it was: $why" ] || { echo "wanted: $why, got: $output" && return 1; }
	[ -z "$(sections)" ]
}

@test "bench: a run of a part writes nothing" {
	tree
	ROWS='create start' unwritten 'only some of the rows were measured' all
	unwritten 'only some of the rows were measured' all create
	REPEAT=1 unwritten 'REPEAT is below 3' files
	SMALL=10 unwritten 'SMALL is not 100' files
	unwritten 'only some types of VM were measured' io pv
	unwritten 'it gets only runs with 1024 MiB' io whole 10
	unwritten 'it gets only runs with 180 s' io stall 6
	unwritten 'only some types of VM were measured' kill pvh
	unwritten 'it gets only runs with 200' memory 20
	REPEAT=4 unwritten 'REPEAT is below 5' network
	MIB=10 unwritten 'MIB is not 100' network
}

@test "bench: a run that fails writes nothing" {
	local name
	tree
	for name in 'all start' 'all versions.sh' 'files files.sh' 'io io.sh' 'kill kill.sh' 'memory memory.sh' 'network network.sh' 'network tcp.sh' 'network put'; do
		FAILS=${name#* } run "$tree/tests/bench/${name% *}"
		[ "$status" -ne 0 ]
		[[ $output == *'docs/measurements.md stays as it was: the bench failed'* ]] || { echo "$name: $output" && return 1; }
		[ "$(tail -n 1 "$tree/calls")" = down ]
		[ "$(cat "$tree/docs/measurements.md")" = '# Measurements' ]
	done
}

@test "bench: the commit, and whether the tree differs from it" {
	local commit
	tree
	git -C "$tree" init -q
	git -C "$tree" add .
	git -C "$tree" -c user.name=name -c user.email=mail commit -qm subject
	commit=$(git -C "$tree" rev-parse --short HEAD)
	echo more >>"$tree/docs/measurements.md"
	[ "$("$tree/tests/bench/record" commit)" = "$commit" ]
	echo more >>"$tree/build"
	[ "$("$tree/tests/bench/record" commit)" = "$commit+changes" ]
}
