/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a guest's second PV console, /dev/hvc1 (docs/design.md, "Standard I/O"). */
#ifndef RUNX_RING_H
#define RUNX_RING_H

#include "backend.h"

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
	struct backend_events events; /* `fd` is open since ring_open() */
	int gntdev;
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
 * Maps the rings and binds the event channel, once the guest driver's state is BACKEND_INITIALISED.
 * `ref` and `port` are the numbers in its nodes "ring-ref" and "port", or negative. `data` is the
 * value of its node "data-refs", or NULL if there is none. Returns 0, or -1 with errno (EPROTO: the
 * nodes make no sense). The caller then sets the backend's state to BACKEND_CONNECTED.
 */
int ring_connect(struct ring *ring, long ref, long port, const char *data);

/* Unmaps the rings and closes the devices. Does nothing the second time. */
void ring_disconnect(struct ring *ring);

/* Write to `path` the xenstore node `name` of the guest's driver, or of the backend. */
void ring_frontend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH]);
void ring_backend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH]);

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

#endif
