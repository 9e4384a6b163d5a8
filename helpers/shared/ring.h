/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a guest's secondary PV console (/dev/hvc1): docs/design.md, "Standard I/O". */
#ifndef RUNX_RING_H
#define RUNX_RING_H

#include "xenstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* States of a device, xen/include/public/io/xenbus.h. */
#define RING_INITIALISED 3
#define RING_CONNECTED	 "4"

struct ring {
	unsigned int domid;
	struct xencons *shared; /* NULL until ring_connect() */
	void *data;		/* the pages beside it, or NULL where the guest has none */
	char *in, *out;
	size_t in_size, out_size;
	int evtchn; /* readable when the guest has rung; open before ring_connect() */
	int gntdev;
	uint32_t port;
	bool masked; /* an event was taken, and the next may not come yet */
	uint32_t out_cons, in_prod;
};

/* Opens the devices, so that a host without them is noticed before the guest runs. */
int ring_open(struct ring *ring, unsigned int domid);

/* Announces the console in xenstore; the domain must be paused. 0, or -1 with errno. */
int ring_publish(struct xenstore *xs, unsigned int domid);

/* Removes what ring_publish() left outside the domain's own tree, also after the domain is gone. */
void ring_withdraw(struct xenstore *xs, unsigned int domid);

/*
 * Connects to the guest's driver, once its state is RING_INITIALISED. `ref` and `port` are the
 * numbers of its nodes "ring-ref" and "port", or negative; `data` is what its node "data-refs"
 * holds, or NULL. 0, or -1 with errno. The backend's state is then to be RING_CONNECTED.
 */
int ring_connect(struct ring *ring, long ref, long port, const char *data);
void ring_disconnect(struct ring *ring);

/* Nodes of the guest's driver, and the state of the backend. */
void ring_frontend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH]);
void ring_backend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH]);

/* Bytes from the guest (0: none there), or -1 where its indices make no sense. */
ssize_t ring_read(struct ring *ring, void *into, size_t room);

/* How many bytes the guest took (0: its ring is full, wait for the event), or -1 as above. */
ssize_t ring_write(struct ring *ring, const void *from, size_t count);

/* Takes the pending event off `evtchn`. None comes before ring_await(). */
void ring_acknowledge(struct ring *ring);

/* Lets the next event come, or what has come since: `evtchn` is to be waited for again. */
void ring_await(struct ring *ring);

#endif
