/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include "helpers/shared/common.h"
#include "helpers/shared/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_pedit.h>

/* Each rule has a priority of its own, so all have the same number in it. */
#define HANDLE 1

static struct tcmsg qdisc(int interface)
{
	return (struct tcmsg){.tcm_ifindex = interface,
			      .tcm_parent = TC_H_CLSACT,
			      .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)};
}

int traffic_open(int netlink, int interface)
{
	struct tcmsg t = qdisc(interface);
	struct request r;

	request_begin(&r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, "clsact");
	return netlink_ask(netlink, &r);
}

int traffic_close(int netlink, int interface)
{
	struct tcmsg t = qdisc(interface);
	struct request r;

	request_begin(&r, RTM_DELQDISC, 0, &t, sizeof(t));
	return netlink_ask(netlink, &r);
}

/* ---- what it looks at ---- */

/*
 * A rule that drops needs no action, and so no module for one: its program returns the verdict
 * (direct action). UINT32_MAX stands for "this frame matches" in other programs, and for "ask the
 * next rule" (TC_ACT_UNSPEC) in these.
 */
static int add_matches(struct request *r, const struct rule *rule)
{
	static const struct match all;
	struct sock_filter program[MATCH_STEPS + 2];
	size_t steps = match_program(rule->match ? rule->match : &all,
				     rule->drop ? TC_ACT_SHOT : UINT32_MAX,
				     rule->drop ? UINT32_MAX : 0, program);
	uint16_t count = (uint16_t)steps;

	errno = EMSGSIZE;
	if (steps == 0)
		return -1;
	request_add(r, TCA_BPF_OPS_LEN, &count, sizeof(count));
	request_add(r, TCA_BPF_OPS, program, steps * sizeof(program[0]));
	if (rule->drop)
		request_add32(r, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	if (rule->domain)
		request_add32(r, TCA_BPF_CLASSID, rule->domain);
	return 0;
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
	else if (rule->drop)
		return;
	else if (rule->move_to)
		add_redirection(r, rule->move_to, false);
	else if (rule->copy_to)
		add_redirection(r, rule->copy_to, true);
}

int traffic_add(int netlink, const struct rule *rule)
{
	struct tcmsg t = {
		.tcm_ifindex = rule->interface,
		.tcm_handle = HANDLE,
		.tcm_parent =
			TC_H_MAKE(TC_H_CLSACT, rule->outgoing ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE((uint32_t)rule->priority << 16, htons(rule->protocol))};
	struct request r;

	request_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	request_add_text(&r, TCA_KIND, "bpf");
	size_t options = request_nest(&r, TCA_OPTIONS);
	if (add_matches(&r, rule) < 0)
		return -1;
	size_t actions = request_nest(&r, TCA_BPF_ACT);
	add_actions(&r, rule);
	request_end(&r, actions);
	request_end(&r, options);
	return netlink_ask(netlink, &r);
}

/* ---- whose it is ---- */

/* What has been seen of the rules of an interface so far. */
struct seen {
	bool rules, others; /* `others`: a rule that is not this domain's */
	uint32_t domain;    /* of the rules that have one */
	struct tcmsg mine[16];
	size_t count; /* of `mine`: the domain's rules, as far as they fit */
};

/* Returns the domain of the rule in `answer`, or 0. */
static uint32_t domain_of(const struct nlmsghdr *answer)
{
	const struct rtattr *found[TCA_OPTIONS + 1], *options[TCA_BPF_CLASSID + 1];
	uint32_t domain = 0;

	netlink_attributes(answer, sizeof(struct tcmsg), found, TCA_OPTIONS + 1);
	if (!found[TCA_KIND] || strcmp(RTA_DATA(found[TCA_KIND]), "bpf") != 0 ||
	    !found[TCA_OPTIONS])
		return 0;
	netlink_nested(found[TCA_OPTIONS], options, TCA_BPF_CLASSID + 1);
	if (options[TCA_BPF_CLASSID])
		memcpy(&domain, RTA_DATA(options[TCA_BPF_CLASSID]), sizeof(domain));
	return domain;
}

static void take_rule(const struct nlmsghdr *answer, void *context)
{
	struct seen *seen = context;
	uint32_t domain = domain_of(answer);
	struct tcmsg t;

	seen->rules = true;
	memcpy(&t, NLMSG_DATA(answer), sizeof(t));
	/* It announces the rules of one priority, which come next. */
	if (t.tcm_handle == 0)
		return;
	if (domain == 0 || (seen->domain != 0 && seen->domain != domain)) {
		seen->others = true;
		return;
	}
	seen->domain = domain;
	if (seen->count < ARRAY_SIZE(seen->mine))
		seen->mine[seen->count++] = t;
}

/* `direction` is TC_H_MIN_INGRESS or TC_H_MIN_EGRESS. */
static int read_rules(int netlink, int interface, uint32_t direction, struct seen *seen)
{
	struct tcmsg t = {.tcm_ifindex = interface,
			  .tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction)};
	struct request r;

	request_begin(&r, RTM_GETTFILTER, NLM_F_DUMP, &t, sizeof(t));
	return netlink_get(netlink, &r, take_rule, seen);
}

static int read_all_rules(int netlink, int interface, struct seen *seen)
{
	if (read_rules(netlink, interface, TC_H_MIN_INGRESS, seen) < 0)
		return -1;
	return read_rules(netlink, interface, TC_H_MIN_EGRESS, seen);
}

bool traffic_unused(int netlink, int interface)
{
	struct seen seen = {0};

	return read_all_rules(netlink, interface, &seen) == 0 && !seen.rules;
}

int traffic_owner(int netlink, int interface)
{
	struct seen seen = {0};

	if (read_all_rules(netlink, interface, &seen) < 0)
		return -1;
	errno = EBUSY;
	return seen.others ? -1 : (int)seen.domain;
}

int traffic_withdraw(int netlink, int interface, uint16_t domain)
{
	struct seen seen = {.domain = domain};
	struct request r;

	if (read_all_rules(netlink, interface, &seen) < 0)
		return -1;
	for (size_t i = 0; i < seen.count; i++) {
		request_begin(&r, RTM_DELTFILTER, 0, &seen.mine[i], sizeof(seen.mine[i]));
		if (netlink_ask(netlink, &r) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}
