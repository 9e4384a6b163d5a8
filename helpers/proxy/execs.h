/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that joined a container, as its proxy sees them. Each belongs to an exec proxy
 * (helpers/client/exec.c), which gave us its stdio and waits at the other end of a socket.
 */
#ifndef RUNX_EXECS_H
#define RUNX_EXECS_H

#include "session.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* poll() entries that they need at most, and one of them. */
#define EXECS_FDS ((WIRE_SESSIONS - 1) * (WIRE_STREAMS + 1))

/*
 * Adds a process: its client's socket, and `count` descriptors: its description, stdin, stdout and,
 * unless it has a terminal, stderr. NULL: all of them are ours now. Else why not, and none are.
 */
const char *execs_add(struct outbox *box, int client, const int *fds, size_t count);

/* Asks for what can be done now; returns how many entries it has set, for execs_serve(). */
size_t execs_poll(struct pollfd *fds);
void execs_serve(const struct pollfd *fds);

/* What follows from what has happened: to be called after all else, and before the outbox is sent.
 */
void execs_advance(void);

/* A frame of a session but 0. False: it may not come now, or not at all. */
bool execs_frame(const struct wire_frame *frame);

/* The VM is no more: none of them will send anything again. */
void execs_end(void);

/* Nothing is left of any of them. */
bool execs_done(void);

#endif
