/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests the rules of traffic control with real frames, in network namespaces of its own. Skips what
 * this kernel has no modules for, and everything if the caller is not root.
 *
 * A frame that is dropped is not waited for: another one follows it that always arrives.
 */
#include "helpers/net/resolver.h"
#include "helpers/net/spoofing.h"
#include "helpers/net/traffic.h"
#include "helpers/shared/common.h"
#include "helpers/shared/netlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT 10000 /* ms; nothing takes as long */

static const unsigned char guest_mac[6] = {0x00, 0x16, 0x3e, 1, 2, 3};
static int netlink;

/* ---- interfaces ---- */

static void write_file(const char *path, const char *text)
{
	int f = open(path, O_WRONLY);

	if (f < 0)
		return; /* a kernel without IPv6 */
	assert_int_equal(write(f, text, strlen(text)), strlen(text));
	close(f);
}

/* Each test gets a new namespace, so it finds no interfaces and leaves none. */
static int new_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"); /* the kernel is silent */
	netlink = netlink_open();
	return netlink < 0 ? -1 : 0;
}

static int close_netlink(void **state)
{
	(void)state;
	return close(netlink);
}

/* A test skips itself if something that it needs fails in this way. */
static bool missing(int rc)
{
	if (rc < 0 && errno != ENOENT && errno != EOPNOTSUPP)
		fail_msg("%s", strerror(errno));
	return rc < 0;
}

static int make_link(const char *kind, const char *name, const char *peer)
{
	struct ifinfomsg link = {0};
	struct request r;

	request_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	request_add_text(&r, IFLA_IFNAME, name);
	size_t info = request_nest(&r, IFLA_LINKINFO);
	request_add_text(&r, IFLA_INFO_KIND, kind);
	size_t data = request_nest(&r, IFLA_INFO_DATA);
	if (peer) {
		size_t other = request_nest(&r, VETH_INFO_PEER);
		memcpy(r.bytes + r.used, &link, sizeof(link));
		r.used += sizeof(link);
		request_add_text(&r, IFLA_IFNAME, peer);
		request_end(&r, other);
	}
	request_end(&r, data);
	request_end(&r, info);
	return netlink_ask(netlink, &r);
}

static int index_of(const char *name)
{
	return (int)if_nametoindex(name);
}

