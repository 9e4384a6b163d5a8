/* SPDX-License-Identifier: Apache-2.0 */
/* What every backend of ours asks of Xen: its nodes in xenstore, a guest's pages, its events. */
#ifndef RUNX_BACKEND_H
#define RUNX_BACKEND_H

#include "xenstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* States of a device, xen/include/public/io/xenbus.h. */
#define BACKEND_INITIALISING "1"
#define BACKEND_INIT_WAIT    "2"
#define BACKEND_INITIALISED  3
#define BACKEND_CONNECTED    "4"

#define BACKEND_PAGE 4096 /* Xen's page size, whatever the kernel's is */
/* Most pages of one backend_map(): 2^9, the largest ring of 9pfs. */
#define BACKEND_PAGES 512

struct backend_node {
	bool ours; /* in the backend's directory, else in the front end's */
	const char *name, *value;
};

/*
 * Announces a device of the domain: writes `count` nodes, in their order, to the two directories.
 * Also writes what all devices have: who the other end is, and last the states INITIALISING of the
 * front end and `state` of the backend. The domain must be paused, or must not look yet. Returns 0,
 * or -1 with errno.
 */
int backend_publish(struct xenstore *xs, unsigned int domid, const char *frontend,
		    const char *backend, const struct backend_node *nodes, size_t count,
		    const char *state);

/*
 * Open the device of grants, and one of event channels that takes only channels of this domain.
 * `flags` are those of open(2) for the channels: O_NONBLOCK or 0. They return a descriptor, or -1
 * with errno.
 */
int backend_open_grants(void);
int backend_open_events(unsigned int domid, int flags);

/*
 * Maps the `count` pages of these grants one behind the other, up to BACKEND_PAGES. `grants` must
 * have been opened by this process itself: a PV dom0 refuses the descriptor of a parent. Returns
 * NULL with errno on failure. munmap(2) lets go of the pages.
 */
void *backend_map(int grants, unsigned int domid, const uint32_t *refs, size_t count);

/* These two copy between flat memory and a ring of `size` bytes (a power of two) at `index`. */
static inline void backend_copy_out(void *into, const void *ring, size_t size, uint32_t index,
				    size_t count)
{
	size_t at = index & (size - 1), first = count < size - at ? count : size - at;

	memcpy(into, (const char *)ring + at, first);
	memcpy((char *)into + first, ring, count - first);
}

static inline void backend_copy_in(void *ring, size_t size, uint32_t index, const void *from,
				   size_t count)
{
	size_t at = index & (size - 1), first = count < size - at ? count : size - at;

	memcpy((char *)ring + at, from, first);
	memcpy(ring, (const char *)from + first, count - first);
}

/* The host's end of one event channel. */
struct backend_events {
	int fd; /* readable when the guest has rung */
	uint32_t port;
	bool masked; /* an event was taken, and the next one waits for backend_await() */
};

/* Binds the guest's channel `port` to `events->fd`. Returns 0, or -1 with errno. */
int backend_bind(struct backend_events *events, unsigned int domid, uint32_t port);

/* Rings for the guest. It fails only when the guest is gone, and others notice that. */
void backend_ring(const struct backend_events *events);

/* Takes the pending event off `fd`. The next one comes only after backend_await(). */
void backend_acknowledge(struct backend_events *events);

/* Lets the next event come, and one that the guest sent meanwhile. `fd` can be polled again. */
void backend_await(struct backend_events *events);

#endif
