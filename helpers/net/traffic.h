/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of traffic control for an interface of this thread's network namespace: tc(8). */
#ifndef RUNX_TRAFFIC_H
#define RUNX_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One rule. Numbers are the host's but for addresses, which are the network's; 0 is any, but in
 * `protocol`, which is an ETH_P_*. Ports are those of `ip_protocol`.
 */
struct rule {
	int interface;
	bool outgoing;		     /* what goes out of the interface, not what comes in */
	uint16_t priority, protocol; /* of one priority are those of one protocol */
	uint8_t ip_protocol;
	in_addr_t source, destination;
	uint16_t source_port, destination_port, destination_mask;
	/* What is to be done: the last of these that is set, and none is left to the kernel. */
	int copy_to, move_to; /* interfaces: out of it goes a copy, or the packet itself */
	/* … or these are set anew, and it goes on (an IPv4 header without options is taken for
	   granted). */
	in_addr_t new_source, new_destination;
	uint16_t new_source_port, new_destination_port;
};

/* Makes an interface one for rules: 0, or -1 with errno, EEXIST where another has done so. */
int traffic_open(int netlink, int interface);

/* Adds a rule: 0, or -1 with errno, ENOENT where the kernel lacks a module. */
int traffic_add(int netlink, const struct rule *rule);

#endif
