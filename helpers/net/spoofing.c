/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of rules, each of which lets a kind of frames in, and a last one that drops the rest. So
 * what nobody thought of is dropped: frames with a VLAN tag, spanning tree, other protocols.
 */
#include "spoofing.h"

#include "helpers/shared/common.h"
#include "helpers/shared/netlink.h"
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>

/* Offsets in a frame. */
#define MAC_SOURCE    ETH_ALEN
#define ARP_KINDS     ETH_HLEN /* types and lengths of its addresses */
#define ARP_MAC	      (ETH_HLEN + 8)
#define ARP_ADDRESS   (ETH_HLEN + 14)
#define IP4_FRAGMENT  (ETH_HLEN + 6)
#define IP4_PROTOCOL  (ETH_HLEN + 9)
#define IP4_SOURCE    (ETH_HLEN + 12)
#define IP6_NEXT      (ETH_HLEN + 6)
#define IP6_SOURCE    (ETH_HLEN + 8)
#define IP6_PAYLOAD   (ETH_HLEN + 40)
#define DHCP4_SERVER  67
#define DHCP6_SERVER  547
#define TARGET_OF_NA  8 /* in its ICMPv6 message */
#define LATER_PIECE_4 0x1fff
#define LATER_PIECE_6 0xfff8

struct filter {
	int netlink, vif;
	unsigned char mac[6];
	uint16_t rules;
};

static int let_in(struct filter *f, uint16_t protocol, const struct match *match)
{
	struct rule rule = {
		.interface = f->vif, .priority = ++f->rules, .protocol = protocol, .match = match};

	return traffic_add(f->netlink, &rule);
}

static int drop_the_rest(struct filter *f)
{
	struct rule rule = {
		.interface = f->vif, .priority = ++f->rules, .protocol = ETH_P_ALL, .drop = true};

	return traffic_add(f->netlink, &rule);
}

/* `address` is NULL for any. */
static int let_arp(struct filter *f, const void *address)
{
	static const unsigned char ethernet_and_ipv4[6] = {0, 1, 8, 0, 6, 4};
	struct match m = {0};

	match_bytes(&m, BPF_ABS, MAC_SOURCE, f->mac, sizeof(f->mac));
	match_bytes(&m, BPF_ABS, ARP_KINDS, ethernet_and_ipv4, sizeof(ethernet_and_ipv4));
	match_bytes(&m, BPF_ABS, ARP_MAC, f->mac, sizeof(f->mac));
	if (address)
		match_bytes(&m, BPF_ABS, ARP_ADDRESS, address, 4);
	return let_in(f, ETH_P_ARP, &m);
}

static int let_ipv4(struct filter *f, const void *address)
{
	static const struct sock_filter no_server[] = {
		BPF_STMT(BPF_LD | BPF_ABS | BPF_H, IP4_FRAGMENT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, LATER_PIECE_4, MATCH_TAKE, 0),
		BPF_STMT(BPF_LD | BPF_ABS | BPF_B, IP4_PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, MATCH_TAKE),
		BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, ETH_HLEN), /* X: bytes of the header */
		BPF_STMT(BPF_LD | BPF_IND | BPF_H, ETH_HLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP4_SERVER, MATCH_LEAVE, 0),
	};
	struct match m = {0};

	match_bytes(&m, BPF_ABS, MAC_SOURCE, f->mac, sizeof(f->mac));
	if (address)
		match_bytes(&m, BPF_ABS, IP4_SOURCE, address, 4);
	match_add(&m, no_server, ARRAY_SIZE(no_server));
	return let_in(f, ETH_P_IP, &m);
}

/*
 * The address is the `size` bytes at the end of `address`, and 0 bytes are any address. A neighbour
 * advertisement (type 136) may speak only of that address, and Linux does send it from there.
 *
 * A packet may have one extension header: a hop-by-hop header of 8 bytes, as listeners of multicast
 * send it, or a fragment's. A second one could hide what is refused. The first loads X with the
 * size of the extension header, and A with the protocol behind it.
 */
