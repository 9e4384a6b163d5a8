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

/* Frames on their way to the guest. Data is only added while a whole frame more would still fit. */
struct outbox {
	size_t head, used;
	uint8_t bytes[4 * WIRE_FRAME];
};

/* Queues a frame, whole; false where it does not fit: the guest takes nothing any more. */
__attribute__((warn_unused_result)) bool outbox_put(struct outbox *box, enum wire_type type,
						    unsigned int stream, unsigned int session,
						    const void *payload, size_t length);

/* The same, once outbox_has_room() has said yes; a refusal would be a fault of ours. */
void outbox_put_room(struct outbox *box, enum wire_type type, unsigned int stream,
		     unsigned int session, const void *payload, size_t length);

/* False while only what is not data should be added: signals, sizes, credit. */
bool outbox_has_room(const struct outbox *box);

/* What the guest sent for one stream and its reader has not taken: never more than the window. */
struct sink {
	struct stream out; /* without one nobody reads, and what comes is dropped */
	bool ended;
	bool refused;		 /* its reader has gone, and the guest has yet to be told */
	size_t head, used, owed; /* owed: bytes delivered whose credit the guest has yet to get */
	uint8_t bytes[WIRE_WINDOW];
};

struct session {
	unsigned int id;
	struct stream input;
	size_t input_credit;
	struct sink sinks[WIRE_STREAMS]; /* of stdout and stderr */
	struct outbox *box;
};

/* Takes the descriptors over. */
void session_init(struct session *s, unsigned int id, const int fds[WIRE_STREAMS],
		  struct outbox *box);

/* Asks for what can be done now; `fds` has WIRE_STREAMS entries, which session_serve() gets back.
 */
void session_poll(const struct session *s, struct pollfd *fds);
void session_serve(struct session *s, const struct pollfd *fds);

/* A DATA, EOF or CREDIT frame from the guest. False: it broke the rules of the protocol. */
bool session_frame(struct session *s, const struct wire_frame *frame);

/* The guest sends no more; what it has sent is still delivered. */
void session_end_output(struct session *s);

/* Nobody gives or takes anything any more: closes all, and drops what comes. */
void session_abandon(struct session *s);

/* Everything that the guest sent has been delivered. */
bool session_drained(const struct session *s);

#endif
