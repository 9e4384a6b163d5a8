/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* Nothing may be added to a null pointer, not even 0. */
static const struct range *end_of(const struct ranges *ranges)
{
	return ranges->count ? ranges->all + ranges->count : ranges->all;
}

static void add(struct ranges *to, struct range range)
{
	struct range *last = to->count ? &to->all[to->count - 1] : NULL;

	if (range.type == F_UNLCK)
		return;
	if (last && last->type == range.type && last->end == range.start - 1)
		last->end = range.end;
	else
		to->all[to->count++] = range;
}

static void shrink(struct ranges *ranges)
{
	struct range *all =
		ranges->count ? realloc(ranges->all, ranges->count * sizeof(*all)) : NULL;

	if (all) {
		ranges->all = all;
	} else if (!ranges->count) {
		free(ranges->all);
		ranges->all = NULL;
	}
}

int ranges_change(const struct ranges *before, struct range changed, struct ranges *after)
{
	const struct range *at = before->all, *end = end_of(before);

	/* One may be cut in two by the new one. */
	*after = (struct ranges){.all = malloc((before->count + 2) * sizeof(*after->all))};
	if (!after->all)
		return -ENOMEM;
	while (at < end && at->end < changed.start)
		add(after, *at++);
	if (at < end && at->start < changed.start)
		add(after, (struct range){at->start, changed.start - 1, at->type});
	add(after, changed);
	while (at < end && at->end <= changed.end)
		at++;
	if (at < end && at->start <= changed.end) {
		add(after, (struct range){changed.end + 1, at->end, at->type});
		at++;
	}
	while (at < end)
		add(after, *at++);
	if (after->count < before->count)
		shrink(after);
	return 0;
}

struct range ranges_first(const struct ranges *ranges, struct range within)
{
	const struct range *at = ranges->all, *end = end_of(ranges);

	within.type = F_UNLCK;
	while (at < end && at->end < within.start)
		at++;
	if (at == end || at->start > within.end)
		return within;
	if (at->start > within.start) {
		within.end = at->start - 1;
		return within;
	}
	within.type = at->type;
	if (at->end < within.end)
		within.end = at->end;
	return within;
}
