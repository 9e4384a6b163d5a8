#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How make bench presents its measurements.

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

@test "bench: rows that it does not know" {
	ROWS='create nosuch' run "$top/tests/bench/all"
	[ "$status" -eq 1 ]
	[ "$output" = 'bed: nosuch is none of create start ctr verbs io idle size memory many mounts roots' ]
}
