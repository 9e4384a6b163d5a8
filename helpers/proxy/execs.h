/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that joined a container, as its proxy sees them. Each belongs to an exec proxy
 * (helpers/client/exec.c). The exec proxy handed over its stdio and waits at the other end of a
 * socket.
 */
#ifndef RUNX_EXECS_H
#define RUNX_EXECS_H

#include "session.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The most poll(2) entries that all of them need: each needs one per stream and one for its client.
 */
#define EXECS_FDS ((WIRE_SESSIONS - 1) * (WIRE_STREAMS + 1))

/*
 * Adds a process. `client` is its exec proxy's socket, and `box` takes frames for the guest. `fds`
 * has `count` descriptors: description, stdin, stdout and, unless the process has a terminal,
 * stderr. Returns NULL if this module has taken the client and all descriptors. Otherwise returns
 * an error text and has taken none.
 */
const char *execs_add(struct outbox *box, int client, const int *fds, size_t count);

/*
 * Sets in `fds`, which has room for EXECS_FDS entries, what poll(2) should wait for. Returns how
 * many entries it has set.
 */
size_t execs_poll(struct pollfd *fds);

/*
 * Does what poll(2) has found possible in the entries that execs_poll() set. No process may be
 * added in between.
 */
void execs_serve(const struct pollfd *fds);

/*
 * Does what follows from the events of a turn. Call it after everything else in the turn, but
 * before the outbox is sent.
 */
void execs_advance(void);

/*
 * Handles a frame of a session other than 0. Returns false if it may not come now, or not at all.
 */
bool execs_frame(const struct wire_frame *frame);

/*
 * Ends all of these processes with 128+SIGKILL, because the VM is gone and none of them will send
 * anything again.
 */
void execs_end(void);

/* Returns true if nothing is left of any of them. */
bool execs_done(void);

/* Returns true if something waits for room in the outbox to the guest. */
bool execs_owe(void);

#endif
