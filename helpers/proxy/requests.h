/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy's end of its control socket. control.h names the socket, and client.h is the other end.
 */
#ifndef RUNX_REQUESTS_H
#define RUNX_REQUESTS_H

/*
 * Accepts a client of the listening socket `listener` and takes its request. Waits a few seconds at
 * most for the request.
 */
void requests_event(int listener);

/*
 * Takes one request of the client: "start", "exec" with descriptors, or "signal NUMBER [all]". The
 * client is answered now or later, and then closed.
 */
void requests_take(int client);

#endif
