/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hotplug script for a VM's network interfaces, called by libxl (`script=` of a vif) in place of
 * the generic one, which is bash, takes locks, and asks iptables.
 *
 * usage: vif online | offline
 * environment: XENBUS_PATH, vif (the name of the host's end), from libxl;
 *              RUNX_NETNS, RUNX_INTERFACE from runX: the interface there becomes the guest's;
 *              RUNX_NIC: else a bridge's, the backend's `bridge`, with this description for the
 * guest
 *
 * The guest learns what its interface is like from the node `runx` of its front end
 * (docs/guest-interface.md). What we do ends with the host's end, so that offline has nothing to
 * do; but for the engine's interface, which helpers/network.c gives back.
 */
#include "common.h"
#include "hotplug.h"
#include "interface.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

static int netlink;

static void open_netlink(void)
{
	netlink = netlink_open();
	if (netlink < 0)
		hotplug_refuse("cannot set up network interfaces (rtnetlink)");
}

static int index_of(const char *name)
{
	int index = (int)if_nametoindex(name);

	if (index == 0)
		hotplug_refuse("network interface %s", name);
	return index;
}

/* ---- links ---- */

/* The host has no address here, and is to ask for none. */
static void no_own_address(struct request *r)
{
	size_t families = request_nest(r, IFLA_AF_SPEC), inet6 = request_nest(r, AF_INET6);
	uint8_t none = 1; /* IN6_ADDR_GEN_MODE_NONE */

	request_add(r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	request_end(r, inet6);
	request_end(r, families);
}

static struct request link_request(int index, unsigned int flags)
{
	struct ifinfomsg link = {.ifi_index = index, .ifi_flags = flags, .ifi_change = flags};
	struct request r;

	request_begin(&r, RTM_NEWLINK, 0, &link, sizeof(link));
	return r;
}

/* A host without IPv6 knows no such setting. */
static void bring_up(int index, const char *name, int mtu, int bridge)
{
	struct request r = link_request(index, 0);

	no_own_address(&r);
	(void)netlink_ask(netlink, &r);
	r = link_request(index, IFF_UP);
	request_add32(&r, IFLA_MTU, (uint32_t)mtu);
	if (bridge)
		request_add32(&r, IFLA_MASTER, (uint32_t)bridge);
	if (netlink_ask(netlink, &r) < 0)
		hotplug_refuse("cannot bring up %s", name);
}

/* ---- with an engine's interface ---- */

static void move_to_namespace(const char *vif, const char *netns)
{
	int ns = open(netns, O_RDONLY | O_CLOEXEC);
	struct request r = link_request(index_of(vif), 0);

	request_add32(&r, IFLA_NET_NS_FD, (uint32_t)ns);
	if (ns < 0 || netlink_ask(netlink, &r) < 0 || setns(ns, CLONE_NEWNET) < 0)
		hotplug_refuse("cannot bring %s into the network namespace %s", vif, netns);
	close(ns);
	close(netlink);
	open_netlink();
}

static void add_redirection(struct request *r, int to)
{
	struct tc_mirred redirect = {
		.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to};
	size_t options = request_nest(r, TCA_OPTIONS), list = request_nest(r, TCA_MATCHALL_ACT);
	size_t first = request_nest(r, 1);

	request_add_text(r, TCA_ACT_KIND, "mirred");
	size_t action = request_nest(r, TCA_ACT_OPTIONS);
	request_add(r, TCA_MIRRED_PARMS, &redirect, sizeof(redirect));
	request_end(r, action);
	request_end(r, first);
	request_end(r, list);
	request_end(r, options);
}

/* All that comes in at `from` goes out at `to`, before the host's own stack sees it: the address
 * that the engine's interface keeps is the guest's. */
static int redirect(int from, int to)
{
	struct tcmsg t = {.tcm_ifindex = from,
			  .tcm_parent = TC_H_INGRESS,
			  .tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0)};
	struct request r;

	request_begin(&r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, "ingress");
	if (netlink_ask(netlink, &r) < 0)
		return -1;
	t.tcm_parent = TC_H_MAKE(TC_H_INGRESS, 0);
	t.tcm_handle = 0;
	t.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL));
	request_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, "matchall");
	add_redirection(&r, to);
	return netlink_ask(netlink, &r);
}

/* Ours is new, so what exists already is the engine's. */
__attribute__((noreturn)) static void refuse_redirection(const char *name)
{
	if (errno != EEXIST)
		hotplug_refuse("cannot redirect %s (modules sch_ingress, cls_matchall, act_mirred)",
			       name);
	errno = 0;
	hotplug_refuse("network interface %s is another VM's already", name);
}

static void join_interface(const char *vif, const char *netns, const char *name,
			   struct description *d)
{
	move_to_namespace(vif, netns);
	int ours = index_of(vif), engine = index_of(name), mtu = interface_mtu(netlink, engine);

	bring_up(ours, vif, mtu, 0);
	if (redirect(engine, ours) < 0 || redirect(ours, engine) < 0)
		refuse_redirection(name);
	if (interface_describe(netlink, name, d) < 0)
		hotplug_refuse("cannot read addresses and routes of %s", name);
}

/* ---- with a bridge ---- */

static void join_bridge(const char *vif, struct description *d)
{
	char bridge[XENSTORE_VALUE + 1];
	const char *nic = getenv("RUNX_NIC");

	if (hotplug_read("bridge", bridge) <= 0)
		hotplug_refuse("no bridge for %s", vif);
	int master = index_of(bridge), mtu = interface_mtu(netlink, master);
	bring_up(index_of(vif), vif, mtu, master);
	describe(d, "mtu=%d\n%s", mtu, nic ? nic : "");
}

static void tell_guest(const struct description *d)
{
	char frontend[XENSTORE_VALUE + 1], path[XENSTORE_PATH];

	if (hotplug_read("frontend", frontend) <= 0 ||
	    snprintf(path, sizeof(path), "%s/runx", frontend) >= (int)sizeof(path) ||
	    xenstore_write(hotplug_xenstore(), path, d->text) < 0)
		hotplug_refuse("cannot describe the network interface to the guest");
}

int main(int argc, char **argv)
{
	const char *vif = getenv("vif"), *netns = getenv("RUNX_NETNS"),
		   *name = getenv("RUNX_INTERFACE");
	struct description d = {0};

	if (argc < 2 || !vif)
		failx("usage: XENBUS_PATH=… vif=… vif online|offline");
	if (strcmp(argv[1], "online") != 0)
		return 0;
	hotplug_open();
	open_netlink();
	if (netns && name)
		join_interface(vif, netns, name, &d);
	else
		join_bridge(vif, &d);
	tell_guest(&d);
	hotplug_done();
	return 0;
}
