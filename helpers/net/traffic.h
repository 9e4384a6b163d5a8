/* SPDX-License-Identifier: Apache-2.0 */
/* Sets rules of traffic control, tc(8), for an interface of this thread's network namespace. */
#ifndef RUNX_TRAFFIC_H
#define RUNX_TRAFFIC_H

#include "match.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PRIORITY_LAST 65535

/*
 * One rule: which frames it takes, and what is done with them. Numbers are in the host's byte
 * order, addresses in the network's.
 */
struct rule {
	int interface;
	bool outgoing; /* takes what goes out of the interface, not what comes in */
	/* Rules are asked in the order of their priorities. No two on one side of it have the same.
	 */
	uint16_t priority;	   /* from 1 to PRIORITY_LAST */
	uint16_t protocol;	   /* an ETH_P_* number; a frame with a VLAN tag is ETH_P_8021Q */
	const struct match *match; /* NULL: all frames of this protocol */
	/*
	 * What is done with a frame. If several of these are set, the last kind counts. If none is
	 * set, the frame is left to the kernel.
	 */
	int copy_to, move_to; /* interfaces: the one that sends a copy, or the frame itself */
	bool drop;
	/* The packet goes on with these values. It must have an IPv4 header without options. */
	in_addr_t new_source, new_destination;
	uint16_t new_source_port, new_destination_port;
	uint16_t domain; /* kept with the rule, for traffic_owner() */
};

/*
 * Prepares the interface with this index for rules. Returns 0, or -1 with errno (EEXIST: somebody
 * has done so already).
 */
int traffic_open(int netlink, int interface);

/*
 * Adds a rule to its interface, which traffic_open() has prepared. Returns 0, or -1 with errno
 * (EEXIST: there is a rule with this priority; ENOENT: the kernel lacks a module).
 */
int traffic_add(int netlink, const struct rule *rule);

/*
 * Tells whose the rules of this interface are. Returns the domain that all of them have, 0 if there
 * are no rules, or -1 with errno (EBUSY: some are not runX's, or another domain's).
 */
int traffic_owner(int netlink, int interface);

/* Returns true if the interface has no rules in either direction. */
bool traffic_unused(int netlink, int interface);

/* Removes the domain's rules of the interface, up to 16. Returns 0, or -1 with errno. */
int traffic_withdraw(int netlink, int interface, uint16_t domain);

/* Removes all rules of the interface. Returns 0, or -1 with errno. */
int traffic_close(int netlink, int interface);

#endif
