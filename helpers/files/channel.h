/* SPDX-License-Identifier: Apache-2.0 */
/* One ring of a 9pfs device: requests of the guest in, answers out, by a thread of its own. */
#ifndef RUNX_FILES_CHANNEL_H
#define RUNX_FILES_CHANNEL_H

#include "helpers/shared/backend.h"
#include "session.h"

#include <pthread.h>

/* The least and the most order of a ring's data pages. Less has no room for the least msize. */
#define RING_ORDER_LEAST 2
#define RING_ORDER_MOST	 9

/* Bytes of each half of a ring with 2^order data pages: of answers, and of requests. */
#define RING_HALF(order) ((size_t)BACKEND_PAGE << (order) >> 1)

/* The page that begins a ring, as xen/include/public/io/9pfs.h has it. */
struct indices {
	uint32_t in_cons, in_prod;
	uint8_t pad1[56];
	uint32_t out_cons, out_prod;
	uint8_t pad2[56];
	uint32_t order;
	uint32_t refs[];
};

_Static_assert(offsetof(struct indices, refs) == 132, "xen/include/public/io/ring.h");

struct ring9 {
	struct channel channel; /* must be first: session.c gives it back */
	struct session *session;
	struct backend_events events;
	struct indices *shared; /* the guest's page */
	uint8_t *in, *out;	/* data pages: answers, and requests */
	size_t half;		/* bytes of each of the two */
	size_t most;		/* msize: no message is longer */
	uint32_t out_cons;	/* of the thread alone */
	uint32_t in_prod;	/* under `lock`, as is `waiting` */
	unsigned int waiting;	/* workers that wait for `room` */
	pthread_mutex_t lock;
	pthread_cond_t room;	  /* the guest may have taken answers */
	uint8_t *message, *reply; /* private copies, `most` bytes each */
	size_t used;		  /* the longest message since their pages were given back */
	void (*broken)(const char *how);
};

/*
 * Maps the ring whose page has the grant `ref`, and binds its event channel `port` to
 * `ring->events.fd`, which the caller has opened. What the page says is read once. An order above
 * `most_order` is refused. Returns 0, or -1 with errno (EPROTO: what the guest wrote makes no
 * sense). Nothing is undone on failure: the caller ends.
 */
int channel_map(struct ring9 *ring, int grants, unsigned int domid, uint32_t ref, uint32_t port,
		unsigned int most_order);

/*
 * Makes the ring ready to serve requests of up to `msize` bytes by `session`. Returns 0, or -1 with
 * errno.
 */
int channel_prepare(struct ring9 *ring, struct session *session, size_t msize);

/*
 * Starts the ring's thread, which lives as long as the process. If the guest breaks the rules of
 * the ring or of 9P, the thread calls `broken`, which must not return. Returns 0, or -1 with errno.
 */
int channel_start(struct ring9 *ring, void (*broken)(const char *how));

/*
 * The thread's work: serves all that is in the ring now. Returns NULL, or how the guest broke the
 * rules.
 */
const char *channel_serve(struct ring9 *ring);

#endif
