/* SPDX-License-Identifier: Apache-2.0 */
#include "match.h"

#include "helpers/shared/common.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>

void match_add(struct match *m, const struct sock_filter *steps, size_t count)
{
	for (size_t i = 0; i < count; i++, m->used++)
		if (m->used < MATCH_STEPS)
			m->steps[m->used] = steps[i];
}

/* Goes on only if the bits in `mask` of a field of the frame have this value. */
static void match_field(struct match *m, uint16_t size, uint32_t offset, uint32_t mask,
			uint32_t value)
{
	const struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_ABS | size, offset),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, MATCH_LEAVE),
	};

	match_add(m, steps, ARRAY_SIZE(steps));
}

void match_bytes(struct match *m, uint16_t mode, uint32_t offset, const void *bytes, size_t size)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < size; i += 2) {
		const struct sock_filter steps[] = {
			BPF_STMT(BPF_LD | BPF_H | mode, offset + (uint32_t)i),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(b[i] << 8 | b[i + 1]), 0,
				 MATCH_LEAVE),
		};
		match_add(m, steps, ARRAY_SIZE(steps));
	}
}

/* Offsets in a frame with an IPv4 header of 20 bytes. */
#define IP_VERSION  ETH_HLEN
#define IP_FRAGMENT (ETH_HLEN + 6)
#define IP_CARRIES  (ETH_HLEN + 9)
#define IP_SOURCE   (ETH_HLEN + 12)
#define IP_DEST	    (ETH_HLEN + 16)
#define PORT_SOURCE (ETH_HLEN + 20)
#define PORT_DEST   (ETH_HLEN + 22)
#define TCP_FLAGS   (ETH_HLEN + 33)

void match_ipv4(struct match *m, const struct packet *p)
{
	match_field(m, BPF_B, IP_VERSION, 0xff, 0x45);
	match_field(m, BPF_H, IP_FRAGMENT, 0x3fff, 0);
	if (p->protocol)
		match_field(m, BPF_B, IP_CARRIES, 0xff, p->protocol);
	if (p->source)
		match_field(m, BPF_W, IP_SOURCE, 0xffffffff, ntohl(p->source));
	if (p->destination)
		match_field(m, BPF_W, IP_DEST, 0xffffffff, ntohl(p->destination));
	if (p->source_port)
		match_field(m, BPF_H, PORT_SOURCE, p->source_mask ? p->source_mask : 0xffff,
			    p->source_port);
	if (p->destination_port)
		match_field(m, BPF_H, PORT_DEST, p->destination_mask ? p->destination_mask : 0xffff,
			    p->destination_port);
	if (p->tcp_flags) {
		const struct sock_filter steps[] = {
			BPF_STMT(BPF_LD | BPF_ABS | BPF_B, TCP_FLAGS),
			BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, p->tcp_flags, 0, MATCH_LEAVE),
		};
		match_add(m, steps, ARRAY_SIZE(steps));
	}
}

/* The step at `i` jumps to one of the program's two last steps, if `target` is not a distance. */
static uint8_t distance(const struct match *m, size_t i, uint8_t target)
{
	size_t left = m->used - i - 1;

	return (uint8_t)(target == MATCH_TAKE ? left : target == MATCH_LEAVE ? left + 1 : target);
}

size_t match_program(const struct match *m, uint32_t take, uint32_t leave,
		     struct sock_filter *program)
{
	const struct sock_filter ends[] = {BPF_STMT(BPF_RET | BPF_K, take),
					   BPF_STMT(BPF_RET | BPF_K, leave)};

	if (m->used > MATCH_STEPS)
		return 0;
	for (size_t i = 0; i < m->used; i++) {
		program[i] = m->steps[i];
		if (BPF_CLASS(program[i].code) != BPF_JMP)
			continue;
		program[i].jt = distance(m, i, program[i].jt);
		program[i].jf = distance(m, i, program[i].jf);
	}
	memcpy(program + m->used, ends, sizeof(ends));
	return m->used + 2;
}
