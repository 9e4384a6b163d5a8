/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include "guest/mounts/mounts.h"
#include "helpers/shared/netlink.h"
#include "helpers/shared/xenstore.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CARRIER_TIMEOUT 10000 /* ms; the carrier comes much sooner */

struct nic {
	int index; /* the kernel's */
	unsigned char mac[6];
	char name[IF_NAMESIZE];
	bool dhcp, files, carrier;
	char lines[XENSTORE_VALUE + 1]; /* the description; each line ends with a NUL */
	size_t size;
};

static struct nic *nics;
static size_t nic_count;
static int netlink;

/* ---- the description ---- */

/* Returns the value of the next line with `key` behind the value `after` (NULL: from the start), or
 * NULL. */
static const char *next(const struct nic *nic, const char *key, const char *after)
{
	const char *end = nic->lines + nic->size,
		   *line = after ? after + strlen(after) + 1 : nic->lines;
	size_t n = strlen(key);

	for (; line < end; line += strlen(line) + 1)
		if (!strncmp(line, key, n) && line[n] == '=')
			return line + n + 1;
	return NULL;
}

/* Reads interface `number` from the front end's directory. False: it has no description, so PID 1
 * leaves it alone. */
static bool read_nic(struct xenstore *xs, const char *number, struct nic *nic)
{
	char path[XENSTORE_PATH], mac[XENSTORE_VALUE + 1];
	const char *name;

	snprintf(path, sizeof(path), "device/vif/%.8s/mac", number);
	if (xenstore_read(xs, path, mac) < 0 || !netlink_mac(mac, nic->mac))
		return false;
	snprintf(path, sizeof(path), "device/vif/%.8s/runx", number);
	long size = xenstore_read(xs, path, nic->lines);
	if (size < 0)
		return false;
	nic->size = (size_t)size;
	for (size_t i = 0; i < nic->size; i++)
		if (nic->lines[i] == '\n')
			nic->lines[i] = '\0';
	name = next(nic, "name", NULL);
	snprintf(nic->name, sizeof(nic->name), "%s", name ? name : "eth0");
	nic->dhcp = next(nic, "dhcp", NULL) != NULL;
	nic->files = next(nic, "files", NULL) != NULL;
	return true;
}

static int read_nics(void)
{
	char numbers[XENSTORE_VALUE + 1];
	struct xenstore xs;

	if (xenstore_open(&xs) < 0)
		return -1;
	long size = xenstore_list(&xs, "device/vif", numbers);
	nics = size > 0 ? calloc(NICS_MAX, sizeof(*nics)) : NULL;
	for (const char *n = numbers; nics && n < numbers + size && nic_count < NICS_MAX;
	     n += strlen(n) + 1)
		if (read_nic(&xs, n, &nics[nic_count]))
			nic_count++;
	close(xs.fd);
	return size > 0 && !nics ? -1 : 0;
}

/* ---- the kernel's interfaces ---- */

static void take_link(const struct nlmsghdr *answer, void *context)
{
	const struct ifinfomsg *link = NLMSG_DATA(answer);
	const struct rtattr *found[IFLA_ADDRESS + 1];

	(void)context;
	netlink_attributes(answer, sizeof(*link), found, IFLA_ADDRESS + 1);
	const struct rtattr *mac = found[IFLA_ADDRESS];
	for (size_t i = 0; mac && i < nic_count; i++)
		if (RTA_PAYLOAD(mac) == 6 && !memcmp(RTA_DATA(mac), nics[i].mac, 6)) {
			nics[i].index = link->ifi_index;
			nics[i].carrier = link->ifi_flags & IFF_RUNNING;
		}
}

/* Linux connects the front ends before it starts PID 1, so all interfaces already exist. */
static int find_links(void)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct request r;

	request_begin(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	if (netlink_get(netlink, &r, take_link, NULL) < 0)
		return -1;
	errno = ENODEV;
	for (size_t i = 0; i < nic_count; i++)
		if (nics[i].index == 0)
			return -1;
	return 0;
}