static void bring_up(const char *name, const char *bridge)
{
	struct ifinfomsg link = {
		.ifi_index = index_of(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request r;

	request_begin(&r, RTM_NEWLINK, 0, &link, sizeof(link));
	if (bridge)
		request_add32(&r, IFLA_MASTER, (uint32_t)index_of(bridge));
	assert_return_code(netlink_ask(netlink, &r), errno);
}

/* Makes two interfaces that are connected to each other, and brings both up. */
static bool pair(const char *one, const char *other, const char *bridge)
{
	if (missing(make_link("veth", one, other)))
		return false;
	bring_up(one, NULL);
	bring_up(other, bridge);
	return true;
}

/* ---- frames ---- */

struct frame {
	size_t size;
	unsigned char bytes[256];
};

static int tap(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = index_of(name)};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_return_code(s, errno);
	assert_return_code(bind(s, (struct sockaddr *)&at, sizeof(at)), errno);
	return s;
}

static void add(struct frame *f, const void *bytes, size_t size)
{
	memcpy(f->bytes + f->size, bytes, size);
	f->size += size;
}

static void add16(struct frame *f, uint16_t value)
{
	value = htons(value);
	add(f, &value, 2);
}

/* The text is an address, or hexadecimal digits with blanks as they stand in a dump. */
static void add_text(struct frame *f, const char *text)
{
	unsigned char address[16];
	unsigned int byte;
	int n;

	if (inet_pton(AF_INET, text, address) == 1)
		add(f, address, 4);
	else if (inet_pton(AF_INET6, text, address) == 1)
		add(f, address, 16);
	else
		for (; sscanf(text, " %2x%n", &byte, &n) == 1; text += n)
			f->bytes[f->size++] = (unsigned char)byte;
}

static struct frame ethernet(const unsigned char *mac, uint16_t protocol)
{
	struct frame f = {0};

	add_text(&f, "ffffffffffff");
	add(&f, mac, 6);
	add16(&f, protocol);
	return f;
}

static struct frame arp(const unsigned char *mac, const unsigned char *sender, const char *address)
{
	struct frame f = ethernet(mac, ETH_P_ARP);

	add_text(&f, "0001 0800 0604 0002");
	add(&f, sender, 6);
	add_text(&f, address);
	add_text(&f, "ffffffffffff");
	add_text(&f, "10.9.0.1");
	return f;
}

/* `payload` is what follows the header's first 20 bytes. */
static struct frame ipv4(const unsigned char *mac, const char *source, uint8_t protocol,
			 const char *payload)
{
	struct frame f = ethernet(mac, ETH_P_IP), rest = {0};

	add_text(&rest, payload);
	add_text(&f, "4500");
	add16(&f, (uint16_t)(20 + rest.size));
	add_text(&f, "0001 0000 40");
	add(&f, &protocol, 1);
	add_text(&f, "0000");
	add_text(&f, source);
	add_text(&f, "10.9.0.1");
	uint32_t sum = 0;
	for (size_t i = ETH_HLEN; i < ETH_HLEN + 20; i += 2)
		sum += (uint32_t)(f.bytes[i] << 8 | f.bytes[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	f.bytes[ETH_HLEN + 10] = (unsigned char)(sum >> 8);
	f.bytes[ETH_HLEN + 11] = (unsigned char)sum;
	add(&f, rest.bytes, rest.size);
	return f;
}

static struct frame ipv6(const unsigned char *mac, const char *source, uint8_t next,
			 const char *payload, const char *target)
{
	struct frame f = ethernet(mac, ETH_P_IPV6), rest = {0};

	add_text(&rest, payload);
	add_text(&rest, target);
	add_text(&f, "60000000");
	add16(&f, (uint16_t)rest.size);
	add(&f, &next, 1);
	add_text(&f, "ff");
	add_text(&f, source);
	add_text(&f, "ff02::1");
	add(&f, rest.bytes, rest.size);
	return f;
}

/* Returns whether a frame like `f` arrives at the socket before one like `last`. */
static bool arrives(int at, const struct frame *f, const struct frame *last)
{
	struct pollfd p = {.fd = at, .events = POLLIN};
	unsigned char bytes[2048];
	bool seen = false;

	for (;;) {
		assert_int_equal(poll(&p, 1, TIMEOUT), 1);
		ssize_t n = recv(at, bytes, sizeof(bytes), 0);
		assert_true(n > 0);
		if ((size_t)n == last->size && !memcmp(bytes, last->bytes, last->size))
			return seen;
		seen = seen || ((size_t)n == f->size && !memcmp(bytes, f->bytes, f->size));
	}
}

static void put(int s, const struct frame *f)
{
	assert_int_equal(send(s, f->bytes, f->size, 0), f->size);
}

/* ---- a VM on a bridge ---- */

static int guest, neighbour;

/* `eth0` is the VM's, `vif` the host's end of it, and `other` another VM on the bridge. */
static bool lan(const char *description)
{
	if (missing(make_link("bridge", "br0", NULL)) || missing(make_link("veth", "eth0", "vif")))
		return false;
	if (missing(spoofing_refuse(netlink, index_of("vif"), guest_mac, description)) ||
	    !pair("other", "port", "br0"))
		return false;
	bring_up("br0", NULL);
	bring_up("eth0", NULL);
	bring_up("vif", "br0");
	guest = tap("eth0");
	neighbour = tap("other");
	return true;
}

static bool passes(struct frame f, const char *own)
{
	struct frame last = arp(guest_mac, guest_mac, own);

	last.bytes[last.size - 1] = 99; /* it asks for somebody else */
	put(guest, &f);
	put(guest, &last);
	return arrives(neighbour, &f, &last);
}

#define UDP	     "0035 1000 0009 0000 00"
#define DHCP_CLIENT  "0044 0043 0009 0000 00"
#define DHCP_SERVER  "0043 0044 0009 0000 00"
#define DHCP6_SERVER "0223 0222 0009 0000 00"
#define ADVERTISE    "8800 0000 2000 0000"
#define SOLICIT	     "8700 0000 0000 0000"
#define ROUTER	     "8600 0000 4000 0708 0000 0000 0000 0000"
#define FROM_MAC     "fe80::216:3eff:fe01:203"

static void with_addresses_only_these_pass(void **state)
{
	static const unsigned char other[6] = {0x00, 0x16, 0x3e, 9, 9, 9};
	const unsigned char *mac = guest_mac;

	(void)state;
	if (!lan("files=yes\naddress=10.9.0.5/24\naddress=10.9.0.6/24\naddress=fd09::5/64\n"
		 "route=0.0.0.0/0 10.9.0.1 - 0 0 0\n"))
		skip();
#define PASSES(f)  assert_true(passes(f, "10.9.0.5"))
#define DROPPED(f) assert_false(passes(f, "10.9.0.5"))
	PASSES(arp(mac, mac, "10.9.0.6"));
	PASSES(arp(mac, mac, "0.0.0.0"));
	PASSES(ipv4(mac, "10.9.0.5", IPPROTO_UDP, UDP));
	PASSES(ipv4(mac, "10.9.0.6", IPPROTO_TCP, UDP));
	PASSES(ipv6(mac, "fd09::5", IPPROTO_UDP, UDP, ""));
	PASSES(ipv6(mac, "fd09::5", IPPROTO_ICMPV6, ADVERTISE, "fd09::5"));
	PASSES(ipv6(mac, FROM_MAC, IPPROTO_ICMPV6, ADVERTISE, FROM_MAC));
	PASSES(ipv6(mac, "2001:db8::216:3eff:fe01:203", IPPROTO_UDP, UDP, ""));
	PASSES(ipv6(mac, "::", IPPROTO_ICMPV6, SOLICIT, "fd09::5"));
	PASSES(ipv6(mac, FROM_MAC, IPPROTO_HOPOPTS, "3a00 0502 0000 0000 8f00", "::"));
	DROPPED(arp(other, mac, "10.9.0.5"));
	DROPPED(arp(mac, other, "10.9.0.5"));
	DROPPED(arp(mac, mac, "10.9.0.1"));
	DROPPED(ipv4(other, "10.9.0.5", IPPROTO_UDP, UDP));
	DROPPED(ipv4(mac, "10.9.0.1", IPPROTO_UDP, UDP));
	DROPPED(ipv4(mac, "10.9.0.5", IPPROTO_UDP, DHCP_SERVER));
	DROPPED(ipv6(mac, "fd09::1", IPPROTO_UDP, UDP, ""));
	DROPPED(ipv6(mac, "fe80::1", IPPROTO_UDP, UDP, ""));
	DROPPED(ipv6(other, "fd09::5", IPPROTO_UDP, UDP, ""));
	DROPPED(ipv6(mac, "fd09::5", IPPROTO_UDP, DHCP6_SERVER, ""));
	DROPPED(ipv6(mac, "fd09::5", IPPROTO_ICMPV6, ADVERTISE, "fd09::1"));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_ICMPV6, ADVERTISE, "fe80::1"));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_ICMPV6, ROUTER, ""));
	/* The same behind one extension header, and behind two. */
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_HOPOPTS, "3a00 0104 0000 0000" ROUTER, ""));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_FRAGMENT, "3a00 0000 0000 0001" ROUTER, ""));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_FRAGMENT, "1100 0001 0000 0001" DHCP6_SERVER, ""));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_DSTOPTS, "3a00 0104 0000 0000" ROUTER, ""));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_HOPOPTS,
		     "3c00 0104 0000 0000 3a00 0104 0000 0000" ROUTER, ""));
	DROPPED(ipv6(mac, FROM_MAC, IPPROTO_HOPOPTS,
		     "3a01 010c 0000 0000 0000 0000 0000 0000" ROUTER, ""));
	/* Nothing but these protocols, also behind a VLAN tag. */
	DROPPED(ethernet(mac, 0x88cc));
	struct frame tagged = ethernet(mac, ETH_P_8021Q), inner = arp(mac, mac, "10.9.0.5");
	add16(&tagged, 7);
	add(&tagged, inner.bytes + 12, inner.size - 12);
	DROPPED(tagged);
	/* Too short to say who it is from. */
	inner.size = ETH_HLEN + 16;
	DROPPED(inner);
