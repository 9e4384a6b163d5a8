/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a proxy's control socket. */
#ifndef RUNX_CLIENT_H
#define RUNX_CLIENT_H

#include <stddef.h>

/* Connects to the proxy whose state directory is `directory`; -1: there is none (any more). */
int client_connect(int directory);

/* Sends a request, and `count` descriptors with it. */
int client_send(int socket, const char *words, const int *fds, size_t count);

#endif