/* Opens a socket that becomes readable when a link changes. */
static int watch_links(void)
{
	struct sockaddr_nl changes = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int watch = netlink_open();

	if (watch >= 0 && bind(watch, (struct sockaddr *)&changes, sizeof(changes)) == 0)
		return watch;
	close(watch);
	return -1;
}

/*
 * Waits until the host's ends are connected too. Packets sent before that are lost, and a retry
 * comes only after a second. If a carrier does not come in time, the container process starts
 * anyway and finds that out.
 */
static void await_carriers(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	bool all;
	char changes[8192];

	do {
		(void)find_links();
		all = true;
		for (size_t i = 0; i < nic_count; i++)
			all = all && nics[i].carrier;
	} while (!all && poll(&p, 1, CARRIER_TIMEOUT) > 0 &&
		 recv(watch, changes, sizeof(changes), 0) > 0);
}

static int set_link(int index, const char *name, unsigned int mtu, bool up)
{
	struct ifinfomsg link = {
		.ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
	struct request r;

	request_begin(&r, RTM_NEWLINK, 0, &link, sizeof(link));
	if (name)
		request_add_text(&r, IFLA_IFNAME, name);
	if (mtu)
		request_add32(&r, IFLA_MTU, mtu);
	return netlink_ask(netlink, &r);
}

/* In two steps, because another interface may still have the wanted name. */
static int rename_links(void)
{
	char name[32];

	for (size_t i = 0; i < nic_count; i++) {
		snprintf(name, sizeof(name), "nic%zu", i);
		if (set_link(nics[i].index, name, 0, false) < 0)
			return -1;
	}
	for (size_t i = 0; i < nic_count; i++)
		if (set_link(nics[i].index, nics[i].name, 0, false) < 0)
			return -1;
	return 0;
}

/* ---- addresses and routes ---- */

struct address {
	int family;
	unsigned int length; /* of the prefix, in bits */
	unsigned char bytes[16];
	size_t size;
};

/* ADDRESS or ADDRESS/LENGTH */
static bool parse_address(const char *text, struct address *a)
{
	char digits[64];

	snprintf(digits, sizeof(digits), "%s", text);
	char *slash = strchr(digits, '/');
	if (slash)
		*slash = '\0';
	a->family = strchr(digits, ':') ? AF_INET6 : AF_INET;
	a->size = a->family == AF_INET6 ? 16 : 4;
	a->length = slash ? (unsigned int)strtoul(slash + 1, NULL, 10) : (unsigned int)a->size * 8;
	errno = EINVAL;
	return inet_pton(a->family, digits, a->bytes) == 1;
}

static int add_address(const struct nic *nic, const char *text)
{
	struct address a;
	struct request r;

	if (!parse_address(text, &a))
		return -1;
	struct ifaddrmsg head = {.ifa_family = (unsigned char)a.family,
				 .ifa_prefixlen = (unsigned char)a.length,
				 /* The host knows that the address is free. */
				 .ifa_flags = a.family == AF_INET6 ? IFA_F_NODAD : 0,
				 .ifa_index = (unsigned int)nic->index};
	request_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	request_add(&r, IFA_LOCAL, a.bytes, a.size);
	request_add(&r, IFA_ADDRESS, a.bytes, a.size);
	if (a.family == AF_INET && a.length < 31) {
		uint32_t broadcast;
		memcpy(&broadcast, a.bytes, 4);
		broadcast |= htonl(0xffffffffu >> a.length);
		request_add32(&r, IFA_BROADCAST, broadcast);
	}
	return netlink_ask(netlink, &r);
}

/* `text` is "DESTINATION GATEWAY SOURCE METRIC SCOPE FLAGS", with "-" for none. Adds the route only
 * if it has a gateway and `by_gateway` is true, or neither. */
static int add_route(const struct nic *nic, const char *text, unsigned char table, bool by_gateway)
{
	char destination[64], gateway[64], source[64];
	unsigned int metric, scope, flags;
	struct address to, via, from;
	struct request r;

	errno = EINVAL;
	if (sscanf(text, "%63s %63s %63s %u %u %u", destination, gateway, source, &metric, &scope,
		   &flags) != 6)
		return -1;
	if (by_gateway != (gateway[0] != '-'))
		return 0;
	if (!parse_address(destination, &to))
		return -1;
	struct rtmsg head = {.rtm_family = (unsigned char)to.family,
			     .rtm_dst_len = (unsigned char)to.length,
			     .rtm_table = table,
			     .rtm_protocol = RTPROT_STATIC,
			     .rtm_scope = (unsigned char)scope,
			     .rtm_type = RTN_UNICAST,
			     .rtm_flags = flags};
	request_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	if (to.length)
		request_add(&r, RTA_DST, to.bytes, to.size);
	if (by_gateway && !parse_address(gateway, &via))
		return -1;
	if (by_gateway)
		request_add(&r, RTA_GATEWAY, via.bytes, via.size);
	if (source[0] != '-' && parse_address(source, &from))
		request_add(&r, RTA_PREFSRC, from.bytes, from.size);
	if (metric)
		request_add32(&r, RTA_PRIORITY, metric);
	request_add32(&r, RTA_OIF, (uint32_t)nic->index);
	return netlink_ask(netlink, &r);
}

/* `text` is "ADDRESS MAC": a permanent neighbour entry, from the host's own. */
static int add_neighbour(const struct nic *nic, const char *text)
{
	char address[64], mac_text[32];
	unsigned char mac[6];
	struct address a;
	struct request r;

	errno = EINVAL;
	if (sscanf(text, "%63s %31s", address, mac_text) != 2 || !parse_address(address, &a) ||
	    !netlink_mac(mac_text, mac))
		return -1;
	struct ndmsg head = {.ndm_family = (unsigned char)a.family,
			     .ndm_ifindex = nic->index,
			     .ndm_state = NUD_PERMANENT};
	request_begin(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	request_add(&r, NDA_DST, a.bytes, a.size);
	request_add(&r, NDA_LLADDR, mac, sizeof(mac));
	return netlink_ask(netlink, &r);
}

/* The files for name resolution, first made in the initial root. */
#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS	    "/etc/hosts"
#define HOSTNAME    "/etc/hostname"

/* ---- DHCP ---- */

/* Runs udhcpc. Once it has a lease it goes to the background and renews the lease. Its script is
 * udhcpc.sh. */
static int lease(const struct spec *spec, const struct nic *nic)
{
	char hostname[300];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(hostname, sizeof(hostname), "hostname:%s",
			 spec->hostname ? spec->hostname : "runx");
		/* If the description has name servers, the lease must not change them. */
		setenv("RUNX_RESOLV_CONF",
		       next(nic, "nameserver", NULL) ? "/dev/null" : RESOLV_CONF, 1);
		execl("/bin/busybox", "udhcpc", "-i", nic->name, "-n", "-t", "5", "-T", "2", "-x",
		      hostname, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	errno = ENETUNREACH;
	return status == 0 ? 0 : -1;
}

/* ---- names ---- */

static int write_resolv_conf(const struct nic *nic)
{
	static const char *const keys[] = {"nameserver", "search", "domain", "options"};
	bool known = next(nic, "nameserver", NULL) || next(nic, "search", NULL);
	FILE *f = known || nic->dhcp ? fopen(RESOLV_CONF, "w") : NULL;

	if (!f)
		return known || nic->dhcp ? -1 : 0; /* 0: the image's own file stays */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (const char *v = NULL; (v = next(nic, keys[i], v));)
			fprintf(f, "%s %s\n", keys[i], v);
	return fclose(f);
}

static int write_hosts(const struct spec *spec, const struct nic *nic)
{
	FILE *f = fopen(HOSTS, "w");

	if (!f)
		return -1;
	fputs("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", f);
	for (const char *v = NULL; spec->hostname && (v = next(nic, "address", v));)
		fprintf(f, "%.*s\t%s\n", (int)strcspn(v, "/"), v, spec->hostname);
	if (fclose(f) != 0)
		return -1;
	f = spec->hostname ? fopen(HOSTNAME, "w") : NULL;
	if (f)
		fprintf(f, "%s\n", spec->hostname);
	return f ? fclose(f) : 0;
}

static const char *const files[] = {RESOLV_CONF, HOSTS, HOSTNAME};
static int trees[] = {-1, -1, -1};

int network_take_files(const struct spec *spec)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (access(files[i], F_OK) < 0 || mounts_at(spec, files[i]))
			continue;
		trees[i] = mounts_take(files[i]);
		if (trees[i] < 0)
			return -1;
	}
	return 0;
}

int network_put_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (trees[i] >= 0 && mounts_put(trees[i], files[i]) < 0)
			return -1;
	return 0;
}

