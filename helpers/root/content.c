/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include <ftw.h>
#include <sys/stat.h>

#define DESCRIPTORS 16 /* directories that are open at a time */

static off_t left;

static int count(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)path;
	(void)where;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	off_t share = st->st_nlink ? st->st_size / (off_t)st->st_nlink : st->st_size;
	if (share > left)
		return 1;
	left -= share;
	return 0;
}

bool content_exceeds(const char *tree, off_t most)
{
	left = most;
	return nftw(tree, count, DESCRIPTORS, FTW_PHYS) > 0;
}
