/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* ---- making a request ---- */

static struct nlmsghdr *header(struct request *r)
{
	return (struct nlmsghdr *)r->bytes;
}

static void *reserve(struct request *r, size_t size)
{
	size_t at = r->used, aligned = NLMSG_ALIGN(size);

	if (at + aligned > sizeof(r->bytes)) {
		r->used = sizeof(r->bytes) + 1;
		return NULL;
	}
	memset(r->bytes + at, 0, aligned);
	r->used = at + aligned;
	return r->bytes + at;
}

void request_begin(struct request *r, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	r->used = 0;
	struct nlmsghdr *h = reserve(r, sizeof(*h));
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(reserve(r, size), head, size);
}

void request_add(struct request *r, uint16_t type, const void *value, size_t size)
{
	struct rtattr *a = reserve(r, RTA_LENGTH(size));

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), value, size);
}

void request_add32(struct request *r, uint16_t type, uint32_t value)
{
	request_add(r, type, &value, sizeof(value));
}

void request_add_text(struct request *r, uint16_t type, const char *text)
{
	request_add(r, type, text, strlen(text) + 1);
}

size_t request_nest(struct request *r, uint16_t type)
{
	size_t at = r->used;

	request_add(r, type, NULL, 0);
	return at;
}

void request_end(struct request *r, size_t nest)
{
	if (r->used <= sizeof(r->bytes))
		((struct rtattr *)(r->bytes + nest))->rta_len = (unsigned short)(r->used - nest);
}

/* ---- asking ---- */

/* The kernel answers a request before the next is sent, so requests need no sequence numbers. */
static int send_request(int netlink, struct request *r)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (r->used > sizeof(r->bytes)) {
		errno = EMSGSIZE;
		return -1;
	}
	/* NLM_F_DUMP has two bits. One of them alone is NLM_F_REPLACE or NLM_F_EXCL. */
	if ((header(r)->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		header(r)->nlmsg_flags |= NLM_F_ACK; /* a dump ends with NLMSG_DONE */
	header(r)->nlmsg_len = (uint32_t)r->used;
	return sendto(netlink, r->bytes, r->used, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0
		       ? -1
		       : 0;
}

/*
 * Takes the error that ends the answers: NLMSG_ERROR begins with it, and so does NLMSG_DONE if a
 * dump failed on its way. 0 is none.
 */
static int take_end(const struct nlmsghdr *h)
{
	int error = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(h), sizeof(error));
	errno = -error;
	return error < 0 ? -1 : 0;
}

/* What netlink_get() does with answers. */
struct taker {
	void (*take)(const struct nlmsghdr *, void *);
	void *context;
	bool changed; /* the kernel says that the dump is not whole */
};

/* Returns 1 if more answers are to come, 0 after the last one, or -1 with errno. */
static int take_answers(const void *bytes, size_t size, struct taker *t)
{
	const struct nlmsghdr *h = bytes;

	for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
		t->changed = t->changed || h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return take_end(h);
		if (t->take)
			t->take(h, t->context);
	}
	return 1;
}

/* Returns what take_answers() does, for the next message. EMSGSIZE: the kernel has cut it. */
static int receive_answers(int netlink, struct taker *t)
{
	_Alignas(struct nlmsghdr) unsigned char bytes[32768]; /* a dump sends no more at once */
	ssize_t n;

	do
		n = recv(netlink, bytes, sizeof(bytes), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -1;
	errno = EMSGSIZE;
	return (size_t)n > sizeof(bytes) ? -1 : take_answers(bytes, (size_t)n, t);
}

int netlink_get(int netlink, struct request *r, void (*take)(const struct nlmsghdr *, void *),
		void *context)
{
	struct taker t = {.take = take, .context = context};
	int more = 1;

	if (send_request(netlink, r) < 0)
		return -1;
	while (more > 0)
		more = receive_answers(netlink, &t);
	if (more == 0 && t.changed)
		errno = EAGAIN;
	return t.changed ? -1 : more;
}

int netlink_ask(int netlink, struct request *r)
{
	return netlink_get(netlink, r, NULL, NULL);
}

static void find_attributes(const struct rtattr *a, size_t size, const struct rtattr **found,
			    size_t count)
{
	memset(found, 0, count * sizeof(*found));
	for (; RTA_OK(a, size); a = RTA_NEXT(a, size))
		if ((a->rta_type & NLA_TYPE_MASK) < count)
			found[a->rta_type & NLA_TYPE_MASK] = a;
}

void netlink_attributes(const struct nlmsghdr *answer, size_t head, const struct rtattr **found,
			size_t count)
{
	const char *attributes = (const char *)NLMSG_DATA(answer) + NLMSG_ALIGN(head);
	size_t before = NLMSG_LENGTH(0) + NLMSG_ALIGN(head);

	find_attributes((const struct rtattr *)attributes,
			answer->nlmsg_len > before ? answer->nlmsg_len - before : 0, found, count);
}

void netlink_nested(const struct rtattr *outer, const struct rtattr **found, size_t count)
{
	find_attributes(RTA_DATA(outer), RTA_PAYLOAD(outer), found, count);
}

int netlink_route_localnet(int netlink, int interface)
{
	struct ifinfomsg link = {.ifi_index = interface};
	struct request r;

	request_begin(&r, RTM_SETLINK, 0, &link, sizeof(link));
	size_t families = request_nest(&r, IFLA_AF_SPEC), inet = request_nest(&r, AF_INET);
	size_t settings = request_nest(&r, IFLA_INET_CONF);
	request_add32(&r, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
	request_end(&r, settings);
	request_end(&r, inet);
	request_end(&r, families);
	return netlink_ask(netlink, &r);
}

bool netlink_mac(const char *text, unsigned char mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		      mac + 4, mac + 5) == 6;
}
