/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a guest's second PV console, /dev/hvc1 (docs/design.md, "Standard I/O"). */
#ifndef RUNX_RING_H
#define RUNX_RING_H

#include "xenstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ring {
	unsigned int domid;
	struct xencons *shared; /* NULL until ring_connect() */
	void *data;		/* the pages of larger rings, or NULL if the guest has none */
	char *in, *out;
	size_t in_size, out_size;
	int evtchn; /* readable when the guest has rung; open since ring_open() */
	int gntdev;
	uint32_t port;
	bool masked; /* an event was taken, and the next one waits for ring_await() */
	uint32_t out_cons, in_prod;
};

/*
 * Sets up `ring` for the domain and opens the devices. So a host without them is noticed before the
 * guest runs. Returns 0, or -1 with errno.
 */
int ring_open(struct ring *ring, unsigned int domid);

/* Announces the console in xenstore. The domain must be paused. Returns 0, or -1 with errno. */
int ring_publish(struct xenstore *xs, unsigned int domid);

/*
 * Removes what ring_publish() left outside the domain's own xenstore directory. It also works after
 * the domain is gone.
 */
void ring_withdraw(struct xenstore *xs, unsigned int domid);

/*
 * Maps the rings and binds the event channel, if the guest's driver is ready. Returns 1 if the ring
 * is connected, or 0 if the driver is not ready yet: the caller watches ring_state_path() and tries
 * again. Returns -1 with errno on failure (EPROTO: the guest's `data-refs` make no sense).
 */
int ring_connect(struct ring *ring, struct xenstore *xs);

/* Unmaps the rings and closes the devices. */
void ring_disconnect(struct ring *ring);

/* Writes to `path` the xenstore node that changes when ring_connect() should be tried again. */
void ring_state_path(unsigned int domid, char path[XENSTORE_PATH]);

/*
 * Copies up to `room` bytes from the guest to `into`. Returns their number (0: there are none), or
 * -1 with EPROTO if the guest's ring index makes no sense.
 */
ssize_t ring_read(struct ring *ring, void *into, size_t room);

/*
 * Copies up to `count` bytes to the guest's ring. Returns how many fit (0: the ring is full, so
 * wait for an event), or -1 with EPROTO as above.
 */
ssize_t ring_write(struct ring *ring, const void *from, size_t count);

/* Takes the pending event off `evtchn`. The next event comes only after ring_await(). */
void ring_acknowledge(struct ring *ring);

/* Lets the next event come, and one that the guest sent meanwhile. `evtchn` can be polled again. */
void ring_await(struct ring *ring);

#endif
