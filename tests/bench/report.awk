# SPDX-License-Identifier: Apache-2.0
# Turns the rows of all.sh into a table for the terminal, a table for docs/measurements.md, an array of JSON or a chart
# of bars. FORM in the environment says which: text, markdown, json or svg.

BEGIN { FS = "\t" }

# Whether the row keeps to its budget. Empty if it has none.
function verdict(    limit) {
	limit = substr($10, 2) + 0
	if ($10 ~ /^=/) return $3 <= limit ? "yes" : "NO"
	limit = substr($10, 3) + 0
	if ($10 ~ /^</) return $3 <= limit * $7 ? "yes" : "NO"
	if ($10 ~ /^>/) return $3 >= limit * $7 ? "yes" : "NO"
	return ""
}

function subject() {
	return $1 ($2 == "" ? "" : ", " $2)
}

function ratio() {
	return $7 > 0 ? sprintf("%.2f", $3 / $7) : ""
}

function spread(median, least, most) {
	if (median == "-") return ""
	return least == most ? median : median " (" least "–" most ")"
}

function budget() {
	if ($10 == "-") return ""
	if ($10 ~ /^=/) return "≤ " substr($10, 2)
	return ($10 ~ /^</ ? "≤ " : "≥ ") substr($10, 3) " ×"
}

# The text, padded to a width.
function cell(text, width,    n) {
	for (n = letters(text); n < width; n++)
		text = text " "
	return text
}

# How many letters a text has. Some awks count the bytes of these letters.
function letters(text) {
	gsub(/–|≤|≥|×|…/, ".", text)
	return length(text)
}

function text_row(what, ours, beside, theirs, times, most, kept) {
	print cell(what, 46) cell(ours, 26) cell(beside, 13) cell(theirs, 24) cell(times, 7) cell(most, 12) kept
}

ENVIRON["FORM"] == "text" {
	if (NR == 1)
		text_row("median (least–most)", "runX", "beside", "", "ratio", "budget", "kept")
	text_row(subject(), spread($3, $4, $5), $6 == "-" ? "" : $6, spread($7, $8, $9), ratio(), budget(), verdict())
}

ENVIRON["FORM"] == "markdown" {
	if (NR == 1)
		print "| what, median (least–most) | runX | beside | ratio | budget | kept |\n| --- | --- | --- | --- | --- | --- |"
	print "| " subject() " | " spread($3, $4, $5) " | " ($6 == "-" ? "" : $6 " " spread($7, $8, $9)) " | " ratio() " | " budget() " | " verdict() " |"
}

function json_three(name, median, least, most) {
	return "\"" name "\":" (median == "-" ? "null" : "{\"median\":" median ",\"least\":" least ",\"most\":" most "}")
}

function or_null(text) {
	return text == "" || text == "-" ? "null" : "\"" text "\""
}

ENVIRON["FORM"] == "json" {
	printf "%s{\"what\":\"%s\",\"unit\":\"%s\",%s,\"beside\":%s,%s,\"ratio\":%s,\"budget\":%s,\"kept\":%s}", NR == 1 ? "[" : ",\n", $1, $2,
		json_three("runX", $3, $4, $5), or_null($6), json_three("other", $7, $8, $9), ratio() == "" ? "null" : ratio(), or_null(budget()),
		verdict() == "" ? "null" : verdict() == "yes" ? "true" : "false"
}

function bar(y, value, scale, colour) {
	return sprintf("<rect x=\"330\" y=\"%d\" width=\"%.1f\" height=\"10\" fill=\"%s\"/>\n", y, value / scale * 450 + 0.5, colour)
}

# What the budget allows, in the row's unit. 0 without a budget.
function allowed() {
	if ($10 ~ /^=/) return substr($10, 2) + 0
	return $10 == "-" ? 0 : substr($10, 3) * $7
}

ENVIRON["FORM"] == "svg" {
	y = 34 * NR
	scale = $3 + 0
	if ($7 > scale) scale = $7
	if (allowed() > scale) scale = allowed()
	bars = bars sprintf("<text x=\"4\" y=\"%d\">%s</text>\n", y + 14, $1) bar(y + 2, $3, scale, verdict() == "NO" ? "#c2603f" : "#6f9f57")
	bars = bars sprintf("<text x=\"790\" y=\"%d\">%s %s</text>\n", y + 11, spread($3, $4, $5), $2)
	if ($7 != "-")
		bars = bars bar(y + 14, $7, scale, "#b5b5b5") sprintf("<text x=\"790\" y=\"%d\">%s: %s</text>\n", y + 23, $6, spread($7, $8, $9))
	if (allowed())
		bars = bars sprintf("<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#000\"/>\n", x = 330 + allowed() / scale * 450, y, x, y + 26)
}

END {
	if (ENVIRON["FORM"] == "json")
		print NR ? "]" : "[]"
	if (ENVIRON["FORM"] == "svg")
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1060\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"4\" y=\"18\">coloured: runX, red if it misses its budget. Grey: what is beside it. The line is the budget.</text>\n%s</svg>\n",
			34 * NR + 50, bars
}
