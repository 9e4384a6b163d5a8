/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets a VM use Docker's DNS resolver. On networks that a user made, the resolver listens at
 * 127.0.0.11 in the container's network namespace on the host (`libnetwork/resolver.go`).
 */
#ifndef RUNX_RESOLVER_H
#define RUNX_RESOLVER_H

#include "interface.h"

#include <stdbool.h>

/* Where a resolver listens. */
struct resolver {
	unsigned short udp, tcp; /* ports, or 0; Docker's iptables rules lead port 53 to them */
};

/* Returns the resolver of this thread's network namespace. Its ports are 0 if there is none. */
struct resolver resolver_find(void);

/*
 * Lets the VM behind `vif` reach the resolver. `vif` is the index of the host's end of the VM's
 * interface, and `interface` the index of the engine's interface. traffic_open() has prepared both.
 * `mac` is the VM's MAC address as text. `d` is the description of the engine's interface, and what
 * the guest has to do is added to it. Does nothing if `d` has no IPv4 address. Returns 0, or -1
 * with errno.
 */
int resolver_join(int netlink, const struct resolver *resolver, int vif, int interface,
		  const char *mac, struct description *d);

/*
 * A part of resolver_join(), for its test. Lets the namespace's sockets, and those of the VM behind
 * `vif`, have the answers of name servers that come in at `interface`. Returns 0, or -1 with errno.
 */
int resolver_share_answers(int netlink, int interface, int vif);

/*
 * Gives the sockets of this thread's network namespace Linux's own range of ports again, if
 * resolver_join() has changed it. Returns 0, or -1 with errno.
 */
int resolver_leave(void);

#endif
