/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include "helpers/shared/netlink.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_pedit.h>

int traffic_open(int netlink, int interface)
{
	struct tcmsg t = {.tcm_ifindex = interface,
			  .tcm_parent = TC_H_CLSACT,
			  .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)};
	struct request r;

	request_begin(&r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, "clsact");
	return netlink_ask(netlink, &r);
}

/* ---- what it looks at ---- */

static void add16(struct request *r, uint16_t type, uint16_t host_order)
{
	uint16_t value = htons(host_order);

	request_add(r, type, &value, sizeof(value));
}

static void add_matches(struct request *r, const struct rule *rule)
{
	bool udp = rule->ip_protocol == IPPROTO_UDP;

	add16(r, TCA_FLOWER_KEY_ETH_TYPE, rule->protocol);
	request_add(r, TCA_FLOWER_KEY_IP_PROTO, &rule->ip_protocol, sizeof(rule->ip_protocol));
	if (rule->source)
		request_add32(r, TCA_FLOWER_KEY_IPV4_SRC, rule->source);
	if (rule->destination)
		request_add32(r, TCA_FLOWER_KEY_IPV4_DST, rule->destination);
	if (rule->source_port)
		add16(r, udp ? TCA_FLOWER_KEY_UDP_SRC : TCA_FLOWER_KEY_TCP_SRC, rule->source_port);
	if (rule->destination_port)
		add16(r, udp ? TCA_FLOWER_KEY_UDP_DST : TCA_FLOWER_KEY_TCP_DST,
		      rule->destination_port);
	if (rule->destination_mask)
		add16(r, udp ? TCA_FLOWER_KEY_UDP_DST_MASK : TCA_FLOWER_KEY_TCP_DST_MASK,
		      rule->destination_mask);
}

/* ---- what it does ---- */

/* Adds an action to a rule. Actions are done in the order of their `number`, from 1. */
static void add_action(struct request *r, uint16_t number, const char *kind, uint16_t type,
		       const void *parameters, size_t size)
{
	size_t action = request_nest(r, number);

	request_add_text(r, TCA_ACT_KIND, kind);
	size_t options = request_nest(r, TCA_ACT_OPTIONS);
	request_add(r, type, parameters, size);
	request_end(r, options);
	request_end(r, action);
}

static void add_redirection(struct request *r, int to, bool copy)
{
	struct tc_mirred mirred = {.action = copy ? TC_ACT_OK : TC_ACT_STOLEN,
				   .eaction = copy ? TCA_EGRESS_MIRROR : TCA_EGRESS_REDIR,
				   .ifindex = (uint32_t)to};

	add_action(r, 1, "mirred", TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
}

/*
 * Changes the 32-bit word at offset `at` of an IPv4 packet: `kept` masks the bits that stay, and
 * `value` has the new ones.
 */
static struct tc_pedit_key word(uint32_t at, uint32_t kept, uint32_t value)
{
	return (struct tc_pedit_key){.mask = htonl(kept), .val = value, .off = at};
}

static void add_changes(struct request *r, const struct rule *rule)
{
	struct {
		struct tc_pedit_sel selected;
		struct tc_pedit_key keys[4];
	} edit = {.selected = {.action = TC_ACT_PIPE}};
	unsigned char n = 0;

	if (rule->new_source)
		edit.keys[n++] = word(12, 0, rule->new_source);
	if (rule->new_destination)
		edit.keys[n++] = word(16, 0, rule->new_destination);
	if (rule->new_source_port)
		edit.keys[n++] = word(20, 0x0000ffff, htonl((uint32_t)rule->new_source_port << 16));
	if (rule->new_destination_port)
		edit.keys[n++] = word(20, 0xffff0000, htonl(rule->new_destination_port));
	edit.selected.nkeys = n;
	add_action(r, 1, "pedit", TCA_PEDIT_PARMS, &edit,
		   sizeof(edit.selected) + n * sizeof(edit.keys[0]));
	struct tc_csum sums = {.action = TC_ACT_OK,
			       .update_flags = TCA_CSUM_UPDATE_FLAG_IPV4HDR |
					       TCA_CSUM_UPDATE_FLAG_UDP | TCA_CSUM_UPDATE_FLAG_TCP};
	add_action(r, 2, "csum", TCA_CSUM_PARMS, &sums, sizeof(sums));
}

/* A rule without an action still ends the search, and the packet goes on to the stack. */
static void add_actions(struct request *r, const struct rule *rule)
{
	if (rule->new_source || rule->new_destination || rule->new_source_port ||
	    rule->new_destination_port)
		add_changes(r, rule);
	else if (rule->move_to)
		add_redirection(r, rule->move_to, false);
	else if (rule->copy_to)
		add_redirection(r, rule->copy_to, true);
}

/* `flower` is used only if it is needed, because matchall is the smaller module. */
int traffic_add(int netlink, const struct rule *rule)
{
	bool flower = rule->ip_protocol != 0;
	struct tcmsg t = {
		.tcm_ifindex = rule->interface,
		.tcm_parent =
			TC_H_MAKE(TC_H_CLSACT, rule->outgoing ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE((uint32_t)rule->priority << 16, htons(rule->protocol))};
	struct request r;

	request_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, flower ? "flower" : "matchall");
	size_t options = request_nest(&r, TCA_OPTIONS);
	if (flower)
		add_matches(&r, rule);
	size_t actions = request_nest(&r, flower ? TCA_FLOWER_ACT : TCA_MATCHALL_ACT);
	add_actions(&r, rule);
	request_end(&r, actions);
	request_end(&r, options);
	return netlink_ask(netlink, &r);
}
