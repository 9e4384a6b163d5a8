/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a file that a container names, so that the file that is read is the one that was checked.
 */
#ifndef RUNX_SOURCE_H
#define RUNX_SOURCE_H

#include <stddef.h>
#include <sys/types.h>

/* A list of strings. */
struct words {
	const char **list;
	size_t count;
};

/* What is allowed for a container's files. */
struct rules {
	int rootfs;		  /* descriptor of the container's root directory */
	struct words directories; /* directories of the host in which a checked file may lie */
	struct words visible;	  /* trees that the container can see and so may write */
};

/* The most bytes of a container's file. */
struct limit {
	off_t bytes;
	const char *advice; /* for the message of a larger file, or "" */
};

/* An open file. */
struct source {
	const char *what, *path; /* for messages: what it is, such as "kernel", and its path */
	int fd;
	off_t size;
};

/*
 * Opens the file that `word` names, which is WHOSE:PATH. `what` is its name in messages. It must be
 * a regular file, and WHOSE says what else must be true:
 *
 *   host:       PATH is the host's. There is nothing more to check.
 *   checked:    PATH is the host's. The file belongs to root, and nobody else may write it. It lies
 *               in one of `directories` and in none of `visible`. It is within `most`.
 *   container:  PATH is in the container's root, and no link leads out of the root. The file is
 *               within `most`.
 *
 * On return, `fd` is open for reading. Ends the program with EXIT_HELPER if something is not so.
 */
struct source source_open(const char *what, const char *word, const struct rules *rules,
			  struct limit most);

#endif
