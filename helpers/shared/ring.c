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
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The headers of linux-libc-dev use these two types but define them nowhere. */
typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

struct xencons {
	char in[1024]; /* to the guest */
	char out[2048];
	uint32_t in_cons, in_prod;
	uint32_t out_cons, out_prod;
};

#define INITIALISING "1" /* a state as those of ring.h */

#define PAGE	   4096 /* Xen's page size, whatever the kernel's is */
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
	ring->evtchn = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ring->gntdev = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
	return ring->evtchn < 0 || ring->gntdev < 0 ? -1 : 0;
}

/* `state` is written last, because it makes the guest's xenbus look at the other nodes. */
int ring_publish(struct xenstore *xs, unsigned int domid)
{
	char frontend[XENSTORE_PATH], backend[XENSTORE_PATH], path[XENSTORE_PATH], id[12],
		pages[12];

	node(frontend, FRONTEND, domid, "");
	node(backend, BACKEND, domid, "");
	snprintf(id, sizeof(id), "%u", domid);
	snprintf(pages, sizeof(pages), "%d", DATA_PAGES);
	const struct {
		const char *base, *name, *value;
	} nodes[] = {{BACKEND, "frontend", frontend},	 {BACKEND, "frontend-id", id},
		     {BACKEND, "max-data-pages", pages}, {BACKEND, "online", "1"},
		     {BACKEND, "state", INITIALISING},	 {FRONTEND, "backend", backend},
		     {FRONTEND, "backend-id", "0"},	 {FRONTEND, "state", INITIALISING}};

	/* The directories come first: a new node takes its permissions from its directory. */
	if (xenstore_write(xs, backend, "") < 0 || xenstore_permit(xs, backend, 0, domid) < 0 ||
	    xenstore_write(xs, frontend, "") < 0 || xenstore_permit(xs, frontend, domid, 0) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		node(path, nodes[i].base, domid, nodes[i].name);
		if (xenstore_write(xs, path, nodes[i].value) < 0)
			return -1;
	}
	return 0;
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

/* Maps the `count` pages of these grants one behind the other. Returns NULL on failure. */
static void *map(const struct ring *ring, const uint32_t *refs, uint32_t count)
{
	union {
		struct ioctl_gntdev_map_grant_ref map;
		char room[sizeof(struct ioctl_gntdev_map_grant_ref) +
			  DATA_PAGES * sizeof(struct ioctl_gntdev_grant_ref)];
	} grant = {.map = {.count = count}};

	/* The kernel's struct ends in an array of one. */
	struct ioctl_gntdev_grant_ref *all =
		(void *)(grant.room + offsetof(struct ioctl_gntdev_map_grant_ref, refs));

	for (uint32_t i = 0; i < count; i++)
		all[i] = (struct ioctl_gntdev_grant_ref){ring->domid, refs[i]};
	if (ioctl(ring->gntdev, IOCTL_GNTDEV_MAP_GRANT_REF, &grant) < 0)
		return NULL;
	void *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->gntdev,
			   (off_t)grant.map.index);
	return pages == MAP_FAILED ? NULL : pages;
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
	const size_t half = (size_t)DATA_PAGES * PAGE / 2;

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
	ring->data = map(ring, refs, DATA_PAGES);
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
	ring->shared = map(ring, &page, 1);
	if (!ring->shared || map_data(ring, data) < 0)
		return -1;
	/* Our own indices are kept here, because the guest could change them in the page. */
	ring->out_cons = ring->shared->out_cons;
	ring->in_prod = ring->shared->in_prod;

	struct ioctl_evtchn_bind_interdomain bind = {ring->domid, (uint32_t)port};
	int local = ioctl(ring->evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (local < 0)
		return -1;
	ring->port = (uint32_t)local;
	return 0;
}

/* A page that stays mapped keeps the dead domain as a zombie. */
void ring_disconnect(struct ring *ring)
{
	if (ring->data)
		munmap(ring->data, (size_t)DATA_PAGES * PAGE);
	if (ring->shared)
		munmap(ring->shared, PAGE);
	ring->shared = NULL;
	ring->data = NULL;
	ring->masked = false;
	if (ring->evtchn >= 0)
		close(ring->evtchn);
	if (ring->gntdev >= 0)
		close(ring->gntdev);
	ring->evtchn = ring->gntdev = -1;
}

static void ring_bell(const struct ring *ring)
{
	struct ioctl_evtchn_notify notify = {ring->port};

	/* This fails only when the guest is gone, and a xenstore watch reports that. */
	(void)ioctl(ring->evtchn, IOCTL_EVTCHN_NOTIFY, &notify);
}

/* These two copy between flat memory and a ring of `size` bytes (a power of two) at `index`. */
static void copy_out(void *into, const char *ring, size_t size, uint32_t index, size_t count)
{
	size_t at = index & (size - 1), first = count < size - at ? count : size - at;

	memcpy(into, ring + at, first);
	memcpy((char *)into + first, ring, count - first);
}

static void copy_in(char *ring, size_t size, uint32_t index, const void *from, size_t count)
{
	size_t at = index & (size - 1), first = count < size - at ? count : size - at;

	memcpy(ring + at, from, first);
	memcpy(ring, (const char *)from + first, count - first);
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
	copy_out(into, ring->out, ring->out_size, ring->out_cons, count);
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
	copy_in(ring->in, ring->in_size, ring->in_prod, from, count);
	ring->in_prod += (uint32_t)count;
	__atomic_store_n(&s->in_prod, ring->in_prod, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->in_cons, __ATOMIC_RELAXED) == before)
		ring_bell(ring);
	return (ssize_t)count;
}

/*
 * The barrier makes the reads of the indices come later. Otherwise bytes from before the next event
 * could be missed.
 */
void ring_acknowledge(struct ring *ring)
{
	uint32_t port;

	if (read(ring->evtchn, &port, sizeof(port)) == sizeof(port))
		ring->masked = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void ring_await(struct ring *ring)
{
	if (ring->masked)
		(void)!write(ring->evtchn, &ring->port, sizeof(ring->port));
	ring->masked = false;
}