/* ---- all of it ---- */

static int add_direct_route(const struct nic *nic, const char *text)
{
	return add_route(nic, text, RT_TABLE_MAIN, false);
}

static int add_gateway_route(const struct nic *nic, const char *text)
{
	return add_route(nic, text, RT_TABLE_MAIN, true);
}

/* Adds a route to a loopback address that is outside of the VM: Docker's resolver. */
static int add_local_route(const struct nic *nic, const char *text)
{
	return netlink_route_localnet(netlink, nic->index) < 0
		       ? -1
		       : add_route(nic, text, RT_TABLE_LOCAL, true);
}

/* The order matters: a gateway may be reachable only by a direct route. */
static const struct {
	const char *key;
	int (*add)(const struct nic *, const char *);
	const char *problem;
} settings[] = {{"address", add_address, "cannot set an address"},
		{"neighbour", add_neighbour, "cannot set a neighbour entry"},
		{"route", add_direct_route, "cannot set a route"},
		{"route", add_gateway_route, "cannot set a route"},
		{"local", add_local_route, "cannot set a route to the resolver"}};

static const char *bring_up(void)
{
	int watch = watch_links();

	if (watch < 0)
		return "cannot watch the network interfaces";
	for (size_t i = 0; i < nic_count; i++) {
		const char *mtu = next(&nics[i], "mtu", NULL);
		if (set_link(nics[i].index, NULL, mtu ? (unsigned int)atoi(mtu) : 0, true) < 0)
			return "cannot bring up a network interface";
	}
	await_carriers(watch);
	close(watch);
	return NULL;
}

static const char *set_up(const struct spec *spec, const struct nic *nic)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		for (const char *v = NULL; (v = next(nic, settings[i].key, v));)
			if (settings[i].add(nic, v) < 0)
				return settings[i].problem;
	if (nic->files && (write_resolv_conf(nic) < 0 || write_hosts(spec, nic) < 0))
		return "cannot write /etc/resolv.conf and /etc/hosts";
	if (nic->dhcp && lease(spec, nic) < 0)
		return "no DHCP server gave this VM an address";
	return NULL;
}

const char *network_start(const struct spec *spec)
{
	const char *problem = NULL;

	netlink = netlink_open();
	if (netlink < 0 || set_link((int)if_nametoindex("lo"), NULL, 0, true) < 0)
		return "cannot bring up the loopback interface";
	if (read_nics() < 0)
		return "cannot read the VM's network interfaces from xenstore";
	if (nic_count && find_links() < 0)
		return "a network interface did not appear in the VM";
	if (rename_links() < 0)
		return "cannot rename a network interface";
	if (nic_count)
		problem = bring_up();
	for (size_t i = 0; i < nic_count && !problem; i++)
		problem = set_up(spec, &nics[i]);
	close(netlink);
	free(nics);
	return problem;
}
