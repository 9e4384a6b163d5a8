/* SPDX-License-Identifier: Apache-2.0 */
/* Sets rules of traffic control, tc(8), for an interface of this thread's network namespace. */
#ifndef RUNX_TRAFFIC_H
#define RUNX_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One rule: which packets it takes, and what is done with them. Numbers are in the host's byte
 * order, addresses in the network's. A field that is 0 takes any packet, but `protocol` must be an
 * ETH_P_* number. Ports are those of `ip_protocol`.
 */
struct rule {
	int interface;
	bool outgoing;		     /* takes what goes out of the interface, not what comes in */
	uint16_t priority, protocol; /* rules of one priority have the same protocol */
	uint8_t ip_protocol;
	in_addr_t source, destination;
	uint16_t source_port, destination_port, destination_mask;
	/*
	 * What is done with a packet. If several of these are set, the last kind counts. If none is
	 * set, the packet is left to the kernel.
	 */
	int copy_to, move_to; /* interfaces: the one that sends a copy, or the packet itself */
	/* The packet goes on with these values. It must have an IPv4 header without options. */
	in_addr_t new_source, new_destination;
	uint16_t new_source_port, new_destination_port;
};

/*
 * Prepares the interface with this index for rules. Returns 0, or -1 with errno (EEXIST: somebody
 * has done so already).
 */
int traffic_open(int netlink, int interface);

/*
 * Adds a rule to its interface, which traffic_open() has prepared. Returns 0, or -1 with errno
 * (ENOENT: the kernel lacks a module).
 */
int traffic_add(int netlink, const struct rule *rule);

#endif
