/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy's end of its control socket. control.h names the socket, and client.h is the other end.
 * A client that is slow, or that sends nothing, does not make the proxy wait.
 */
#ifndef RUNX_REQUESTS_H
#define RUNX_REQUESTS_H

#include <poll.h>
#include <stdint.h>

#define REQUESTS_CLIENTS 8
/* poll(2) entries: one for the listener, and one for each client that has not sent its request. */
#define REQUESTS_FDS (1 + REQUESTS_CLIENTS)

/* Sets REQUESTS_FDS entries; `listener` is the listening socket. requests_serve() takes them back.
 */
void requests_poll(int listener, struct pollfd *fds);
void requests_serve(int listener, const struct pollfd *fds);

/*
 * Takes over a client's socket. Its request is "start", "exec" with descriptors, or "signal NUMBER
 * [all]", and may have come already. The client is answered now or later, and then closed.
 */
void requests_add(int client);

/*
 * Drops the clients that have sent nothing in time. `now` is host_now(). Returns when it must be
 * called again, or 0 if no client waits.
 */
int64_t requests_check(int64_t now);

#endif