static int let_ipv6(struct filter *f, const unsigned char address[16], uint32_t size)
{
	static const struct sock_filter no_server_or_router[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_LD | BPF_ABS | BPF_B, IP6_NEXT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, 0, 6),
		BPF_STMT(BPF_LD | BPF_ABS | BPF_B, IP6_PAYLOAD + 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, MATCH_LEAVE),
		BPF_STMT(BPF_LD | BPF_ABS | BPF_H, IP6_PAYLOAD + 2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, LATER_PIECE_6, MATCH_TAKE, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 8),
		BPF_STMT(BPF_LD | BPF_ABS | BPF_B, IP6_PAYLOAD),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, MATCH_LEAVE, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ROUTING, MATCH_LEAVE, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, MATCH_LEAVE, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_DSTOPTS, MATCH_LEAVE, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 2),
		BPF_STMT(BPF_LD | BPF_IND | BPF_H, IP6_PAYLOAD),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP6_SERVER, MATCH_LEAVE, MATCH_TAKE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, MATCH_TAKE),
		BPF_STMT(BPF_LD | BPF_IND | BPF_B, IP6_PAYLOAD),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_ROUTER_ADVERT, MATCH_LEAVE, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, MATCH_TAKE),
	};
	uint32_t skipped = 16 - size;
	struct match m = {0};

	match_bytes(&m, BPF_ABS, MAC_SOURCE, f->mac, sizeof(f->mac));
	match_bytes(&m, BPF_ABS, IP6_SOURCE + skipped, address + skipped, size);
	match_add(&m, no_server_or_router, ARRAY_SIZE(no_server_or_router));
	match_bytes(&m, BPF_IND, IP6_PAYLOAD + TARGET_OF_NA + skipped, address + skipped, size);
	return let_in(f, ETH_P_IPV6, &m);
}

/* ---- the addresses ---- */

static int let_any_address(struct filter *f)
{
	static const unsigned char none[16];

	return let_arp(f, NULL) < 0 || let_ipv4(f, NULL) < 0 ? -1 : let_ipv6(f, none, 0);
}

/*
 * What any host says: it asks whether an address is free, from no address. And it uses addresses
 * that its kernel makes from its MAC (RFC 4291, appendix A), with the prefix fe80:: or a router's.
 */
static int let_own_address(struct filter *f)
{
	static const unsigned char none[16];
	const unsigned char *mac = f->mac;
	const unsigned char from_mac[16] = {[8] = mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe,
					    mac[3],	      mac[4], mac[5]};

	return let_arp(f, none) < 0 || let_ipv6(f, none, sizeof(none)) < 0
		       ? -1
		       : let_ipv6(f, from_mac, 8);
}

/* `line` has ADDRESS/LENGTH. */
static int let_address(struct filter *f, const char *line)
{
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];
	size_t length = strcspn(line, "/\n");

	snprintf(text, sizeof(text), "%.*s", (int)length, line);
	if (inet_pton(AF_INET, text, address) == 1)
		return let_arp(f, address) < 0 ? -1 : let_ipv4(f, address);
	if (inet_pton(AF_INET6, text, address) == 1)
		return let_ipv6(f, address, sizeof(address));
	errno = EINVAL;
	return -1;
}

/* Returns the value of the next line with `key` from `text` on, or NULL. */
static const char *next(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, key, n))
			return text + n;
	}
	return NULL;
}

int spoofing_refuse(int netlink, int vif, const unsigned char mac[6], const char *description)
{
	struct filter f = {.netlink = netlink, .vif = vif};
	const char *line = next(description, "dhcp=") ? NULL : next(description, "address=");

	memcpy(f.mac, mac, sizeof(f.mac));
	if (traffic_open(netlink, vif) < 0)
		return -1;
	if ((line ? let_own_address(&f) : let_any_address(&f)) < 0)
		return -1;
	for (; line; line = next(line, "address="))
		if (let_address(&f, line) < 0)
			return -1;
	return drop_the_rest(&f);
}
