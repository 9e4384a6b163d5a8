/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of a proxy's control socket. */
#ifndef RUNX_CLIENT_H
#define RUNX_CLIENT_H

#include <stddef.h>

/* A proxy waits for nobody. If it does not answer within this time, it was stopped itself. */
#define CLIENT_SECONDS 10

/*
 * Connects to a container's proxy. `directory` is a descriptor of the state directory. Returns the
 * socket, or -1 if there is no proxy (any more), or with EAGAIN if it accepts nobody. Ends the
 * program with EXIT_HELPER if no socket can be made.
 */
int client_connect(int directory);

/*
 * Sends the request `words` with `count` descriptors (at most CONTROL_FDS), which stay open here.
 * Returns 0, or -1 with errno.
 */
int client_send(int socket, const char *words, const int *fds, size_t count);

#endif
