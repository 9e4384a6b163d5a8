/* SPDX-License-Identifier: Apache-2.0 */
/* One process in the guest: its pipes or its terminal, and the frames of its session. */
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
	int status; /* as wait(2) has it; valid in phase OVER */
	struct child child;
	unsigned short rows, columns; /* the terminal's size; may be set before there is one */

	size_t credit[WIRE_STREAMS]; /* bytes that we may still send, by enum wire_stream */
	/* stdin: a ring of `used` bytes from `head`, and the bytes to give credit back for */
	size_t head, used, owed;
	bool input_ended;
	uint8_t bytes[WIRE_WINDOW];
};

/* Makes a session with this id of zeroed memory. `child` comes from child_start(). */
void session_init(struct session *s, unsigned int id, const struct child *child);

/* Fills `fds`, SESSION_FDS entries, for poll(2). session_serve() then gets them back with their
 * results, and moves bytes and reports. */
enum { SESSION_FDS = 4 };
void session_poll(const struct session *s, struct pollfd *fds);
void session_serve(struct session *s, const struct pollfd *fds);

/* Handles a frame for this session, of any type but EXEC and PING. */
void session_frame(struct session *s, const struct wire_frame *frame);

/* Call this when the session's process has ended with `status` (wait(2)) and has been reaped. Its
 * remaining output is sent by later calls of session_serve(). */
void session_over(struct session *s, int status);

/* True: the process has ended, but its pipes may still hold output. Then poll(2) must not wait. */
bool session_draining(const struct session *s);

/* True: the process has ended and all of its output is sent, or it was never executed. */
bool session_done(const struct session *s);

#endif
