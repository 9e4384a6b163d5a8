/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest sends packets for 127.0.0.11 out of its interface, to GATEWAY, an address that nobody
 * has. Rules of traffic control give these packets to the namespace's own stack, with two changes.
 * The source becomes GUEST: the guest's address is also the namespace's, and the namespace would
 * answer itself. The port becomes the one where the resolver really listens. In a container,
 * Docker's iptables rules change the port, but they see only packets that begin in the namespace.
 * No process of runX is in the way.
 *
 * The resolver asks other name servers for what it does not know. It asks from the namespace and
 * through the engine's interface, and all traffic that comes in there goes to the VM. So the
 * namespace gets a copy of the answers of name servers. The namespace's sockets use ports that
 * Linux gives to no socket of the guest by itself. But a guest may have chosen such a port. So both
 * get the answers to these ports. Each side's TCP then refuses what belongs to the other by a
 * reset, and no reset for a name server's port leaves.
 */
#include "resolver.h"

#include "helpers/shared/netlink.h"
#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RESOLVER "127.0.0.11"
#define GATEWAY	 "169.254.1.1"
#define GUEST	 "169.254.1.2"
#define DNS	 53
/*
 * The ports of the namespace's sockets, which one rule's mask covers. Linux's own range is 32768 to
 * 60999.
 */
#define PORTS	    "61440 65535\n"
#define LINUX_PORTS "32768 60999\n"
#define PORTS_FIRST 61440
#define PORTS_MASK  0xf000

/* ---- finding it ---- */

/*
 * Returns the port at which somebody listens at RESOLVER, or 0. `table` prints an address as the
 * number that its bytes are in memory (proc(5)).
 */
static unsigned short listener(const char *table)
{
	unsigned int address, port;
	unsigned short found = 0;
	char line[256];
	FILE *f = fopen(table, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %8X:%4X", &address, &port) == 2 &&
		    address == inet_addr(RESOLVER))
			found = (unsigned short)port;
	if (f)
		fclose(f);
	return found;
}

struct resolver resolver_find(void)
{
	return (struct resolver){.udp = listener("/proc/self/net/udp"),
				 .tcp = listener("/proc/self/net/tcp")};
}

/* ---- the way to it ---- */

/*
 * Adds the rules for both directions of one protocol between the guest, which has `address`, and
 * the resolver's `port`.
 */
static int lead(int netlink, int vif, uint8_t protocol, uint16_t port, in_addr_t address)
{
	struct match asked = {0}, answered = {0};
	uint16_t priority = protocol == IPPROTO_UDP ? 1 : 2;
	struct rule to = {.interface = vif,
			  .priority = priority,
			  .protocol = ETH_P_IP,
			  .match = &asked,
			  .new_source = inet_addr(GUEST),
			  .new_destination_port = port};
	struct rule back = {.interface = vif,
			    .outgoing = true,
			    .priority = priority,
			    .protocol = ETH_P_IP,
			    .match = &answered,
			    .new_destination = address,
			    .new_source_port = DNS};

	match_ipv4(&asked, &(struct packet){.protocol = protocol,
					    .destination = inet_addr(RESOLVER),
					    .destination_port = DNS});
	match_ipv4(&answered, &(struct packet){.protocol = protocol,
					       .source = inet_addr(RESOLVER),
					       .source_port = port});
	if (port == 0)
		return 0;
	return traffic_add(netlink, &to) < 0 || traffic_add(netlink, &back) < 0 ? -1 : 0;
}

/*
 * Gives the namespace's stack a route and a neighbour, so that it finds the guest without asking.
 */
static int add_guest(int netlink, int vif, const char *mac)
{
	struct rtmsg route = {.rtm_family = AF_INET,
			      .rtm_dst_len = 32,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST};
	struct ndmsg neighbour = {
		.ndm_family = AF_INET, .ndm_ifindex = vif, .ndm_state = NUD_PERMANENT};
	unsigned char bytes[6];
	struct request r;

	request_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof(route));
	request_add32(&r, RTA_DST, inet_addr(GUEST));
	request_add32(&r, RTA_OIF, (uint32_t)vif);
	if (netlink_route_localnet(netlink, vif) < 0 || netlink_ask(netlink, &r) < 0 ||
	    !netlink_mac(mac, bytes))
		return -1;
	request_begin(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &neighbour,
		      sizeof(neighbour));
	request_add32(&r, NDA_DST, inet_addr(GUEST));
	request_add(&r, NDA_LLADDR, bytes, sizeof(bytes));
	return netlink_ask(netlink, &r);
}

