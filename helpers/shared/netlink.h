/* SPDX-License-Identifier: Apache-2.0 */
/* The few requests of rtnetlink(7) that host and guest need, without a library. */
#ifndef RUNX_NETLINK_H
#define RUNX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most network interfaces of a VM. PID 1 looks at no more than these, so the host gives no more. */
#define NICS_MAX 16

/*
 * A request while it is built. If it does not fit, netlink_ask() and netlink_get() fail with
 * EMSGSIZE.
 */
struct request {
	size_t used;
	_Alignas(struct nlmsghdr) unsigned char bytes[1024];
};

/* Opens a socket in this thread's network namespace. Returns it, or -1 with errno. */
int netlink_open(void);

/*
 * Begins the request `r` of `type` (RTM_…). `flags` are added to NLM_F_REQUEST, and NLM_F_DUMP asks
 * for all objects. `head` is the request's fixed part, of `size` bytes.
 */
void request_begin(struct request *r, uint16_t type, uint16_t flags, const void *head, size_t size);

/*
 * Add an attribute of `type`: `size` bytes, or 32 bits as they are in memory, or a text with its
 * NUL.
 */
void request_add(struct request *r, uint16_t type, const void *value, size_t size);
void request_add32(struct request *r, uint16_t type, uint32_t value);
void request_add_text(struct request *r, uint16_t type, const char *text);

/*
 * request_nest() begins an attribute of `type` that holds the attributes added after it. Its result
 * goes to request_end(), which ends that attribute.
 */
size_t request_nest(struct request *r, uint16_t type);
void request_end(struct request *r, size_t nest);

/* Sends `r` and waits for the kernel's answer. Returns 0, or -1 with the kernel's errno. */
int netlink_ask(int netlink, struct request *r);

/*
 * Sends `r` and calls `take` with each answer and `context`. `take` must not use the socket.
 * Returns 0 after the last answer, or -1 with errno (EAGAIN: what a dump lists has changed
 * meanwhile, so an answer may be missing; ask again).
 */
int netlink_get(int netlink, struct request *r,
		void (*take)(const struct nlmsghdr *answer, void *context), void *context);

/*
 * Finds the attributes of `answer`, behind its fixed part of `head` bytes. On return, found[TYPE]
 * is the attribute of that type or NULL, for all types below `count`.
 */
void netlink_attributes(const struct nlmsghdr *answer, size_t head, const struct rtattr **found,
			size_t count);

/* The same for the attributes that are nested in the attribute `outer`. */
void netlink_nested(const struct rtattr *outer, const struct rtattr **found, size_t count);

/*
 * Lets the interface with this index carry packets of 127.0.0.0/8 (its setting route_localnet).
 * Returns 0, or -1 with errno.
 */
int netlink_route_localnet(int netlink, int interface);

/* Parses a MAC address such as "00:16:3e:00:00:01". Returns false if `text` is none. */
bool netlink_mac(const char *text, unsigned char mac[6]);

#endif
