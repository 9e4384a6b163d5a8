/* SPDX-License-Identifier: Apache-2.0 */
/* The few xenstore requests that the helpers need, over the kernel's device /dev/xen/xenbus. */
#ifndef RUNX_XENSTORE_H
#define RUNX_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XENSTORE_PATH  256  /* longest path that the helpers make, with its NUL */
#define XENSTORE_VALUE 4096 /* longest payload of a message (XENSTORE_PAYLOAD_MAX) */

struct xenstore {
	int fd;
	int broken;    /* errno of a message that was cut short: every call fails with it, until the
			  device is opened again */
	bool changed;  /* a watch has fired since the caller last reset this */
	bool released; /* a domain has ended since the caller last reset this */
};

/*
 * Opens the device and sets up `xs`. Like the next four functions, it returns 0, or -1 with errno
 * (ENOENT: the node is missing, EIO: xenstore's answer is broken).
 */
int xenstore_open(struct xenstore *xs);

/* Writes the text `value` to the node `path`, and makes the node if it is missing. */
int xenstore_write(struct xenstore *xs, const char *path, const char *value);

/* Removes the node `path` and everything below it. */
int xenstore_remove(struct xenstore *xs, const char *path);

/*
 * Lets xenstore_next() report changes of `path` and below it. `path` may be "@releaseDomain" or
 * "@introduceDomain", for the end or the begin of any domain.
 */
int xenstore_watch(struct xenstore *xs, const char *path);

/*
 * Sets who may use the node. `owner` and `reader` are domids: the owner may do everything, the
 * reader may read, nobody else may do anything.
 */
int xenstore_permit(struct xenstore *xs, const char *path, unsigned int owner, unsigned int reader);

/*
 * Read a node's value, or the names of its children (each ended by a NUL), to `value`. A NUL is
 * added. They return the length in bytes without that NUL, or -1 with errno.
 */
long xenstore_read(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1]);
long xenstore_list(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1]);

/*
 * Returns the decimal number, up to 2^31-1, that a node holds, or -1 with errno (EINVAL: it holds
 * something else).
 */
long xenstore_number(struct xenstore *xs, const char *path);

/*
 * Returns the domid of the domain with this UUID, or -1 with errno (ENOENT: there is no such
 * domain).
 */
long xenstore_domain(struct xenstore *xs, const char *uuid);

/*
 * Waits until a domain with this UUID is built, and returns its domid, or -1 with errno. libxl
 * introduces a domain to xenstore once its memory is built and its nodes are written
 * (libxl__build_post), and adds the devices later. `xs` has a watch from then on. The second
 * function opens the device for itself, and closes it.
 */
long xenstore_await(struct xenstore *xs, const char *uuid);
long xenstore_await_domain(const char *uuid);

/*
 * xenstored may be slow or stopped. A caller that must not wait for it asks with xenstore_ask().
 * The kernel takes the request at once (Linux 4.11), and the answer comes with the same `id`, which
 * is not 0. With a `value`, the request writes the node; else it reads it. Only one answer may be
 * outstanding: until it has come, do not ask again, and do not use the calls above. Returns 0, or
 * -1 with errno.
 */
int xenstore_ask(struct xenstore *xs, const char *path, const char *value, uint32_t id);

struct xenstore_answer {
	uint32_t id;
	long length; /* of the value, or -1 with `error` */
	int error;
	char value[XENSTORE_VALUE + 1];
};

/*
 * Takes the next answer without waiting. Returns 1 if there was one, or 0 if there is none now. In
 * both cases watch events that came before have set `changed` and `released`. Returns -1 with errno
 * if xenstore sends what makes no sense.
 */
int xenstore_next(struct xenstore *xs, struct xenstore_answer *answer);

/* Returns the number in an answer, as xenstore_number() does. */
long xenstore_answer_number(const struct xenstore_answer *answer);

#endif
