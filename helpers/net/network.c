/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the interfaces of a network namespace that an engine has set up for a container, or gives
 * them back.
 *
 * usage: network list NETNS            prints "MAC NAME" for each interface that the VM gets
 *        network restore NETNS NAME…   takes away what helpers/net/vif.c did to these interfaces
 *
 * The VM gets all interfaces that are up, except the loopback.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <unistd.h>

/* Returns false if there is no such namespace any more. */
static bool enter(const char *path)
{
	int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0 && errno == ENOENT)
		return false;
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail("cannot enter the network namespace %s", path);
	close(ns);
	return true;
}

static int open_netlink(void)
{
	int netlink = netlink_open();

	if (netlink < 0)
		fail("cannot open an rtnetlink socket");
	return netlink;
}

static void take_link(const struct nlmsghdr *answer, void *context)
{
	const struct ifinfomsg *link = NLMSG_DATA(answer);
	const struct rtattr *found[IFLA_IFNAME + 1];

	if (!(link->ifi_flags & IFF_UP) || link->ifi_flags & IFF_LOOPBACK)
		return;
	netlink_attributes(answer, sizeof(*link), found, IFLA_IFNAME + 1);
	const char *name = RTA_DATA(found[IFLA_IFNAME]);
	if (++*(int *)context > NICS_MAX)
		failx("network interface %s: a VM can have only %d network interfaces", name,
		      NICS_MAX);
	if (link->ifi_type != ARPHRD_ETHER || !found[IFLA_ADDRESS])
		failx("network interface %s: is not Ethernet, and a VM can have only Ethernet",
		      name);
	const unsigned char *mac = RTA_DATA(found[IFLA_ADDRESS]);
	printf("%02x:%02x:%02x:%02x:%02x:%02x %s\n", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	       name);
}

static void list(const char *netns)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct request r;
	int count = 0;

	if (!enter(netns))
		failx("%s: no such network namespace", netns);
	request_begin(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	if (netlink_get(open_netlink(), &r, take_link, &count) < 0)
		fail("cannot list network interfaces");
}

/* The VM's own end is gone with its domain. The rules at the engine's interfaces are left. */
static void restore(const char *netns, char **names)
{
	struct request r;

	if (!enter(netns))
		return;
	int netlink = open_netlink();
	for (; *names; names++) {
		struct tcmsg qdisc = {.tcm_ifindex = (int)if_nametoindex(*names),
				      .tcm_parent = TC_H_INGRESS,
				      .tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0)};
		request_begin(&r, RTM_DELQDISC, 0, &qdisc, sizeof(qdisc));
		if (qdisc.tcm_ifindex && netlink_ask(netlink, &r) < 0 && errno != EINVAL &&
		    errno != ENOENT)
			fail("network interface %s: cannot remove its rules of traffic control",
			     *names);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "list"))
		list(argv[2]);
	else if (argc >= 3 && !strcmp(argv[1], "restore"))
		restore(argv[2], argv + 3);
	else
		failx("usage: network list NETNS | restore NETNS NAME…");
	return 0;
}
