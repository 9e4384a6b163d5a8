/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy's end of its control socket: helpers/shared/control.h names it, helpers/client/ has the
 * other end. No client that is slow, or sends nothing, makes the proxy wait.
 */
#ifndef RUNX_REQUESTS_H
#define RUNX_REQUESTS_H

#include <poll.h>
#include <stdint.h>

#define REQUESTS_CLIENTS 8
/* poll() entries: the listener's, and one for each client that has not sent its request yet. */
#define REQUESTS_FDS (1 + REQUESTS_CLIENTS)

void requests_poll(int listener, struct pollfd *fds);
void requests_serve(int listener, const struct pollfd *fds);

/* Takes a client's socket over, whose request may have come already. */
void requests_add(int client);

/* Drops who has sent nothing in time. When this is to be called again, by host_now(); 0: no need.
 */
int64_t requests_check(int64_t now);

#endif
