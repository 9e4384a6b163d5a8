/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's end of its control socket: control.h names it, client.h is the other end. */
#ifndef RUNX_REQUESTS_H
#define RUNX_REQUESTS_H

/* Somebody has connected. */
void requests_event(int listener);

/* Takes the request of one client, which is answered now or later, and then closed. */
void requests_take(int client);

#endif