#undef PASSES
#undef DROPPED
}

static void with_dhcp_the_mac_is_held_and_no_server_or_router_passes(void **state)
{
	static const unsigned char other[6] = {0x00, 0x16, 0x3e, 9, 9, 9};
	const unsigned char *mac = guest_mac;

	(void)state;
	if (!lan("files=yes\ndhcp=yes\nnameserver=10.9.0.1\n"))
		skip();
#define PASSES(f)  assert_true(passes(f, "10.9.0.77"))
#define DROPPED(f) assert_false(passes(f, "10.9.0.77"))
	PASSES(ipv4(mac, "0.0.0.0", IPPROTO_UDP, DHCP_CLIENT));
	PASSES(ipv4(mac, "10.9.0.50", IPPROTO_TCP, UDP));
	PASSES(arp(mac, mac, "10.9.0.50"));
	PASSES(ipv6(mac, "2001:db8::1", IPPROTO_UDP, UDP, ""));
	DROPPED(ipv4(other, "10.9.0.50", IPPROTO_UDP, UDP));
	DROPPED(arp(mac, other, "10.9.0.50"));
	DROPPED(ipv4(mac, "10.9.0.50", IPPROTO_UDP, DHCP_SERVER));
	DROPPED(ipv6(mac, "fe80::1", IPPROTO_ICMPV6, ROUTER, ""));
	DROPPED(ipv6(mac, "fe80::1", IPPROTO_UDP, DHCP6_SERVER, ""));
#undef PASSES
#undef DROPPED
}

