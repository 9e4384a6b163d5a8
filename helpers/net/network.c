/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the interfaces of a network namespace that an engine has set up for a container, or gives
 * them back.
 *
 * usage: network list NETNS                  prints "MAC NAME" for each interface that the VM gets
 *        network restore NETNS DOMID NAME…   takes away what helpers/net/vif.c did to these
 *                                            interfaces for the domain DOMID
 *
 * The VM gets all interfaces that are up, except the loopback.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/netlink.h"
#include "namespace.h"
#include "resolver.h"
#include "traffic.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <unistd.h>

/* Returns false if there is no such namespace any more. */
static bool enter(const char *path)
{
	int ns = namespace_open(path);

	if (ns < 0 && errno == ENOENT)
		return false;
	if (ns < 0 && errno == EPERM)
		failx("%s is the host's own network namespace, which a VM cannot have", path);
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

/* What list() has found so far. */
struct found {
	int count;
	char lines[NICS_MAX][64];
};

/* The kernel allows all bytes in a name but blanks, slashes and colons. */
static void check_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (iscntrl((unsigned char)*c))
			failx("a network interface of the container's namespace has a control "
			      "character in its name: rename it");
}

static void take_link(const struct nlmsghdr *answer, void *context)
{
	const struct ifinfomsg *link = NLMSG_DATA(answer);
	const struct rtattr *found[IFLA_IFNAME + 1];
	struct found *f = context;

	netlink_attributes(answer, sizeof(*link), found, IFLA_IFNAME + 1);
	if (!(link->ifi_flags & IFF_UP) || link->ifi_flags & IFF_LOOPBACK || !found[IFLA_IFNAME])
		return;
	const char *name = RTA_DATA(found[IFLA_IFNAME]);
	check_name(name);
	if (f->count == NICS_MAX)
		failx("network interface %s: a VM can have only %d network interfaces", name,
		      NICS_MAX);
	if (link->ifi_type != ARPHRD_ETHER || !found[IFLA_ADDRESS])
		failx("network interface %s: is not Ethernet, and a VM can have only Ethernet",
		      name);
	const unsigned char *mac = RTA_DATA(found[IFLA_ADDRESS]);
	snprintf(f->lines[f->count++], sizeof(f->lines[0]), "%02x:%02x:%02x:%02x:%02x:%02x %s",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], name);
}

static void list(const char *netns)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct found f = {0};
	struct request r;

	if (!enter(netns))
		failx("%s: no such network namespace", netns);
	int netlink = open_netlink();
	request_begin(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	while (netlink_get(netlink, &r, take_link, &f) < 0) {
		if (errno != EAGAIN)
			fail("cannot list network interfaces");
		f.count = 0;
	}
	for (int i = 0; i < f.count; i++)
		puts(f.lines[i]);
	if (fflush(stdout) != 0)
		fail("cannot write the list of network interfaces");
}

/*
 * The VM's own end is gone with its domain, and with it the rules there. Those at the engine's
 * interface are left. Only this domain's are taken away: another VM may have the interface, others
 * may have rules of their own there, or the path may name another namespace by now. Interfaces that
 * are gone need nothing.
 *
 * A vif that failed or was killed may have prepared the interface, and added no rule. If there are
 * none at all, nobody needs what it prepared.
 */
static int restore_interface(int netlink, int interface, int domid)
{
	int owner = interface ? traffic_owner(netlink, interface) : 0;

	if (owner < 0 && errno == EBUSY)
		return traffic_withdraw(netlink, interface, (uint16_t)domid);
	if (interface && owner == 0 && traffic_unused(netlink, interface))
		(void)traffic_close(netlink, interface);
	if (owner != domid)
		return owner < 0 ? -1 : 0;
	return traffic_close(netlink, interface) < 0 || resolver_leave() < 0 ? -1 : 0;
}

static void restore(const char *netns, int domid, char **names)
{
	int error = 0;
	const char *failed = NULL;

	if (!enter(netns))
		return;
	int netlink = open_netlink();
	for (; *names; names++) {
		const int interface = (int)if_nametoindex(*names);
		/* What cannot be looked up, for want of a descriptor, is not gone. */
		if ((interface == 0 && errno != ENODEV) ||
		    restore_interface(netlink, interface, domid) < 0) {
			failed = *names;
			error = errno;
		}
	}
	errno = error;
	if (failed)
		fail("network interface %s: cannot remove its rules of traffic control", failed);
}

int main(int argc, char **argv)
{
	int domid = argc >= 4 ? atoi(argv[3]) : 0;

	if (argc == 3 && !strcmp(argv[1], "list"))
		list(argv[2]);
	else if (domid > 0 && !strcmp(argv[1], "restore"))
		restore(argv[2], domid, argv + 4);
	else
		failx("usage: network list NETNS | restore NETNS DOMID NAME…");
	return 0;
}
