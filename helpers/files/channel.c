/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout is that of xen/include/public/io/9pfs.h (XEN_FLEX_RING of ring.h). The first half of
 * the data pages is for answers, the second half for requests. Indices run freely over 32 bits.
 *
 * The guest can write all of it at any time. So each index is read once and checked, a header is
 * copied once, and what was copied is what counts. Our own indices are kept here.
 *
 * Nobody misses a change while asleep: a side that waits has looked after its own last change, and
 * a side rings if the other may be waiting. Two things wait in the guest:
 *
 * - the reader of answers, if it had taken all answers before this one;
 * - a writer, if the ring had no room for a message of msize bytes before a request was taken.
 *
 * Each is decided by a load of the guest's index that comes after the store of ours also for other
 * processors (SEQ_CST: xchg on x86, stlr and ldar on Arm). Linux's front end also has a full
 * barrier between the two (in a wake-up, and in a wait).
 */
#include "channel.h"

#include "helpers/shared/common.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

/* Size, type and tag: what every message of 9P begins with. */
#define HEADER 7

/* After a longer message than this, memory is given back once the guest is quiet for QUIET ms. */
#define KEPT  16384
#define QUIET 1000

/* Under the sanitizers a frame is several times as large. */
#ifdef __SANITIZE_ADDRESS__
#define STACK (SESSION_STACK * 8)
#else
#define STACK SESSION_STACK
#endif

/* ---- answers ---- */

/* Puts a whole answer to the ring, if it has room. Called under the lock. */
static bool put(struct ring9 *ring, const uint8_t *message, size_t size)
{
	struct indices *s = ring->shared;
	const uint32_t before = ring->in_prod;
	uint32_t queued = before - __atomic_load_n(&s->in_cons, __ATOMIC_ACQUIRE);

	if (queued > ring->half || size > ring->half - queued)
		return false; /* an impossible index is the guest's own loss */
	backend_copy_in(ring->in, ring->half, before, message, size);
	ring->in_prod = before + (uint32_t)size;
	__atomic_store_n(&s->in_prod, ring->in_prod, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->in_cons, __ATOMIC_SEQ_CST) == before)
		backend_ring(&ring->events);
	return true;
}

/* ---- waiting ---- */

/* The ring that this thread serves. */
static __thread const struct ring9 *served;

/*
 * Waits for an event, in the read of it. Nobody ends this thread but the end of the process, so the
 * read may last as long as the guest is quiet.
 */
static void await_event(struct ring9 *ring)
{
	backend_await(&ring->events);
	backend_acknowledge(&ring->events);
	pthread_mutex_lock(&ring->lock);
	if (ring->waiting)
		pthread_cond_broadcast(&ring->room);
	pthread_mutex_unlock(&ring->lock);
}

/*
 * Gives back the memory that long messages took, once the guest is quiet. Nothing that is in it may
 * be of use any more.
 */
static void shrink_when_quiet(struct ring9 *ring)
{
	struct pollfd quiet = {.fd = ring->events.fd, .events = POLLIN};

	if (ring->used <= KEPT)
		return;
	backend_await(&ring->events);
	if (poll(&quiet, 1, QUIET) != 0)
		return;
	madvise(ring->message, ring->most, MADV_DONTNEED);
	madvise(ring->reply, ring->most, MADV_DONTNEED);
	ring->used = 0;
}

/*
 * Sends an answer, and waits for room as long as need be. The ring's own thread waits for the
 * guest's event. It is the one that tells the others of it.
 */
static void answer(struct channel *channel, const uint8_t *message, size_t size)
{
	struct ring9 *ring = (struct ring9 *)channel;

	pthread_mutex_lock(&ring->lock);
	while (!put(ring, message, size)) {
		if (ring == served) {
			pthread_mutex_unlock(&ring->lock);
			await_event(ring);
			pthread_mutex_lock(&ring->lock);
		} else {
			ring->waiting++;
			pthread_cond_wait(&ring->room, &ring->lock);
			ring->waiting--;
		}
	}
	pthread_mutex_unlock(&ring->lock);
}

/* ---- requests ---- */

/* Moves our index behind the request that was copied, and rings if a writer may wait for room. */
static void taken(struct ring9 *ring, size_t size)
{
	struct indices *s = ring->shared;
	const uint32_t before = ring->out_cons;

	ring->out_cons = before + (uint32_t)size;
	__atomic_store_n(&s->out_cons, ring->out_cons, __ATOMIC_SEQ_CST);
	uint32_t queued = __atomic_load_n(&s->out_prod, __ATOMIC_SEQ_CST) - before;
	if (queued + ring->most > ring->half)
		backend_ring(&ring->events);
}

