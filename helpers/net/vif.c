/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hotplug script for a VM's network interfaces. libxl calls it (`script=` of a vif) in place of the
 * generic one, which is bash, takes locks, and calls iptables.
 *
 * usage: vif online | offline
 * environment: XENBUS_PATH, vif (the name of the host's end), from libxl;
 *              RUNX_NETNS, RUNX_INTERFACE, from runX: this interface in this network namespace
 *              becomes the guest's;
 *              RUNX_NIC, from runX: without the other two, the host's end joins the bridge in the
 *              backend's node `bridge`, and this is the description for the guest;
 *              RUNX_SPOOFING, from runX: `allow` lets the VM on a bridge use all addresses
 *
 * The guest learns about its interface from the node `runx` of its front end
 * (docs/guest-interface.md). What this program does ends with the host's end, so offline has
 * nothing to do. The exception is the engine's interface, which helpers/net/network.c gives back.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/hotplug.h"
#include "helpers/shared/netlink.h"
#include "interface.h"
#include "namespace.h"
#include "resolver.h"
#include "spoofing.h"
#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

static int netlink;

static void open_netlink(void)
{
	netlink = netlink_open();
	if (netlink < 0)
		hotplug_refuse("cannot open an rtnetlink socket");
}

static int index_of(const char *name)
{
	int index = (int)if_nametoindex(name);

	if (index == 0)
		hotplug_refuse("cannot find the network interface %s", name);
	return index;
}

/* ---- links ---- */

/* The host has no IPv6 address here and must not ask for one. */
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

/* A host without IPv6 does not know the first setting, so its failure does not matter. */
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
		hotplug_refuse("cannot bring up the network interface %s", name);
}

/* ---- an engine's interface ---- */

static void move_to_namespace(const char *vif, const char *netns)
{
	int ns = namespace_open(netns);
	struct request r = link_request(index_of(vif), 0);

	if (ns < 0 && errno == EPERM) {
		errno = 0;
		hotplug_refuse("%s is the host's own network namespace, which a VM cannot have",
			       netns);
	}
	request_add32(&r, IFLA_NET_NS_FD, (uint32_t)ns);
	if (ns < 0 || netlink_ask(netlink, &r) < 0 || setns(ns, CLONE_NEWNET) < 0)
		hotplug_refuse("cannot move %s to the network namespace %s", vif, netns);
	close(ns);
	close(netlink);
	open_netlink();
}

/*
 * Everything that comes in at `from` goes out at `to`, before the host's own stack sees it.
 * Otherwise that stack would answer, because the engine's interface keeps the address that the
 * guest has too.
 */
static int redirect(int from, int to, uint16_t domain)
{
	struct rule all = {.interface = from,
			   .priority = PRIORITY_LAST,
			   .protocol = ETH_P_ALL,
			   .move_to = to,
			   .domain = domain};

	return traffic_add(netlink, &all);
}

/*
 * Whoever adds the redirection has the interface, also if two do it at once. So rules may have been
 * prepared already, by a vif that was killed before it added any.
 */
static int take_interface(int engine, int ours, uint16_t domain)
{
	if (traffic_open(netlink, engine) < 0 && errno != EEXIST)
		return -1;
	int owner = traffic_owner(netlink, engine);
	errno = owner > 0 ? EEXIST : errno;
	return owner != 0 ? -1 : redirect(engine, ours, domain);
}

__attribute__((noreturn)) static void refuse_redirection(const char *name)
{
	int error = errno;

	errno = 0;
	if (error == EEXIST)
		hotplug_refuse("network interface %s belongs to another VM already", name);
	if (error == EBUSY)
		hotplug_refuse("network interface %s has rules of traffic control already, and a "
			       "VM needs an interface without any (tc filter show dev %s ingress, "
			       "and egress)",
			       name, name);
	errno = error;
	hotplug_refuse("cannot redirect %s (kernel modules sch_ingress, cls_bpf, act_mirred)",
		       name);
}

static uint16_t own_domain(void)
{
	char domain[XENSTORE_VALUE + 1];

	if (hotplug_read("frontend-id", domain) <= 0)
		hotplug_refuse("xenstore does not say which domain has this interface");
	return (uint16_t)strtoul(domain, NULL, 10);
}

static void lend_resolver(int ours, int engine, struct description *d)
{
	struct resolver resolver = resolver_find();
	char mac[XENSTORE_VALUE + 1];

	if (!resolver.udp)
		return;
	if (hotplug_read("mac", mac) <= 0 ||
	    resolver_join(netlink, &resolver, ours, engine, mac, d) < 0)
		hotplug_refuse("cannot connect the VM to Docker's resolver at 127.0.0.11 "
			       "(kernel modules cls_bpf, act_pedit, act_csum)");
}

static void join_interface(const char *vif, const char *netns, const char *name,
			   struct description *d)
{
	uint16_t domain = own_domain();

	move_to_namespace(vif, netns);
	int ours = index_of(vif), engine = index_of(name), mtu = interface_mtu(netlink, engine);

	bring_up(ours, vif, mtu, 0);
	if (take_interface(engine, ours, domain) < 0 || traffic_open(netlink, ours) < 0 ||
	    redirect(ours, engine, domain) < 0)
		refuse_redirection(name);
	if (interface_describe(netlink, name, d) < 0)
		hotplug_refuse("cannot read addresses and routes of %s", name);
	lend_resolver(ours, engine, d);
}

/* ---- a bridge ---- */

static void refuse_spoofing(int vif, const char *nic)
{
	const char *setting = getenv("RUNX_SPOOFING");
	char text[XENSTORE_VALUE + 1];
	unsigned char mac[6];

	if (setting && !strcmp(setting, "allow"))
		return;
	if (hotplug_read("mac", text) <= 0 || !netlink_mac(text, mac))
		hotplug_refuse("xenstore has no MAC address for this interface");
	if (spoofing_refuse(netlink, vif, mac, nic) < 0)
		hotplug_refuse("cannot keep the VM from using addresses of others: load the kernel "
			       "modules sch_ingress and cls_bpf, or set spoofing = allow in "
			       "runX.conf");
}

static void join_bridge(const char *vif, struct description *d)
{
	char bridge[XENSTORE_VALUE + 1];
	const char *nic = getenv("RUNX_NIC");

	if (hotplug_read("bridge", bridge) <= 0)
		hotplug_refuse("xenstore names no bridge for %s", vif);
	int master = index_of(bridge), ours = index_of(vif), mtu = interface_mtu(netlink, master);
	nic = nic ? nic : "";
	refuse_spoofing(ours, nic);
	bring_up(ours, vif, mtu, master);
	describe(d, "mtu=%d\n%s", mtu, nic);
}

static void tell_guest(const struct description *d)
{
	char frontend[XENSTORE_VALUE + 1], path[XENSTORE_PATH];

	errno = 0;
	if (d->cut)
		hotplug_refuse("the network interface has more addresses, routes and names than "
			       "fit into the %zu bytes of a xenstore node: use fewer",
			       sizeof(d->text) - 1);
	if (hotplug_read("frontend", frontend) <= 0 ||
	    snprintf(path, sizeof(path), "%s/runx", frontend) >= (int)sizeof(path) ||
	    xenstore_write(hotplug_xenstore(), path, d->text) < 0)
		hotplug_refuse("cannot write the guest's network description to xenstore");
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
	(void)hotplug_done();
	return 0;
}