/* Adds the guest's own side of this to its description. */
static int tell_guest(int netlink, int vif, const char *address, struct description *d)
{
	struct ifreq hardware = {0};

	if (!if_indextoname((unsigned int)vif, hardware.ifr_name) ||
	    ioctl(netlink, SIOCGIFHWADDR, &hardware) < 0)
		return -1;
	const unsigned char *mac = (const unsigned char *)hardware.ifr_hwaddr.sa_data;
	describe(d, "neighbour=" GATEWAY " %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	describe(d, "local=" RESOLVER "/32 " GATEWAY " %s 0 0 %d\n", address, RTNH_F_ONLINK);
	return 0;
}

/* ---- the way from it to others ---- */

#define PORT_RANGE "/proc/sys/net/ipv4/ip_local_port_range"

static int set_port_range(const char *range)
{
	int f = open(PORT_RANGE, O_WRONLY | O_CLOEXEC);
	ssize_t n = f < 0 ? -1 : write(f, range, strlen(range));

	if (f >= 0)
		close(f);
	return n < 0 ? -1 : 0;
}

int resolver_leave(void)
{
	unsigned int first = 0;
	FILE *f = fopen(PORT_RANGE, "re");

	if (f && fscanf(f, "%u", &first) != 1)
		first = 0;
	if (f)
		fclose(f);
	return first == PORTS_FIRST ? set_port_range(LINUX_PORTS) : 0;
}

int resolver_share_answers(int netlink, int interface, int vif)
{
	struct match udp = {0}, tcp = {0}, reset = {0};
	struct packet answer = {.source_port = DNS,
				.destination_port = PORTS_FIRST,
				.destination_mask = PORTS_MASK};
	struct rule rules[] = {
		{.protocol = ETH_P_ARP, .copy_to = vif},
		{.protocol = ETH_P_IP, .match = &udp, .copy_to = vif},
		{.protocol = ETH_P_IP, .match = &tcp, .copy_to = vif},
		{.protocol = ETH_P_IP, .match = &reset, .drop = true, .outgoing = true},
	};

	answer.protocol = IPPROTO_UDP;
	match_ipv4(&udp, &answer);
	answer.protocol = IPPROTO_TCP;
	match_ipv4(&tcp, &answer);
	match_ipv4(&reset, &(struct packet){.protocol = IPPROTO_TCP,
					    .source_port = PORTS_FIRST,
					    .source_mask = PORTS_MASK,
					    .destination_port = DNS,
					    .tcp_flags = TH_RST});
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		rules[i].interface = interface;
		rules[i].priority = (uint16_t)(i + 1);
		if (traffic_add(netlink, &rules[i]) < 0)
			return -1;
	}
	return 0;
}

/*
 * Writes the first IPv4 address of the description to `text` (INET_ADDRSTRLEN bytes). Returns false
 * if there is none.
 */
static bool own_address(const struct description *d, char *text)
{
	struct in_addr unused;

	for (const char *line = d->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "address=%15[0-9.]", text) == 1 &&
		    inet_pton(AF_INET, text, &unused) == 1)
			return true;
	}
	return false;
}

int resolver_join(int netlink, const struct resolver *resolver, int vif, int interface,
		  const char *mac, struct description *d)
{
	char address[INET_ADDRSTRLEN];

	if (!own_address(d, address))
		return 0;
	if (set_port_range(PORTS) < 0 || resolver_share_answers(netlink, interface, vif) < 0 ||
	    lead(netlink, vif, IPPROTO_UDP, resolver->udp, inet_addr(address)) < 0 ||
	    lead(netlink, vif, IPPROTO_TCP, resolver->tcp, inet_addr(address)) < 0 ||
	    add_guest(netlink, vif, mac) < 0)
		return -1;
	return tell_guest(netlink, vif, address, d);
}
