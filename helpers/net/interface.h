/* SPDX-License-Identifier: Apache-2.0 */
/* What a network interface of this thread's network namespace has, as a description for a guest. */
#ifndef RUNX_INTERFACE_H
#define RUNX_INTERFACE_H

#include <stddef.h>

struct description {
	size_t used;
	char text[4096]; /* xenstore's longest value, and a NUL */
};

/* Adds a line; what does not fit is noticed by interface_describe(), as EMSGSIZE. */
__attribute__((format(printf, 2, 3))) void describe(struct description *d, const char *format, ...);

/*
 * Adds the lines of docs/guest-interface.md, "Network interfaces", that give a guest the interface
 * `name`: MTU, addresses, routes, permanent neighbours. 0, or -1 with errno.
 */
int interface_describe(int netlink, const char *name, struct description *d);

/* Its MTU, or -1 with errno. */
int interface_mtu(int netlink, int index);

#endif
