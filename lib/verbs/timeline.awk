# SPDX-License-Identifier: Apache-2.0
# Draws the lines of a RUNX_TRACE (lib/trace.sh) as bars, each container by itself, for lib/verbs/timeline.sh.
#
# environment: FORM is text or svg. WANTED is the id of the only container to draw, or empty for all.
# If it cannot draw, it prints the reason and fails.

BEGIN {
	FS = "\t"
	width = 50
}

function fail(words) {
	print words
	failed = 1
	exit 1
}

NF != 5 || $1 !~ /^[0-9]+[.][0-9]+$/ || $2 !~ /^[A-Za-z0-9_.+-]+$/ || $3 !~ /^[a-z]+$/ || $4 !~ /^([0-9]+|-)$/ || $5 !~ /^[A-Za-z ]+$/ {
	fail("line " NR " is not a line of a RUNX_TRACE")
}

ENVIRON["WANTED"] != "" && $2 != ENVIRON["WANTED"] { next }

# An id may be used again, so a create begins a new life. But `run` in the foreground begins twice, and has only one life.
$5 == "options" && ($3 == "create" || $3 == "run") {
	if (busy[$2, lives[$2]])
		lives[$2]++
}

{
	life = $2 SUBSEP (lives[$2] + 0)
	actor = life SUBSEP $3 SUBSEP $4
	if ($5 != "options")
		busy[$2, lives[$2]] = 1
	if (!(life in first)) {
		all[++count] = life
		first[life] = last[life] = $1
	}
	if ($1 < first[life])
		first[life] = $1
	if ($1 > last[life])
		last[life] = $1
	if (actor in now)
		ends[now[actor]] = $1
	delete now[actor]
	if ($5 != "end") {
		now[actor] = ++bars
		begins[bars] = $1
		lane[bars] = life
		who[bars] = $3
		what[bars] = $5
	}
}

# Sets row[1…] to the bars of a life, in the order of their beginnings. Returns how many there are.
function sort_bars(life,    n, i, at) {
	for (i = 1; i <= bars; i++) {
		if (lane[i] != life)
			continue
		for (at = ++n; at > 1 && begins[row[at - 1]] > begins[i]; at--)
			row[at] = row[at - 1]
		row[at] = i
	}
	return n
}

function id(life) {
	split(life, word, SUBSEP)
	return word[1]
}

function span(life) {
	return last[life] > first[life] ? last[life] - first[life] : 0.001
}

# The end of a bar. A bar without an end in this file goes on until the last line of its life.
function bar_end(i) {
	return i in ends ? ends[i] : last[lane[i]]
}

function took(i) {
	return i in ends ? sprintf("%.3f", ends[i] - begins[i]) : "…"
}

function repeat(text, n,    all) {
	while (n-- > 0)
		all = all text
	return all
}

function draw_text(life,    rows, n, i, from, to) {
	rows = sort_bars(life)
	printf "%s: %.3f s from the first line to the last\n", id(life), span(life)
	printf "%9s %9s\n", "begins", "takes"
	for (n = 1; n <= rows; n++) {
		i = row[n]
		from = int((begins[i] - first[life]) / span(life) * width)
		to = int((bar_end(i) - first[life]) / span(life) * width + 0.5)
		if (from >= width)
			from = width - 1
		if (to <= from)
			to = from + 1
		# In some awks %9s counts bytes, and … has three bytes.
		printf "%9.3f %s%s  %-8s  %-21s |%s%s%s|\n", begins[i] - first[life], repeat(" ", i in ends ? 9 - length(took(i)) : 8),
			took(i), who[i], what[i], repeat(" ", from), repeat(i in ends ? "#" : ">", to - from), repeat(" ", width - to)
	}
}

function colour(actor) {
	if (actor == "proxy") return "#7aa6c2"
	if (actor == "guest") return "#8fb573"
	if (actor == "guardian") return "#c9a26d"
	return "#c2857a"
}

# Sets step to 1, 2 or 5 times a power of ten, so that the axis has at most ten steps.
function choose_step(seconds) {
	for (step = 0.000001; seconds / step > 10; step *= 10) {
		if (seconds / step <= 20) { step *= 2; break }
		if (seconds / step <= 50) { step *= 5; break }
	}
}

function svg_text(x, y, text) {
	printf "<text x=\"%d\" y=\"%d\">%s</text>\n", x, y, text
}

function svg_axis(life, top, height,    t, x) {
	choose_step(span(life))
	for (t = 0; t <= span(life); t += step) {
		x = 260 + t / span(life) * 700
		printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>\n", x, top, x, top + height
		svg_text(x + 2, top + 10, sprintf("%g s", t))
	}
}

function draw_svg(life, top,    rows, n, i, y) {
	rows = sort_bars(life)
	svg_text(4, top + 10, id(life) sprintf(": %.3f s", span(life)))
	svg_axis(life, top, 20 + rows * 18)
	for (n = 1; n <= rows; n++) {
		i = row[n]
		y = top + 18 * n
		svg_text(4, y + 12, who[i])
		svg_text(80, y + 12, what[i])
		printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"%s/>\n", 260 + (begins[i] - first[life]) / span(life) * 700,
			y, (bar_end(i) - begins[i]) / span(life) * 700 + 1, colour(who[i]), i in ends ? "" : " fill-opacity=\"0.5\""
		svg_text(970, y + 12, took(i))
	}
	return top + 40 + rows * 18
}

END {
	if (failed)
		exit 1
	if (!count)
		fail(ENVIRON["WANTED"] == "" ? "it has no lines" : "it has no lines about container " ENVIRON["WANTED"])
	if (ENVIRON["FORM"] == "svg")
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1040\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
			bars * 18 + count * 40 + 10
	top = 10
	for (c = 1; c <= count; c++)
		if (ENVIRON["FORM"] == "svg")
			top = draw_svg(all[c], top)
		else
			draw_text(all[c])
	if (ENVIRON["FORM"] == "svg")
		print "</svg>"
}
