/* SPDX-License-Identifier: Apache-2.0 */
/* The few xenstore requests that the helpers need, over the kernel's /dev/xen/xenbus. */
#ifndef RUNX_XENSTORE_H
#define RUNX_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XENSTORE_PATH  256  /* longest path that we make, with its NUL */
#define XENSTORE_VALUE 4096 /* longest payload of a message (XENSTORE_PAYLOAD_MAX) */

struct xenstore {
	int fd;
	bool changed;  /* a watch has fired; it is the caller's to forget */
	bool released; /* and one was of a domain's end; it is the caller's to forget */
};

/* All of these return 0, or -1 with errno; ENOENT is a missing node, EIO a broken answer. */
int xenstore_open(struct xenstore *xs);
int xenstore_write(struct xenstore *xs, const char *path, const char *value);
int xenstore_remove(struct xenstore *xs, const char *path);
int xenstore_watch(struct xenstore *xs, const char *path);

/* `owner` and `reader` are domids: the owner may do everything, the reader may read. */
int xenstore_permit(struct xenstore *xs, const char *path, unsigned int owner, unsigned int reader);

/* Value or child names (each ended by a NUL) into `value`; the length without the NUL added here.
 */
long xenstore_read(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1]);
long xenstore_list(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1]);

/* A node that holds one decimal number up to 2^31-1. -1 with errno, EINVAL where it is none. */
long xenstore_number(struct xenstore *xs, const char *path);

/* The domain whose UUID is `uuid`, or -1 with errno (ENOENT: no such domain). */
long xenstore_domain(struct xenstore *xs, const char *uuid);

/*
 * Who must not wait for xenstored, which may be slow or stopped, asks without waiting: the kernel
 * takes a request at once (Linux 4.11), and its answer comes with the same `id`, not 0. These are
 * not to be mixed with the calls above while answers are to come. A `value` makes it a write.
 */
int xenstore_ask(struct xenstore *xs, const char *path, const char *value, uint32_t id);

struct xenstore_answer {
	uint32_t id;
	long length; /* of the value, or -1 with `error` */
	int error;
	char value[XENSTORE_VALUE + 1];
};

/* 1: the next answer. 0: there is none now, and watches have set `changed`. -1: broken (errno). */
int xenstore_next(struct xenstore *xs, struct xenstore_answer *answer);

/* The number of an answer, as xenstore_number() reads it. */
long xenstore_answer_number(const struct xenstore_answer *answer);

#endif
