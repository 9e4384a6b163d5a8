/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests the rings of the file server against guests that are well-behaved, and hostile ones. The
 * pages are memory of this program, which plays Xen and the session behind the ring.
 */
#include "helpers/files/channel.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#define ORDER 5 /* a message is longer than what the host keeps */
#define HALF  RING_HALF(ORDER)
#define MSIZE (HALF / 2)

/* xen/include/public/io/9pfs.h */
struct page {
	uint32_t in_cons, in_prod;
	uint8_t pad1[56];
	uint32_t out_cons, out_prod;
	uint8_t pad2[56];
	uint32_t order, refs[991];
};

_Static_assert(sizeof(struct page) == BACKEND_PAGE, "a page");

/* ---- Xen ---- */

static struct guest {
	struct ring9 ring;
	struct page page;
	uint8_t data[2 * HALF];
	int rung;
	sem_t events, bells; /* for the host, and for the guest */
	sem_t asleep;	     /* the host waits for an event */
} * guest;

static struct guest *guest_of(const struct backend_events *events)
{
	return (struct guest *)(void *)((char *)(uintptr_t)events -
					offsetof(struct guest, ring.events));
}

void *backend_map(int grants, unsigned int domid, const uint32_t *refs, size_t count)
{
	assert_int_equal(grants, 3);
	assert_int_equal(domid, 7);
	if (refs[0] == 100 && count == 1)
		return &guest->page;
	assert_int_equal(count, 1 << ORDER);
	assert_int_equal(refs[count - 1], 200 + count - 1);
	return guest->data;
}

int backend_bind(struct backend_events *events, unsigned int domid, uint32_t port)
{
	(void)domid;
	events->port = port;
	return 0;
}

void backend_ring(const struct backend_events *events)
{
	struct guest *g = guest_of(events);

	__atomic_add_fetch(&g->rung, 1, __ATOMIC_SEQ_CST);
	sem_post(&g->bells);
}

void backend_acknowledge(struct backend_events *events)
{
	sem_post(&guest_of(events)->asleep);
	while (sem_wait(&guest_of(events)->events) < 0)
		;
}

void backend_await(struct backend_events *events)
{
	(void)events;
}

/* ---- the session ---- */

static struct {
	size_t count, sizes[16];
	uint8_t first[16]; /* the first byte behind each header */
	ssize_t result;	   /* of a request; or, if it is above 0, the size of the answer */
	bool echo, changes;
	bool twice; /* the request's thread has an answer to another one, too */
} seen;

ssize_t session_request(struct session *session, struct channel *channel, const uint8_t *message,
			size_t size, uint8_t *reply)
{
	struct guest *g = (struct guest *)(void *)channel; /* the ring is first in it */

	(void)session;
	if (seen.count < 16) {
		seen.sizes[seen.count] = size;
		seen.first[seen.count++] = size > 7 ? message[7] : 0;
	}
	/* The guest writes to the request while it is being done. */
	if (seen.changes)
		memset(g->data + HALF, 0xff, HALF);
	if (seen.echo) {
		memcpy(reply, message, size);
		return (ssize_t)size;
	}
	if (seen.result > 0)
		memset(reply, 'r', (size_t)seen.result);
	if (seen.twice)
		channel->answer(channel, reply, (size_t)seen.result);
	return seen.result;
}

/* ---- the guest ---- */

static void put(struct guest *g, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		g->data[HALF + (g->page.out_prod + i) % HALF] = ((const uint8_t *)bytes)[i];
	__atomic_store_n(&g->page.out_prod, g->page.out_prod + (uint32_t)count, __ATOMIC_SEQ_CST);
}

static void put_request(struct guest *g, uint32_t claimed, size_t size, uint8_t content)
{
	uint8_t bytes[HALF];

	memset(bytes, content, sizeof(bytes));
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(claimed >> 8 * i);
	put(g, bytes, size);
}

static struct guest *new_guest(uint32_t out, uint32_t in)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	guest = g;
	sem_init(&g->events, 0, 0);
	sem_init(&g->bells, 0, 0);
	sem_init(&g->asleep, 0, 0);
	g->ring.events.fd = -1; /* nothing to poll: quiet */
	g->page.order = ORDER;
	for (uint32_t i = 0; i < 1 << ORDER; i++)
		g->page.refs[i] = 200 + i;
	g->page.out_cons = g->page.out_prod = out;
	g->page.in_cons = g->page.in_prod = in;
	assert_int_equal(channel_map(&g->ring, 3, 7, 100, 5, ORDER), 0);
	assert_int_equal(channel_prepare(&g->ring, NULL, MSIZE), 0);
	memset(&seen, 0, sizeof(seen));
	return g;
}

