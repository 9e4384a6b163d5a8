/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's resolver of names, which on networks that a user made listens at 127.0.0.11 in the
 * container's network namespace on the host (`libnetwork/resolver.go`), as the VM's.
 */
#ifndef RUNX_RESOLVER_H
#define RUNX_RESOLVER_H

#include "interface.h"

#include <stdbool.h>

struct resolver {
	unsigned short udp, tcp; /* where it listens, 0: nowhere; rules of iptables make that 53 */
};

/* The resolver of this thread's network namespace. */
struct resolver resolver_find(void);

/*
 * Lets the VM behind `vif` reach it, as `interface` is the engine's, of address `mac`, and has the
 * description `d`, to which what the guest has to do is added. Nothing, where there is no IPv4
 * address. 0, or -1 with errno.
 */
int resolver_join(int netlink, const struct resolver *resolver, int vif, int interface,
		  const char *mac, struct description *d);

#endif