enum taking { NOTHING, REQUEST, BROKEN };

/*
 * Copies the next request to ring->message, and its size to *size. An incomplete request does not
 * count: the guest moves its index when all of it is there (xen_9pfs_write_packet).
 */
static enum taking take(struct ring9 *ring, size_t *size, const char **how)
{
	uint32_t queued =
		__atomic_load_n(&ring->shared->out_prod, __ATOMIC_ACQUIRE) - ring->out_cons;
	uint8_t *m = ring->message;

	if (queued == 0)
		return NOTHING;
	*how = "the VM broke the rules of a 9P ring: an index of it makes no sense";
	if (queued > ring->half)
		return BROKEN;
	*how = "the VM broke the rules of a 9P ring: the size of a request makes no sense";
	if (queued < HEADER)
		return BROKEN;
	backend_copy_out(m, ring->out, ring->half, ring->out_cons, HEADER);
	*size = (size_t)m[0] | (size_t)m[1] << 8 | (size_t)m[2] << 16 | (size_t)m[3] << 24;
	if (*size < HEADER || *size > ring->most || *size > queued)
		return BROKEN;
	backend_copy_out(m + HEADER, ring->out, ring->half, ring->out_cons + HEADER,
			 *size - HEADER);
	taken(ring, *size);
	return REQUEST;
}

static void note_used(struct ring9 *ring, size_t size)
{
	if (size > ring->used)
		ring->used = size;
}

const char *channel_serve(struct ring9 *ring)
{
	const char *how = NULL;
	enum taking taking;
	size_t size;

	served = ring;
	while ((taking = take(ring, &size, &how)) == REQUEST) {
		ssize_t n = session_request(ring->session, &ring->channel, ring->message, size,
					    ring->reply);
		if (n < 0)
			return "the VM broke the 9P protocol";
		note_used(ring, size);
		note_used(ring, (size_t)n);
		if (n > 0)
			answer(&ring->channel, ring->reply, (size_t)n);
	}
	return taking == BROKEN ? how : NULL;
}

static void *serve(void *with)
{
	struct ring9 *ring = with;
	const char *how;

	while (!(how = channel_serve(ring))) {
		shrink_when_quiet(ring);
		await_event(ring);
	}
	ring->broken(how);
	return NULL;
}

/* ---- beginning ---- */

static int map_data(struct ring9 *ring, int grants, unsigned int domid, unsigned int most_order)
{
	uint32_t refs[1 << RING_ORDER_MOST];
	uint32_t order = __atomic_load_n(&ring->shared->order, __ATOMIC_ACQUIRE);

	if (order < RING_ORDER_LEAST || order > most_order || order > RING_ORDER_MOST) {
		errno = EPROTO;
		return -1;
	}
	const size_t pages = (size_t)1 << order;
	memcpy(refs, ring->shared->refs, pages * sizeof(refs[0]));
	ring->half = RING_HALF(order);
	ring->in = backend_map(grants, domid, refs, pages);
	ring->out = ring->in ? ring->in + ring->half : NULL;
	return ring->in ? 0 : -1;
}

int channel_map(struct ring9 *ring, int grants, unsigned int domid, uint32_t ref, uint32_t port,
		unsigned int most_order)
{
	ring->shared = backend_map(grants, domid, &ref, 1);
	if (!ring->shared || map_data(ring, grants, domid, most_order) < 0)
		return -1;
	ring->out_cons = ring->shared->out_cons;
	ring->in_prod = ring->shared->in_prod;
	return backend_bind(&ring->events, domid, port);
}

static void *pages_for(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

int channel_prepare(struct ring9 *ring, struct session *session, size_t msize)
{
	ring->channel.answer = answer;
	ring->session = session;
	ring->most = msize;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->room, NULL);
	ring->message = pages_for(msize);
	ring->reply = pages_for(msize);
	return ring->message && ring->reply ? 0 : -1;
}

int channel_start(struct ring9 *ring, void (*broken)(const char *how))
{
	pthread_attr_t attributes;
	pthread_t thread;

	ring->broken = broken;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &attributes, serve, ring);
	pthread_attr_destroy(&attributes);
	return errno ? -1 : 0;
}
