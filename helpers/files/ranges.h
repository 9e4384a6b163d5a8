/* SPDX-License-Identifier: Apache-2.0 */
/* What one process has locked of a file, as the kernel keeps it. Nothing here locks anything. */
#ifndef RUNX_FILES_RANGES_H
#define RUNX_FILES_RANGES_H

#include <stddef.h>
#include <sys/types.h>

/* `end` is the last byte. The type is F_RDLCK or F_WRLCK. */
struct range {
	off_t start, end;
	short type;
};

/* In order, and apart. Where two of one type touch, they are one. */
struct ranges {
	struct range *all;
	size_t count;
};

/*
 * Sets `after` to what `before` becomes when `changed` is locked, or with F_UNLCK, given up. The
 * caller frees after->all. Returns 0 or -ENOMEM.
 */
int ranges_change(const struct ranges *before, struct range changed, struct ranges *after);

/*
 * The part of `within` that begins where it does and has one state: one of `ranges`, or F_UNLCK if
 * it is none of them.
 */
struct range ranges_first(const struct ranges *ranges, struct range within);

#endif