/* ---- tests ---- */

static void answers_requests_in_their_order(void **state)
{
	/* Both indices go over 2^32, and over the end of the ring. */
	struct guest *g = new_guest(UINT32_MAX - 10, UINT32_MAX - 20);

	(void)state;
	seen.echo = true;
	put_request(g, 30, 30, 'a');
	put_request(g, 50, 50, 'b');
	put_request(g, 7, 7, 'c');
	assert_null(channel_serve(&g->ring));
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.sizes[0], 30);
	assert_int_equal(seen.first[0], 'a');
	assert_int_equal(seen.sizes[1], 50);
	assert_int_equal(seen.first[1], 'b');
	assert_int_equal(seen.sizes[2], 7);
	assert_int_equal(g->page.out_cons, g->page.out_prod);
	assert_int_equal(g->page.in_prod - g->page.in_cons, 87);
	for (uint32_t i = 37; i < 80; i++)
		assert_int_equal(g->data[(g->page.in_cons + i) % HALF], 'b');
	free(g);
}

static void rings_only_for_who_may_wait(void **state)
{
	struct guest *g = new_guest(0, 0);

	(void)state;
	seen.result = 20;
	put_request(g, 10, 10, 0);
	put_request(g, 10, 10, 0);
	assert_null(channel_serve(&g->ring));
	/* The second answer comes while the first one has not been taken. */
	assert_int_equal(g->rung, 1);
	g->page.in_cons = g->page.in_prod;
	put_request(g, 10, 10, 0);
	assert_null(channel_serve(&g->ring));
	assert_int_equal(g->rung, 2);
	/* Nothing is answered, and half of the ring is in use: a writer may wait for the rest. */
	seen.result = 0;
	put_request(g, MSIZE, MSIZE, 0);
	assert_null(channel_serve(&g->ring));
	assert_int_equal(g->rung, 2);
	put_request(g, MSIZE, MSIZE, 0);
	put_request(g, 10, 10, 0);
	assert_null(channel_serve(&g->ring));
	assert_int_equal(g->rung, 3);
	free(g);
}

static void refuses_what_makes_no_sense(void **state)
{
	static const struct {
		uint32_t claimed;
		size_t size;
	} requests[] = {{0, 7},		 {6, 7}, {UINT32_MAX, 7}, {8, 7}, {7, 6}, {MSIZE + 1, HALF},
			{0x80000007, 40}};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct guest *g = new_guest(0, 0);
		put_request(g, requests[i].claimed, requests[i].size, 0);
		assert_string_equal(channel_serve(&g->ring),
				    "the VM broke the rules of a 9P ring: the size of a request "
				    "makes no sense");
		assert_int_equal(seen.count, 0);
		free(g);
	}
}

static void refuses_an_impossible_index(void **state)
{
	static const uint32_t behind[] = {UINT32_MAX, HALF + 1, 0x80000000};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct guest *g = new_guest(5, 0);
		g->page.out_prod = 5 + behind[i];
		assert_string_equal(
			channel_serve(&g->ring),
			"the VM broke the rules of a 9P ring: an index of it makes no sense");
		free(g);
	}
}

static void a_request_that_changes_is_what_it_was(void **state)
{
	struct guest *g = new_guest(0, 0);

	(void)state;
	seen.changes = true;
	put_request(g, 30, 30, 'a');
	assert_null(channel_serve(&g->ring));
	assert_int_equal(seen.sizes[0], 30);
	assert_int_equal(g->page.out_cons, 30);
	/* Our own index counts, not the one in the page. */
	seen.changes = false;
	g->page.out_cons = 999;
	put_request(g, 40, 40, 'b');
	assert_null(channel_serve(&g->ring));
	assert_int_equal(g->page.out_cons, 70);
	free(g);
}

static void refuses_orders(void **state)
{
	static const uint32_t orders[] = {0, 1, ORDER + 1, 9, 10, 30, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct guest *g = new_guest(0, 0);
		struct ring9 other = {0};
		g->page.order = orders[i];
		errno = 0;
		assert_int_equal(channel_map(&other, 3, 7, 100, 5, ORDER), -1);
		assert_int_equal(errno, EPROTO);
		/* An order that changes after the connection has no effect. */
		seen.echo = true;
		put_request(g, 30, 30, 'a');
		assert_null(channel_serve(&g->ring));
		assert_int_equal(g->ring.half, HALF);
		free(g);
	}
}

