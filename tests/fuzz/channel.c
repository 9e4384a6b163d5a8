/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes a ring of the file server. The guest can write its page and the data pages: any index, any
 * order and any content, at any time, also while a request is done.
 *
 * What must hold: channel.c touches no byte outside of these pages. The session gets whole requests
 * with the size that they say, no longer than msize. Our indices move by what was taken and given,
 * whatever the page says.
 */
#include "helpers/files/channel.h"

#include "fuzz.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

struct page {
	uint32_t in_cons, in_prod;
	uint8_t pad1[56];
	uint32_t out_cons, out_prod;
	uint8_t pad2[56];
	uint32_t order, refs[991];
};

#define ORDER 3 /* the most that is offered */
#define DATA  (4096 << ORDER)

static struct page *page;
static uint8_t *data;
static struct bytes *input;
static struct ring9 ring;
static uint32_t given, taken; /* bytes of answers, and of requests */

/* ---- Xen ---- */

WRAP(int, ioctl, int fd, unsigned long request, ...)
{
	(void)fd, (void)request;
	return 0;
}

WRAP(void *, mmap, void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_SHARED) || fd != -2)
		return __real_mmap(at, size, protection, flags, fd, offset);
	must(size == 4096 || (size >= 4 * 4096 && size <= DATA));
	return size == 4096 ? (void *)page : data;
}

/* The host waits for room: a guest that never made any would only harm itself. */
WRAP(ssize_t, read, int fd, void *into, size_t count)
{
	if (fd != -2)
		return __real_read(fd, into, count);
	page->in_cons = ring.in_prod;
	return -1;
}

WRAP(int, poll, struct pollfd *fds, nfds_t count, int patience)
{
	(void)fds, (void)count, (void)patience;
	return 1;
}

/* ---- the guest and the session ---- */

static void scribble(struct bytes *in)
{
	uint32_t *indices[] = {&page->in_cons,	&page->in_prod, &page->out_cons,
			       &page->out_prod, &page->order,	&page->refs[0]};
	uint8_t what = take8(in);

	switch (what % 4) {
	case 0:
		*indices[what / 4 % 6] = take32(in);
		break;
	case 1:
		*indices[what / 4 % 6] += take16(in);
		break;
	case 2:
		take(in, data + take16(in) % (DATA - 48), 48);
		break;
	case 3: /* a request with the right size */
		for (uint32_t i = 0, size = 7 + take8(in); i < size; i++)
			data[ring.half + (page->out_prod + i) % ring.half] =
				i == 0 ? (uint8_t)size : (uint8_t)(i < 4 ? 0 : what);
		page->out_prod += 7 + what;
		break;
	}
}

ssize_t session_request(struct session *session, struct channel *channel, const uint8_t *message,
			size_t size, uint8_t *reply)
{
	must(session == NULL && channel == &ring.channel);
	must(size >= 7 && size <= ring.most);
	must((message[0] | message[1] << 8 | message[2] << 16 | (uint32_t)message[3] << 24) ==
	     size);
	taken += (uint32_t)size;
	must(ring.out_cons == taken);
	uint8_t what = take8(input);
	if (what % 3 == 0)
		scribble(input);
	if (what == 255)
		return -1;
	size_t answer = what % 5 == 0 ? 0 : 7 + take16(input) % (ring.most - 7);
	memset(reply, what, answer);
	given += (uint32_t)answer;
	return (ssize_t)answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bytes in = {.at = bytes, .left = size};

	input = &in;
	page = calloc(1, sizeof(*page));
	data = calloc(1, DATA);
	page->order = take8(&in) % 6;
	page->out_cons = page->out_prod = taken = take32(&in);
	page->in_cons = page->in_prod = given = take32(&in);
	ring = (struct ring9){.events = {.fd = -2}};
	bool mapped = channel_map(&ring, -2, 7, take32(&in), take32(&in), ORDER) == 0;
	must(mapped == (page->order >= RING_ORDER_LEAST && page->order <= ORDER));
	if (mapped) {
		must(ring.in == data && ring.out == data + ring.half && ring.half * 2 <= DATA);
		must(channel_prepare(&ring, NULL, ring.half / 2) == 0);
		const char *broken = NULL;
		while (in.left && !broken) {
			scribble(&in);
			broken = channel_serve(&ring);
			must(ring.out_cons == taken && ring.in_prod == given);
		}
		munmap(ring.message, ring.most);
		munmap(ring.reply, ring.most);
	}
	free(page);
	free(data);
	return 0;
}
