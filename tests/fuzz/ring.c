/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the console's ring. The guest can write its page and its xenstore nodes: any index and any
 * content, at any time. The rings may also be in further pages.
 *
 * What must hold: ring.c touches no byte outside of these pages. It never reads more bytes than are
 * in a ring, and never writes more than fit. It refuses impossible indices as long as they are
 * impossible.
 */
#include "helpers/shared/ring.h"

#include "fuzz.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

struct page {
	char in[1024], out[2048];
	uint32_t in_cons, in_prod, out_cons, out_prod;
};

#define DATA (8 * 4096)

static struct page *page;
static char *pages;
static struct bytes *input;
static uint8_t numbers[4], faults; /* the values of xenstore's nodes; which calls fail */
static size_t asked;

/* ---- Xen ---- */

/* What the guest's node holds: a number, or none. */
static long number(void)
{
	uint8_t n = numbers[asked++ % 4];

	return n < 200 ? n % 8 : -1;
}

/* The node data-refs is missing, or is right, or has any content. */
static const char *data_refs(void)
{
	static char value[XENSTORE_VALUE + 1];
	uint8_t kind = numbers[asked++ % 4];

	if (kind >= 200 || kind < 50)
		return NULL;
	memset(value, 0, sizeof(value));
	if (kind < 150)
		memcpy(value, "8 9 10 11 4294967295 13 14 15 ", 30);
	else
		take(input, value, 100);
	return value;
}

int xenstore_write(struct xenstore *xs, const char *path, const char *value)
{
	(void)xs, (void)value;
	must(strlen(path) < XENSTORE_PATH);
	return faults & 1 ? -1 : 0;
}

int xenstore_permit(struct xenstore *xs, const char *path, unsigned int owner, unsigned int reader)
{
	(void)xs, (void)path, (void)owner, (void)reader;
	return 0;
}

int xenstore_remove(struct xenstore *xs, const char *path)
{
	(void)xs, (void)path;
	return 0;
}

WRAP(int, ioctl, int fd, unsigned long request, ...)
{
	must(fd == -1);
	if (request == IOCTL_GNTDEV_MAP_GRANT_REF)
		return faults & 2 ? -1 : 0;
	return request == IOCTL_EVTCHN_BIND_INTERDOMAIN && faults & 4 ? -1 : 0;
}

WRAP(void *, mmap, void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fd != -1 || (size != 4096 && size != DATA) || !(flags & MAP_SHARED))
		return __real_mmap(at, size, protection, flags, fd, offset);
	return faults & 8 ? MAP_FAILED : size == DATA ? (void *)pages : page;
}

WRAP(int, munmap, void *at, size_t size)
{
	return at == page || at == pages ? 0 : __real_munmap(at, size);
}

/* ---- the host's side, and its right results ---- */

static void reads(struct ring *ring, size_t room)
{
	uint32_t from = ring->out_cons, there = page->out_prod - from;
	char *into = malloc(room ? room : 1);
	ssize_t n = ring_read(ring, into, room);

	if (there > ring->out_size) {
		must(n == -1 && errno == EPROTO && ring->out_cons == from);
	} else {
		must(n == (ssize_t)(there < room ? there : room));
		must(ring->out_cons == from + (uint32_t)n);
		must(n == 0 || page->out_cons == ring->out_cons);
		for (ssize_t i = 0; i < n; i++)
			must(into[i] == ring->out[(from + (uint32_t)i) % ring->out_size]);
	}
	free(into);
}

static void writes(struct ring *ring, size_t count)
{
	uint32_t from = ring->in_prod, there = from - page->in_cons;
	char *bytes = malloc(count ? count : 1);

	memset(bytes, (int)from, count);
	ssize_t n = ring_write(ring, bytes, count);
	if (there > ring->in_size) {
		must(n == -1 && errno == EPROTO && ring->in_prod == from);
	} else {
		must(n >= 0 && (size_t)n <= count && (size_t)n <= ring->in_size - there);
		must(n > 0 || count == 0 || there == ring->in_size);
		must(ring->in_prod == from + (uint32_t)n);
		must(n == 0 || page->in_prod == ring->in_prod);
		for (ssize_t i = 0; i < n; i++)
			must(ring->in[(from + (uint32_t)i) % ring->in_size] == bytes[i]);
	}
	free(bytes);
}

static void step(struct ring *ring, struct bytes *in)
{
	uint32_t *indices[] = {&page->in_cons, &page->in_prod, &page->out_cons, &page->out_prod};
	uint8_t what = take8(in);

	switch (what % 5) {
	case 0:
		reads(ring, take16(in) % 10000);
		break;
	case 1:
		writes(ring, take16(in) % 20000);
		break;
	case 2:
		*indices[what / 5 % 4] = take32(in);
		break;
	case 3:
		*indices[what / 5 % 4] += take16(in);
		break;
	case 4:
		take(in, ring->out + take16(in) % (ring->out_size - 48), 48);
		break;
	}
}

/* The rings are either in the shared page or in the further pages. */
static void check_rings(const struct ring *ring)
{
	if (ring->data)
		must(ring->in == pages && ring->out == pages + DATA / 2 &&
		     ring->in_size == DATA / 2 && ring->out_size == DATA / 2);
	else
		must(ring->in == page->in && ring->out == page->out &&
		     ring->in_size == sizeof(page->in) && ring->out_size == sizeof(page->out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {.at = data, .left = size};
	struct ring ring = {.events = {.fd = -1}, .gntdev = -1};

	page = calloc(1, sizeof(*page));
	pages = calloc(1, DATA);
	input = &in;
	asked = 0;
	take(&in, numbers, sizeof(numbers));
	faults = take8(&in) & take8(&in);
	page->out_cons = page->out_prod = take32(&in);
	page->in_cons = page->in_prod = take32(&in);
	long ref = number(), port = number();
	bool connected = ring_connect(&ring, ref, port, data_refs()) == 0;
	must(!connected || ring.shared);
	if (connected)
		check_rings(&ring);
	while (in.left && connected)
		step(&ring, &in);
	ring_disconnect(&ring);
	must(!ring.shared && !ring.data);
	free(page);
	free(pages);
	return 0;
}
