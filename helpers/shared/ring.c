/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PV console backend on /dev/xen/gntdev and /dev/xen/evtchn, without any Xen library.
 *
 * xl offers a second console only through QEMU. But Linux's front end binds to every
 * device/console/N that appears in xenstore, so the proxy writes the nodes itself. The backend's
 * directory is below backend/runx. QEMU and xenconsoled look below backend/console and must leave
 * this console alone (seen with QEMU 7.2).
 *
 * The layout of the shared page is in xen/include/public/io/console.h. runX's own kernel has larger
 * rings in pages of their own: the first half of these pages for its input, the second half for its
 * output (kernel-config/hvc.patch). The backend offers the number of pages in max-data-pages. The
 * front end answers with the pages' grants in data-refs.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct xencons {
	char in[1024]; /* to the guest */
	char out[2048];
	uint32_t in_cons, in_prod;
	uint32_t out_cons, out_prod;
};

#define DATA_PAGES 8

static void node(char path[XENSTORE_PATH], const char *format, unsigned int domid, const char *name)
{
	int n = snprintf(path, XENSTORE_PATH, format, domid);

	snprintf(path + n, XENSTORE_PATH - (size_t)n, "%s%s", *name ? "/" : "", name);
}

#define FRONTEND "/local/domain/%u/device/console/1"
#define BACKEND	 "/local/domain/0/backend/runx/%u/1"

void ring_frontend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH])
{
	node(path, FRONTEND, domid, name);
}

void ring_backend_path(unsigned int domid, const char *name, char path[XENSTORE_PATH])
{
	node(path, BACKEND, domid, name);
}

int ring_open(struct ring *ring, unsigned int domid)
{
	*ring = (struct ring){.domid = domid};
	ring->events.fd = backend_open_events(domid, O_NONBLOCK);
	ring->gntdev = backend_open_grants();
	return ring->events.fd < 0 || ring->gntdev < 0 ? -1 : 0;
}

int ring_publish(struct xenstore *xs, unsigned int domid)
{
	char frontend[XENSTORE_PATH], backend[XENSTORE_PATH], pages[12];
	const struct backend_node nodes[] = {{true, "max-data-pages", pages}};

	node(frontend, FRONTEND, domid, "");
	node(backend, BACKEND, domid, "");
	snprintf(pages, sizeof(pages), "%d", DATA_PAGES);
	return backend_publish(xs, domid, frontend, backend, nodes, 1, BACKEND_INITIALISING);
}

/*
 * xenstored keeps the empty parent directory. It belongs to the driver domain, as with other
 * backends.
 */
void ring_withdraw(struct xenstore *xs, unsigned int domid)
{
	char path[XENSTORE_PATH];

	snprintf(path, sizeof(path), "/local/domain/0/backend/runx/%u", domid);
	xenstore_remove(xs, path);
}

/* True if `text` has exactly one number for each data page. A blank at its end may be missing. */
static bool parse_refs(const char *text, uint32_t refs[DATA_PAGES])
{
	char *end;

	for (int i = 0; i < DATA_PAGES; i++, text = end) {
		errno = 0;
		unsigned long ref = strtoul(text, &end, 10);
		if (end == text || errno || ref > UINT32_MAX)
			return false;
		refs[i] = (uint32_t)ref;
	}
	return text[strspn(text, " ")] == '\0';
}

/* Uses the rings in the shared page, unless the guest has larger ones. */
static int map_data(struct ring *ring, const char *text)
{
	uint32_t refs[DATA_PAGES];
	const size_t half = (size_t)DATA_PAGES * BACKEND_PAGE / 2;

	ring->in = ring->shared->in;
	ring->in_size = sizeof(ring->shared->in);
	ring->out = ring->shared->out;
	ring->out_size = sizeof(ring->shared->out);
	if (!text)
		return 0;
	if (!parse_refs(text, refs)) {
		errno = EPROTO;
		return -1;
	}
	ring->data = backend_map(ring->gntdev, ring->domid, refs, DATA_PAGES);
	if (!ring->data)
		return -1;
	ring->in = ring->data;
	ring->out = ring->in + half;
	ring->in_size = ring->out_size = half;
	return 0;
}

