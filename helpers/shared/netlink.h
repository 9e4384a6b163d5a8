/* SPDX-License-Identifier: Apache-2.0 */
/* The few rtnetlink requests that host and guest need, without a library: rtnetlink(7). */
#ifndef RUNX_NETLINK_H
#define RUNX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Interfaces of a VM: PID 1 looks at no more, so the host gives no more. */
#define NICS_MAX 16

/* A request in the making. What does not fit is noticed by netlink_ask(), as EMSGSIZE. */
struct request {
	size_t used;
	_Alignas(struct nlmsghdr) unsigned char bytes[1024];
};

/* A socket in this thread's network namespace, or -1 with errno. */
int netlink_open(void);

/*
 * Begins a request of `type`, with `flags` beside NLM_F_REQUEST, and its fixed part. NLM_F_DUMP
 * asks for all that there are.
 */
void request_begin(struct request *r, uint16_t type, uint16_t flags, const void *head, size_t size);

/* Adds an attribute. Those between request_nest() and request_end() of its result lie in another.
 */
void request_add(struct request *r, uint16_t type, const void *value, size_t size);
void request_add32(struct request *r, uint16_t type, uint32_t value);
void request_add_text(struct request *r, uint16_t type, const char *text);
size_t request_nest(struct request *r, uint16_t type);
void request_end(struct request *r, size_t nest);

/* Sends it, and waits for the kernel's word: 0, or -1 with its errno. */
int netlink_ask(int netlink, struct request *r);

/* The same, for a question: `take` gets each answer, and may not use the socket meanwhile. */
int netlink_get(int netlink, struct request *r,
		void (*take)(const struct nlmsghdr *answer, void *context), void *context);

/* The attributes of `answer` behind a fixed part of `head` bytes, by type, below `count`; NULL
 * where absent. */
void netlink_attributes(const struct nlmsghdr *answer, size_t head, const struct rtattr **found,
			size_t count);

/* Lets addresses of the loopback, 127.0.0.0/8, be used over an interface: 0, or -1 with errno. */
int netlink_route_localnet(int netlink, int interface);

/* Parses a MAC address, "00:16:3e:00:00:01". */
bool netlink_mac(const char *text, unsigned char mac[6]);

#endif
