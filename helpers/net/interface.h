/* SPDX-License-Identifier: Apache-2.0 */
/* Describes a network interface of this thread's network namespace, for a guest. */
#ifndef RUNX_INTERFACE_H
#define RUNX_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>

/* The text of a description, as it grows. */
struct description {
	size_t used;
	bool cut;	 /* it was too long, and its end is missing */
	char text[4032]; /* xenstore takes 4096 bytes, and the path of the node is a part of them */
};

/* Adds text to `d`, as printf(3) formats it. If it does not fit, `d` is marked as cut. */
__attribute__((format(printf, 2, 3))) void describe(struct description *d, const char *format, ...);

/*
 * Adds to `d` the lines of docs/guest-interface.md, "Network interfaces", that describe the
 * interface `name`: its name, MTU, addresses, routes and permanent neighbours. `netlink` comes from
 * netlink_open(). Returns 0, or -1 with errno.
 */
int interface_describe(int netlink, const char *name, struct description *d);

/* Returns the MTU in bytes of the interface with this index, or -1 with errno. */
int interface_mtu(int netlink, int index);

#endif
