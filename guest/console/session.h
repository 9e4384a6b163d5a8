/* SPDX-License-Identifier: Apache-2.0 */
/* One process as the guest sees it: its pipes or its terminal, and the frames of its session. */
#ifndef RUNX_SESSION_H
#define RUNX_SESSION_H

#include "guest/process/child.h"
#include "helpers/shared/wire.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session {
	unsigned int id; /* 0: the container's own process */
	enum { STARTING, RUNNING, OVER, FAILED } phase;
	int status; /* as of wait(2), once OVER */
	struct child child;
	unsigned short rows, columns; /* of its terminal; asked for before it was there */

	/* Streams count as wire.h has them. */
	size_t credit[WIRE_STREAMS]; /* what we may still send of stdout and stderr */
	size_t head, used, owed;     /* stdin on its way to the process */
	bool input_ended;
	uint8_t bytes[WIRE_WINDOW];
};

/* Zeroed memory becomes a session whose process has been cloned. */
void session_init(struct session *s, unsigned int id, const struct child *child);

/* Asks for what can be done now; `fds` has SESSION_FDS entries, which session_serve() gets back. */
enum { SESSION_FDS = 4 };
void session_poll(const struct session *s, struct pollfd *fds);
void session_serve(struct session *s, const struct pollfd *fds);

void session_frame(struct session *s, const struct wire_frame *frame);

/* Its process has ended with `status`; what its pipes hold is still to be sent. */
void session_over(struct session *s, int status);

/* Something may still be in a pipe of a process that has ended: poll must not wait. */
bool session_draining(const struct session *s);

/* The process has ended, or was never executed, and all of its output is sent. */
bool session_done(const struct session *s);

#endif
