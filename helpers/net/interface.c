/* SPDX-License-Identifier: Apache-2.0 */
#include "interface.h"

#include "helpers/shared/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct context {
	int index;
	struct description *d;
};

void describe(struct description *d, const char *format, ...)
{
	size_t room = sizeof(d->text) - d->used;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(d->text + d->used, room, format, args);
	va_end(args);
	d->cut = d->cut || n < 0 || (size_t)n >= room;
	d->used += n >= 0 && (size_t)n < room ? (size_t)n : room - 1;
}

static void take_mtu(const struct nlmsghdr *answer, void *mtu)
{
	const struct rtattr *found[IFLA_MTU + 1];

	netlink_attributes(answer, sizeof(struct ifinfomsg), found, IFLA_MTU + 1);
	if (found[IFLA_MTU])
		memcpy(mtu, RTA_DATA(found[IFLA_MTU]), sizeof(int));
}

int interface_mtu(int netlink, int index)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct request r;
	int mtu = 0;

	request_begin(&r, RTM_GETLINK, 0, &link, sizeof(link));
	return netlink_get(netlink, &r, take_mtu, &mtu) < 0 ? -1 : mtu;
}

/* Writes the address to `text` (INET6_ADDRSTRLEN bytes). Returns `text`, or "-" for no address. */
static const char *address_text(int family, const struct rtattr *address, char *text)
{
	return address ? inet_ntop(family, RTA_DATA(address), text, INET6_ADDRSTRLEN) : "-";
}

/* Link-local addresses are left out. The guest makes them from its own MAC, which is the same. */
static void take_address(const struct nlmsghdr *answer, void *context)
{
	const struct ifaddrmsg *a = NLMSG_DATA(answer);
	const struct rtattr *found[IFA_LOCAL + 1];
	const struct context *c = context;
	char text[INET6_ADDRSTRLEN];

	if ((int)a->ifa_index != c->index || a->ifa_scope >= RT_SCOPE_LINK)
		return;
	netlink_attributes(answer, sizeof(*a), found, IFA_LOCAL + 1);
	const struct rtattr *own = found[IFA_LOCAL] ? found[IFA_LOCAL] : found[IFA_ADDRESS];
	describe(c->d, "address=%s/%u\n", address_text(a->ifa_family, own, text), a->ifa_prefixlen);
}

/*
 * Two kinds of routes are left out. The guest's kernel makes those of its subnets by itself, from
 * the addresses. Routers announce theirs again.
 */
static void take_route(const struct nlmsghdr *answer, void *context)
{
	const struct rtmsg *route = NLMSG_DATA(answer);
	const struct rtattr *found[RTA_PREFSRC + 1];
	const struct context *c = context;
	char to[INET6_ADDRSTRLEN], via[INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN];
	uint32_t index = 0, metric = 0;

	netlink_attributes(answer, sizeof(*route), found, RTA_PREFSRC + 1);
	if (found[RTA_OIF])
		memcpy(&index, RTA_DATA(found[RTA_OIF]), sizeof(index));
	if (found[RTA_PRIORITY])
		memcpy(&metric, RTA_DATA(found[RTA_PRIORITY]), sizeof(metric));
	if ((int)index != c->index || route->rtm_table != RT_TABLE_MAIN ||
	    route->rtm_type != RTN_UNICAST || route->rtm_protocol == RTPROT_KERNEL ||
	    route->rtm_protocol == RTPROT_RA)
		return;
	const char *any = route->rtm_family == AF_INET6 ? "::" : "0.0.0.0";
	describe(c->d, "route=%s/%u %s %s %u %u %u\n",
		 found[RTA_DST] ? address_text(route->rtm_family, found[RTA_DST], to) : any,
		 route->rtm_dst_len, address_text(route->rtm_family, found[RTA_GATEWAY], via),
		 address_text(route->rtm_family, found[RTA_PREFSRC], from), metric,
		 route->rtm_scope, route->rtm_flags & RTNH_F_ONLINK);
}

static void take_neighbour(const struct nlmsghdr *answer, void *context)
{
	const struct ndmsg *n = NLMSG_DATA(answer);
	const struct rtattr *found[NDA_LLADDR + 1];
	const struct context *c = context;
	char text[INET6_ADDRSTRLEN];

	netlink_attributes(answer, sizeof(*n), found, NDA_LLADDR + 1);
	if (n->ndm_ifindex != c->index || !(n->ndm_state & NUD_PERMANENT) || !found[NDA_DST] ||
	    !found[NDA_LLADDR] || RTA_PAYLOAD(found[NDA_LLADDR]) != 6)
		return;
	const unsigned char *mac = RTA_DATA(found[NDA_LLADDR]);
	describe(c->d, "neighbour=%s %02x:%02x:%02x:%02x:%02x:%02x\n",
		 address_text(n->ndm_family, found[NDA_DST], text), mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
}

/* What interface_describe() asks for, in the order of the description. */
static int describe_all(int netlink, const char *name, struct context *c)
{
	struct ifaddrmsg address = {.ifa_family = AF_UNSPEC};
	struct rtmsg route = {.rtm_family = AF_UNSPEC};
	struct ndmsg neighbour = {.ndm_family = AF_UNSPEC};
	struct request r;
	int mtu = interface_mtu(netlink, c->index);

	if (c->index == 0 || mtu < 0)
		return -1;
	describe(c->d, "name=%s\nmtu=%d\n", name, mtu);
	request_begin(&r, RTM_GETADDR, NLM_F_DUMP, &address, sizeof(address));
	if (netlink_get(netlink, &r, take_address, c) < 0)
		return -1;
	request_begin(&r, RTM_GETNEIGH, NLM_F_DUMP, &neighbour, sizeof(neighbour));
	if (netlink_get(netlink, &r, take_neighbour, c) < 0)
		return -1;
	request_begin(&r, RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	return netlink_get(netlink, &r, take_route, c);
}

int interface_describe(int netlink, const char *name, struct description *d)
{
	const struct description before = *d;
	struct context c = {.index = (int)if_nametoindex(name), .d = d};
	int rc;

	do {
		*d = before;
		rc = describe_all(netlink, name, &c);
	} while (rc < 0 && errno == EAGAIN);
	return rc;
}