static void as_many_addresses_as_a_description_holds(void **state)
{
	char description[4096] = "";
	size_t n = 0;

	(void)state;
	for (int i = 1; i < 180; i++)
		n += (size_t)snprintf(description + n, sizeof(description) - n,
				      "address=10.9.1.%d/16\n", i);
	if (!lan(description))
		skip();
	assert_true(passes(ipv4(guest_mac, "10.9.1.179", IPPROTO_UDP, UDP), "10.9.1.100"));
	assert_false(passes(ipv4(guest_mac, "10.9.1.180", IPPROTO_UDP, UDP), "10.9.1.100"));
}

static void a_line_that_is_no_address_is_an_error(void **state)
{
	(void)state;
	if (missing(make_link("veth", "eth0", "vif")))
		skip();
	errno = 0;
	if (spoofing_refuse(netlink, index_of("vif"), guest_mac, "address=10.9.0/24\n") == 0 ||
	    errno == ENOENT)
		skip();
	assert_int_equal(errno, EINVAL);
}

/* ---- an engine's interface ---- */

/* Both ports are of the namespace's range. The namespace has the address 10.9.0.1. */
#define TCP_ANSWER "0035 f001 00000001 00000001 5010 1000 0000 0000"
#define TCP_RESET  "f001 0035 00000001 00000000 5004 1000 0000 0000"
#define TCP_SYN	   "f001 0035 00000001 00000000 5002 1000 0000 0000"
#define WITH_IHL_6 "01010101 0035 f001 0009 0000 00"

static void both_get_name_servers_answers_and_no_reset_leaves(void **state)
{
	struct frame last = ipv4(guest_mac, "10.9.0.5", IPPROTO_UDP, "0035 f002 0009 0000 00"), f;

	(void)state;
	if (!pair("wire", "eth0", NULL) || !pair("vm", "vif", NULL) ||
	    missing(traffic_open(netlink, index_of("eth0"))) ||
	    missing(resolver_share_answers(netlink, index_of("eth0"), index_of("vif"))))
		skip();
	int wire = tap("wire"), vm = tap("vm"), engine = tap("eth0");
	f = ipv4(guest_mac, "10.9.0.5", IPPROTO_TCP, TCP_ANSWER);
	put(wire, &f);
	put(wire, &last);
	assert_true(arrives(vm, &f, &last));
	/* Options move the ports: what stands at their place is none. */
	f = ipv4(guest_mac, "10.9.0.5", IPPROTO_UDP, WITH_IHL_6);
	f.bytes[ETH_HLEN] = 0x46;
	put(wire, &f);
	put(wire, &last);
	assert_false(arrives(vm, &f, &last));
	last = ipv4(guest_mac, "10.9.0.5", IPPROTO_TCP, TCP_SYN);
	f = ipv4(guest_mac, "10.9.0.5", IPPROTO_TCP, TCP_RESET);
	(void)!send(engine, f.bytes, f.size, 0); /* ENOBUFS: it was dropped */
	put(engine, &last);
	assert_false(arrives(wire, &f, &last));
}

static int redirect(const char *from, const char *to, uint16_t domain)
{
	struct rule all = {.interface = index_of(from),
			   .priority = PRIORITY_LAST,
			   .protocol = ETH_P_ALL,
			   .move_to = index_of(to),
			   .domain = domain};

	return traffic_add(netlink, &all);
}

