/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a file that a container names, so that what was checked is what is read. */
#ifndef RUNX_SOURCE_H
#define RUNX_SOURCE_H

#include <stddef.h>
#include <sys/types.h>

struct words {
	const char **list;
	size_t count;
};

struct rules {
	int rootfs;		  /* descriptor of the container's root */
	struct words directories; /* those of the host that checked files may lie in */
	struct words visible;	  /* trees that a container can see, and so may write */
};

struct source {
	const char *what, *path; /* for messages: "kernel", and its path there */
	int fd;
	off_t size;
};

/*
 * `word` is WHOSE:PATH. host: a file of the host that needs no check; checked: one of the host, but
 * a regular file of root's that nobody else may write, in one of `directories`, in none of
 * `visible`; container: a regular file in the root, out of which no link leads; of the last two at
 * most `most` bytes. Fails where it is not so.
 */
struct source source_open(const char *what, const char *word, const struct rules *rules,
			  off_t most);

#endif
