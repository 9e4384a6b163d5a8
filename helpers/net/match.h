/* SPDX-License-Identifier: Apache-2.0 */
/* Says which frames a rule takes, as a program of classic BPF (cls_bpf, see tc-bpf(8)). */
#ifndef RUNX_MATCH_H
#define RUNX_MATCH_H

#include <linux/filter.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tests of a frame, in their order. The offsets begin at the Ethernet header. A frame that is
 * too short for a test is not taken. More than MATCH_STEPS steps make traffic_add() fail.
 */
#define MATCH_STEPS 80
struct match {
	size_t used;
	struct sock_filter steps[MATCH_STEPS];
};

/* Targets of a jump, in place of a distance: take the frame, or do not. */
#define MATCH_TAKE  0xfe
#define MATCH_LEAVE 0xff

/* Adds these steps. Their jumps count from the step itself, as in BPF, or are MATCH_TAKE and
 * MATCH_LEAVE. */
void match_add(struct match *m, const struct sock_filter *steps, size_t count);

/*
 * Takes only frames with these `size` bytes, an even number, at `offset`. With the mode BPF_IND the
 * program's register X is added to the offset. With BPF_ABS it is not.
 */
void match_bytes(struct match *m, uint16_t mode, uint32_t offset, const void *bytes, size_t size);

/* Which IPv4 packets match_ipv4() takes. A field that is 0 takes any packet. */
struct packet {
	in_addr_t source, destination; /* in the network's byte order */
	uint8_t protocol;
	/* In the host's byte order. A mask of 0 compares all bits. */
	uint16_t source_port, source_mask, destination_port, destination_mask;
	uint8_t tcp_flags; /* one of these is set */
};

/*
 * Takes only such packets. The caller says by the rule's `protocol` that they are IPv4. Packets
 * with options, and fragments, are not taken: the ports and flags are at fixed offsets then.
 */
void match_ipv4(struct match *m, const struct packet *p);

/*
 * Writes the program to `program`, which has room for MATCH_STEPS + 2 steps. It returns `take` for
 * frames that it takes, and otherwise `leave`. Returns the number of its steps, or 0 if there are
 * too many.
 */
size_t match_program(const struct match *m, uint32_t take, uint32_t leave,
		     struct sock_filter *program);

#endif
