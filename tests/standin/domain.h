/* SPDX-License-Identifier: Apache-2.0 */
/* The domains: what xl makes, runs and destroys, with their memory and event channels. */
#ifndef STANDIN_DOMAIN_H
#define STANDIN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

struct domain;

/* Makes a paused domain. Its number, or -1 with errno. */
int domain_create(const char *uuid, const char *name, const char *initrd);

/* The domain with this number or name, or NULL. */
struct domain *domain_find(const char *which);

/* The first time the VM boots; later it goes on. Returns false if the domain is not paused. */
bool domain_unpause(struct domain *d);
void domain_pause(struct domain *d);
void domain_destroy(struct domain *d);

/* As `xl list` prints them, a line for each domain; with their UUIDs, as `xl list -v`. */
void domain_list(char *text, size_t size, bool uuids);

/* Serves one more descriptor of /dev/xen/evtchn. */
void domain_channel(int fd);

/* To be called once, before any other. */
void domain_init(void);

#endif
