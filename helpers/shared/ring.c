/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PV console backend on /dev/xen/gntdev and /dev/xen/evtchn, with no Xen library.
 *
 * xl knows secondary consoles only as QEMU's. But Linux's front end binds to any device/console/N
 * that appears, so we write the nodes ourselves. The backend's directory stands under backend/runx:
 * QEMU and xenconsoled look under backend/console and must leave ours alone (seen with QEMU 7.2).
 *
 * Layout of the shared page: xen/include/public/io/console.h. Our kernel's console has larger rings
 * in pages of their own, half of them for its input, half for its output (kernel-config/hvc.patch):
 * the backend offers them in max-data-pages, the front end answers with their grants in data-refs.
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

/* linux-libc-dev's headers use these two, but define them nowhere. */
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

#define INITIALISING "1" /* as RING_CONNECTED */

#define PAGE	   4096 /* Xen's, whatever the kernel's is */
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

/* `state` comes last: it is what makes the guest's xenbus look at the rest. */
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

	/* The directories first: nodes take their permissions from the directory they appear in. */
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

/* xenstored keeps emptied parents; they are the driver domain's to keep, as with other backends. */
void ring_withdraw(struct xenstore *xs, unsigned int domid)
{
	char path[XENSTORE_PATH];

	snprintf(path, sizeof(path), "/local/domain/0/backend/runx/%u", domid);
	xenstore_remove(xs, path);
}

/* Maps the pages of these grants, one behind the other. */
static void *map(const struct ring *ring, const uint32_t *refs, uint32_t count)
{
	union {
		struct ioctl_gntdev_map_grant_ref map;
		char room[sizeof(struct ioctl_gntdev_map_grant_ref) +
			  DATA_PAGES * sizeof(struct ioctl_gntdev_grant_ref)];
	} grant = {.map = {.count = count}};

	for (uint32_t i = 0; i < count; i++)
		grant.map.refs[i] = (struct ioctl_gntdev_grant_ref){ring->domid, refs[i]};
	if (ioctl(ring->gntdev, IOCTL_GNTDEV_MAP_GRANT_REF, &grant) < 0)
		return NULL;
	void *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->gntdev,
			   (off_t)grant.map.index);
	return pages == MAP_FAILED ? NULL : pages;
}

/* Whether `text` is as many numbers as there are data pages; also without a last blank. */
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

/* The rings are the shared page's, unless the guest has others. */
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
	/* Our own indices, kept here: in the page the guest could change them. */
	ring->out_cons = ring->shared->out_cons;
	ring->in_prod = ring->shared->in_prod;

	struct ioctl_evtchn_bind_interdomain bind = {ring->domid, (uint32_t)port};
	int local = ioctl(ring->evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (local < 0)
		return -1;
	ring->port = (uint32_t)local;
	return 0;
}

/* A page that stays mapped would keep the dead domain as a zombie. */
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

	/* Fails only once the guest is gone, which a xenstore watch tells. */
	(void)ioctl(ring->evtchn, IOCTL_EVTCHN_NOTIFY, &notify);
}

/* Copies between a ring of `size` bytes (a power of two) at `index` and flat memory. */
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
 * Both rings follow the rule of console.h: the producer fills the bytes, then releases its index;
 * the consumer acquires the index, takes the bytes, then releases its own. Acquire and release are
 * the barriers that ring.h and hvc_xen ask for between index and bytes (on Arm dmb, ldar or stlr;
 * on x86 the compiler's order). Each index is read once, as the guest may change it under us.
 *
 * Nobody sleeps over a change: who waits has looked after its own last change, and whom the other
 * may wait for rings. So the guest is rung for bytes only where it had taken all before them; its
 * kernel does the same (kernel-config/hvc.patch; Linux's own rings for each change). A full barrier
 * between the store of one's own index and the load of the other's makes one of the two see the
 * other's. Room is not rung for: Linux's front end waits for it by looking again and again
 * (domU_write_console), so the event would only interrupt that.
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

/* The indices are to be read after this, else what came before the next event could be missed. */
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