/*
 * Runs the program network for this namespace, from another one as delete does. Returns its status.
 */
static int run_network(const char *words, const char *more)
{
	struct utsname machine;
	char command[256];
	int status;
	pid_t child;

	uname(&machine);
	snprintf(command, sizeof(command), "out/%s/network %s /proc/%d/ns/net %s", machine.machine,
		 words, (int)getpid(), more);
	child = fork();
	if (child == 0)
		_exit(unshare(CLONE_NEWNET) < 0 ? 1 : WEXITSTATUS(system(command)));
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void a_redirection_is_taken_once_and_given_back_by_its_domain_alone(void **state)
{
	const char *port_range = "/proc/sys/net/ipv4/ip_local_port_range";
	char range[64] = "";

	(void)state;
	if (!pair("wire", "eth0", NULL) || !pair("vm7", "vif7.0", NULL) ||
	    missing(traffic_open(netlink, index_of("eth0"))))
		skip();
	assert_int_equal(traffic_owner(netlink, index_of("eth0")), 0);
	if (missing(redirect("eth0", "vif7.0", 7)))
		skip();
	assert_int_equal(redirect("eth0", "vif7.0", 8), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(traffic_owner(netlink, index_of("eth0")), 7);
	write_file(port_range, "61440 65535");
	assert_int_equal(run_network("restore", "8 eth0 gone0"), 0);
	assert_int_equal(traffic_owner(netlink, index_of("eth0")), 7);
	assert_int_equal(run_network("restore", "7 gone0 eth0"), 0);
	assert_int_equal(traffic_owner(netlink, index_of("eth0")), 0);
	assert_return_code(traffic_open(netlink, index_of("eth0")), errno);
	int f = open(port_range, O_RDONLY);
	assert_true(read(f, range, sizeof(range) - 1) > 0);
	close(f);
	assert_memory_equal(range, "32768\t60999", 11);
}

/* The sweep fault, seed 220030: a vif whose redirection failed. */
static void what_was_prepared_and_has_no_rules_is_taken_away(void **state)
{
	struct rule outgoing = {
		.priority = 1, .protocol = ETH_P_ALL, .drop = true, .outgoing = true};

	(void)state;
	if (!pair("wire", "eth0", NULL) || missing(traffic_open(netlink, index_of("eth0"))))
		skip();
	outgoing.interface = index_of("eth0");
	if (missing(traffic_add(netlink, &outgoing)))
		skip();
	assert_int_equal(run_network("restore", "7 eth0"), 0);
	assert_int_equal(traffic_open(netlink, outgoing.interface), -1);
	assert_int_equal(errno, EEXIST);
	assert_return_code(traffic_close(netlink, outgoing.interface), errno);
	assert_return_code(traffic_open(netlink, outgoing.interface), errno);
	assert_int_equal(run_network("restore", "7 eth0"), 0);
	assert_return_code(traffic_open(netlink, outgoing.interface), errno);
}

static void rules_of_somebody_else_are_left(void **state)
{
	struct rule theirs = {.priority = 1, .protocol = ETH_P_ALL, .drop = true};

	(void)state;
	if (!pair("wire", "eth0", NULL) || missing(traffic_open(netlink, index_of("eth0"))))
		skip();
	theirs.interface = index_of("eth0");
	if (missing(traffic_add(netlink, &theirs)))
		skip();
	assert_int_equal(traffic_owner(netlink, theirs.interface), -1);
	assert_int_equal(errno, EBUSY);
}

/* Also those for what goes out, which came before or behind ours. */
static void only_the_domains_rules_are_taken_away(void **state)
{
	struct rule theirs = {.priority = 1, .protocol = ETH_P_ALL, .drop = true, .outgoing = true};
	struct rule ours = {.priority = 2, .protocol = ETH_P_ALL, .drop = true, .domain = 7};

	(void)state;
	if (!pair("wire", "eth0", NULL) || missing(traffic_open(netlink, index_of("eth0"))))
		skip();
	theirs.interface = ours.interface = index_of("eth0");
	if (missing(traffic_add(netlink, &ours)))
		skip();
	assert_int_equal(traffic_owner(netlink, ours.interface), 7);
	assert_int_equal(traffic_add(netlink, &theirs), 0);
	assert_int_equal(traffic_owner(netlink, ours.interface), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(run_network("restore", "7 eth0"), 0);
	assert_int_equal(traffic_add(netlink, &ours), 0);
	assert_int_equal(traffic_add(netlink, &theirs), -1);
	assert_int_equal(errno, EEXIST);
}

static void the_namespace_that_it_is_called_in_is_refused(void **state)
{
	struct utsname machine;
	char command[256];

	(void)state;
	uname(&machine);
	snprintf(command, sizeof(command), "out/%s/network list /proc/self/ns/net 2>/dev/null",
		 machine.machine);
	assert_int_equal(WEXITSTATUS(system(command)), EXIT_HELPER);
	assert_int_equal(run_network("list", ""), 0);
}

static void a_namespace_that_is_gone_needs_nothing(void **state)
{
	struct utsname machine;
	char command[256];

	(void)state;
	uname(&machine);
	for (int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "out/%s/network restore %s 7 eth0",
			 machine.machine, i ? "/proc/self/nowhere" : "/etc/passwd");
		assert_int_equal(system(command), 0);
	}
}

static void a_name_with_control_characters_is_refused(void **state)
{
	(void)state;
	if (missing(make_link("veth", "a\033[2J", "wire")))
		skip();
	bring_up("a\033[2J", NULL);
	assert_int_equal(run_network("list", "2>/dev/null"), EXIT_HELPER);
}

/* ---- descriptions, and netlink's answers ---- */

static void a_description_that_is_too_long_is_marked(void **state)
{
	struct description d = {0};

	(void)state;
	while (d.used < sizeof(d.text) - 1 - 16) {
		describe(&d, "%s", "0123456789abcdef");
		assert_false(d.cut);
	}
	describe(&d, "%s", "0123456789abcdef");
	assert_true(d.cut);
	assert_int_equal(strlen(d.text), d.used);
}

/* Asks for something and gets `answer` in place of the kernel's answer, which comes behind it. */
static int get(const void *answer, size_t size)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	socklen_t length = sizeof(own);
	struct ifinfomsg any = {0};
	struct request r;
	int other = netlink_open(), asker = netlink_open();

	assert_return_code(bind(asker, (struct sockaddr *)&own, sizeof(own)), errno);
	assert_return_code(getsockname(asker, (struct sockaddr *)&own, &length), errno);
	assert_int_equal(sendto(other, answer, size, 0, (struct sockaddr *)&own, sizeof(own)),
			 size);
	request_begin(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	int rc = netlink_get(asker, &r, NULL, NULL), error = errno;
	close(other);
	close(asker);
	errno = error;
	return rc;
}

static void answers_that_are_cut_are_errors(void **state)
{
	static unsigned char much[40000];
	struct {
		struct nlmsghdr head;
		int error;
	} done = {{NLMSG_LENGTH(sizeof(int)), NLMSG_DONE, NLM_F_MULTI, 0, 0}, 0};

	(void)state;
	assert_int_equal(get(&done, sizeof(done)), 0);
	done.error = -ENOBUFS;
	assert_int_equal(get(&done, sizeof(done)), -1);
	assert_int_equal(errno, ENOBUFS);
	done.error = 0;
	done.head.nlmsg_flags |= NLM_F_DUMP_INTR;
	assert_int_equal(get(&done, sizeof(done)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(get(much, sizeof(much)), -1);
	assert_int_equal(errno, EMSGSIZE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, new_namespace, close_netlink)
	const struct CMUnitTest tests[] = {
		TEST(with_addresses_only_these_pass),
		TEST(with_dhcp_the_mac_is_held_and_no_server_or_router_passes),
		TEST(as_many_addresses_as_a_description_holds),
		TEST(a_line_that_is_no_address_is_an_error),
		TEST(both_get_name_servers_answers_and_no_reset_leaves),
		TEST(a_redirection_is_taken_once_and_given_back_by_its_domain_alone),
		TEST(what_was_prepared_and_has_no_rules_is_taken_away),
		TEST(rules_of_somebody_else_are_left),
		TEST(only_the_domains_rules_are_taken_away),
		TEST(the_namespace_that_it_is_called_in_is_refused),
		TEST(a_namespace_that_is_gone_needs_nothing),
		TEST(a_name_with_control_characters_is_refused),
		TEST(a_description_that_is_too_long_is_marked),
		TEST(answers_that_are_cut_are_errors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (geteuid() != 0) {
		puts("1..0 # SKIP only root makes network namespaces");
		return 0;
	}
	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