int ring_connect(struct ring *ring, long ref, long port, const char *data)
{
	const uint32_t page = (uint32_t)ref;

	if (ref < 0 || port < 0) {
		errno = EPROTO;
		return -1;
	}
	ring->shared = backend_map(ring->gntdev, ring->domid, &page, 1);
	if (!ring->shared || map_data(ring, data) < 0)
		return -1;
	/* Our own indices are kept here, because the guest could change them in the page. */
	ring->out_cons = ring->shared->out_cons;
	ring->in_prod = ring->shared->in_prod;
	return backend_bind(&ring->events, ring->domid, (uint32_t)port);
}

/* A page that stays mapped keeps the dead domain as a zombie. */
void ring_disconnect(struct ring *ring)
{
	if (ring->data)
		munmap(ring->data, (size_t)DATA_PAGES * BACKEND_PAGE);
	if (ring->shared)
		munmap(ring->shared, BACKEND_PAGE);
	ring->shared = NULL;
	ring->data = NULL;
	if (ring->events.fd >= 0)
		close(ring->events.fd);
	if (ring->gntdev >= 0)
		close(ring->gntdev);
	ring->events = (struct backend_events){.fd = -1};
	ring->gntdev = -1;
}

/*
 * Both rings follow the rule of console.h. The producer writes the bytes and then releases its
 * index. The consumer acquires that index, takes the bytes, and then releases its own index.
 * Acquire and release are the barriers between index and bytes that Xen's ring.h and Linux's
 * hvc_xen ask for: dmb, ldar or stlr on Arm, the compiler's order on x86. Each index is read once,
 * because the guest may change it at any time.
 *
 * Nobody misses a change while asleep. A side that waits has looked at the ring after its own last
 * change, and a side rings if the other may be waiting. So the host rings for new bytes only if the
 * guest had taken all bytes before them. The guest's kernel does the same
 * (kernel-config/hvc.patch), while Linux's own driver rings for each change. A full barrier stands
 * between the store of a side's own index and its load of the other's index. So at least one of the
 * two sides sees the other's new index. The host does not ring when there is room again: Linux's
 * front end waits for room by looking again and again (domU_write_console), and the event would
 * only interrupt that.
 */
ssize_t ring_read(struct ring *ring, void *into, size_t room)
{
	struct xencons *s = ring->shared;
	uint32_t queued = __atomic_load_n(&s->out_prod, __ATOMIC_ACQUIRE) - ring->out_cons;

	if (queued > ring->out_size) {
		errno = EPROTO;
		return -1;
	}
	size_t count = queued < room ? queued : room;
	if (count == 0)
		return 0;
	backend_copy_out(into, ring->out, ring->out_size, ring->out_cons, count);
	ring->out_cons += (uint32_t)count;
	__atomic_store_n(&s->out_cons, ring->out_cons, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (ssize_t)count;
}

ssize_t ring_write(struct ring *ring, const void *from, size_t count)
{
	struct xencons *s = ring->shared;
	const uint32_t before = ring->in_prod;
	uint32_t queued = before - __atomic_load_n(&s->in_cons, __ATOMIC_ACQUIRE);

	if (queued > ring->in_size) {
		errno = EPROTO;
		return -1;
	}
	if (count > ring->in_size - queued)
		count = ring->in_size - queued;
	if (count == 0)
		return 0;
	backend_copy_in(ring->in, ring->in_size, ring->in_prod, from, count);
	ring->in_prod += (uint32_t)count;
	__atomic_store_n(&s->in_prod, ring->in_prod, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->in_cons, __ATOMIC_RELAXED) == before)
		backend_ring(&ring->events);
	return (ssize_t)count;
}
