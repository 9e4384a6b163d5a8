/* SPDX-License-Identifier: Apache-2.0 */
/* One process of a guest as the host sees it: its three streams, their buffers and their credit. */
#ifndef RUNX_SESSION_H
#define RUNX_SESSION_H

#include "helpers/shared/wire.h"
#include "stream.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Frames on their way to the guest. Data is added only while one more whole frame would still fit.
 */
struct outbox {
	size_t head, used;
	uint8_t bytes[4 * WIRE_FRAME];
};

/*
 * Queues a whole frame with `length` bytes of payload. Returns false, and queues nothing, if the
 * frame does not fit: then the guest takes nothing any more.
 */
__attribute__((warn_unused_result)) bool outbox_put(struct outbox *box, enum wire_type type,
						    unsigned int stream, unsigned int session,
						    const void *payload, size_t length);

/* The same after outbox_has_room() returned true. A refusal is a fault of ours and ends us. */
void outbox_put_room(struct outbox *box, enum wire_type type, unsigned int stream,
		     unsigned int session, const void *payload, size_t length);

/* Returns false while only frames that are not data should be added: signals, sizes, credit. */
bool outbox_has_room(const struct outbox *box);

/*
 * What the guest sent for one stream and its reader has not taken yet: never more than WIRE_WINDOW.
 */
struct sink {
	struct stream out; /* without a descriptor nobody reads, and what comes is dropped */
	bool ended;
	bool refused;		 /* the reader has gone, and the guest does not know it yet */
	size_t head, used, owed; /* owed: bytes delivered and not yet credited */
	uint8_t bytes[WIRE_WINDOW];
};

/* The process with this session id. */
struct session {
	unsigned int id;
	bool unknown;	 /* the guest does not know of it yet: nothing of its stdin may be sent */
	bool input_lost; /* stdin could not be taken, and the guest does not know of its end yet */
	struct stream input;
	size_t input_credit;
	struct sink sinks[WIRE_STREAMS]; /* only those of stdout and stderr are used */
	struct outbox *box;
};

/*
 * Sets up `s`, which the caller has zeroed, with the descriptors of stdin, stdout and stderr (-1:
 * there is none). The session owns the descriptors. Frames for the guest go to `box`.
 */
void session_init(struct session *s, unsigned int id, const int fds[WIRE_STREAMS],
		  struct outbox *box);

/* Sets in `fds`, which has WIRE_STREAMS entries, what poll(2) should wait for. */
void session_poll(const struct session *s, struct pollfd *fds);

/* Does what poll(2) has found possible in the entries that session_poll() set. */
void session_serve(struct session *s, const struct pollfd *fds);

/*
 * Handles a DATA, EOF or CREDIT frame from the guest. `started`: the guest has said that the
 * process was executed. Returns false if the frame breaks the protocol.
 */
bool session_frame(struct session *s, const struct wire_frame *frame, bool started);

/*
 * Says that the process has ended, so it takes and sends no more. What it has sent is still
 * delivered.
 */
void session_end(struct session *s);

/* Closes all streams, and drops what still comes: nobody gives or takes anything any more. */
void session_abandon(struct session *s);

/* Returns true if everything that the guest sent has been delivered. */
bool session_drained(const struct session *s);

/* Returns true if a credit, or the end of a reader or of stdin, waits for room in the outbox. */
bool session_owes(const struct session *s);

#endif
