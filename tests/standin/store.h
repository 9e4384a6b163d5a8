/* SPDX-License-Identifier: Apache-2.0 */
/* A xenstored: a tree of nodes, watches, and clients that speak xs_wire.h over a socket. */
#ifndef STANDIN_STORE_H
#define STANDIN_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* Serves one more client. */
void store_client(int fd);

/* The value of a node, or NULL. */
const char *store_read(const char *path);

/* Makes or changes a node, and its parents where they are missing; watches fire. */
void store_write(const char *path, const char *value);

/* Removes a node with all below it; watches fire. */
void store_remove(const char *path);

/* Fires the watches of a special node, such as "@releaseDomain". */
void store_fire(const char *path);

/* How many nodes there are. */
int store_count(void);

/* Whether a node is there and has neither value nor children. */
bool store_is_empty(const char *path);

/* All paths, a line each. */
void store_list(char *text, size_t size);

/* Called before a client reads a node, and after a client wrote one. */
extern void (*store_reads)(const char *path);
extern void (*store_wrote)(const char *path, const char *value);

#endif