static void the_session_may_give_up(void **state)
{
	struct guest *g = new_guest(0, 0);

	(void)state;
	seen.result = -1;
	put_request(g, 30, 30, 'a');
	assert_string_equal(channel_serve(&g->ring), "the VM broke the 9P protocol");
	free(g);
}

/* ---- threads ---- */

static void fails(const char *how)
{
	fail_msg("%s", how);
}

static uint32_t answered(struct guest *g)
{
	return __atomic_load_n(&g->page.in_prod, __ATOMIC_SEQ_CST) -
	       __atomic_load_n(&g->page.in_cons, __ATOMIC_SEQ_CST);
}

/*
 * Takes `count` bytes of answers. As a guest must, it sleeps only when it has taken all that there
 * is: no bell comes for an answer behind one that is still there.
 */
static void take(struct guest *g, uint32_t count)
{
	while (count > 0) {
		uint32_t there = answered(g);
		if (there == 0) {
			while (sem_wait(&g->bells) < 0)
				;
			continue;
		}
		assert_true(there <= count);
		__atomic_store_n(&g->page.in_cons, g->page.in_cons + there, __ATOMIC_SEQ_CST);
		count -= there;
		sem_post(&g->events);
	}
}

static void two_channels_serve_at_once(void **state)
{
	struct guest *one = new_guest(0, 0), *two = new_guest(1000, 2000);

	(void)state;
	seen.echo = true;
	assert_int_equal(channel_start(&one->ring, fails), 0);
	assert_int_equal(channel_start(&two->ring, fails), 0);
	for (int i = 0; i < 2000; i++) {
		put_request(one, 40, 40, 'a');
		put_request(two, 60, 60, 'b');
		sem_post(&one->events);
		sem_post(&two->events);
		take(two, 60);
		take(one, 40);
	}
	/* The threads live as long as the process, and so does their memory. */
}

/* Three requests with answers of which the ring holds two: its thread waits with the next one. */
static struct guest *fill(bool twice)
{
	struct guest *g = new_guest(0, 0);

	seen.result = MSIZE;
	seen.twice = twice;
	for (int i = 0; i < 3; i++)
		put_request(g, 10, 10, 'a');
	assert_int_equal(channel_start(&g->ring, fails), 0);
	sem_wait(&g->asleep);
	return g;
}

static struct guest *full;

static void *answers_later(void *with)
{
	static const uint8_t answer[] = "\x0c\0\0\0\x07\0\0later";

	(void)with;
	full->ring.channel.answer(&full->ring.channel, answer, 12);
	return NULL;
}

/* The ring is full: its own thread waits with an answer, and so does a worker. */
static void answers_wait_for_room(void **state)
{
	pthread_t worker;
	struct guest *g = full = fill(false);

	(void)state;
	assert_int_equal(answered(g), HALF);
	assert_int_equal(pthread_create(&worker, NULL, answers_later, NULL), 0);
	/* The third answer and the late one come in any order. */
	take(g, 3 * MSIZE + 12);
	assert_int_equal(pthread_join(worker, NULL), 0);
	assert_int_equal(answered(g), 0);
}

/* A VM that was paused takes its answers late. */
static void a_late_reader_gets_what_was_answered(void **state)
{
	struct guest *g = fill(false);
	const uint32_t size = MSIZE;

	(void)state;
	__atomic_store_n(&g->page.in_cons, HALF, __ATOMIC_SEQ_CST);
	sem_post(&g->events);
	while (__atomic_load_n(&g->page.in_prod, __ATOMIC_SEQ_CST) != HALF + size)
		sem_wait(&g->bells);
	for (size_t i = 0; i < MSIZE; i++)
		assert_int_equal(g->data[i], 'r');
}

/* It may be the thread of a ring that answers what was flushed. Nobody else wakes it. */
static void a_ring_waits_for_room_in_itself(void **state)
{
	struct guest *g = fill(true);

	(void)state;
	take(g, 6 * MSIZE);
	assert_int_equal(answered(g), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_requests_in_their_order),
		cmocka_unit_test(rings_only_for_who_may_wait),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(refuses_an_impossible_index),
		cmocka_unit_test(a_request_that_changes_is_what_it_was),
		cmocka_unit_test(refuses_orders),
		cmocka_unit_test(the_session_may_give_up),
		cmocka_unit_test(two_channels_serve_at_once),
		cmocka_unit_test(answers_wait_for_room),
		cmocka_unit_test(a_late_reader_gets_what_was_answered),
		cmocka_unit_test(a_ring_waits_for_room_in_itself),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files ring", tests, NULL, NULL);
}
