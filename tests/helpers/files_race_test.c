/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings of a guest ask for all kinds of things of the same few fids and names at once. This is
 * built with ThreadSanitizer, which ends it at the first race.
 *
 * usage: files_race_test [ROUNDS]   default: 20000 requests for each ring
 */
#include "share.h"

static unsigned int rounds = 20000;

struct ring {
	struct nine nine;
	unsigned int random;
};

static unsigned int any(struct ring *ring, unsigned int below)
{
	ring->random = ring->random * 1103515245 + 12345;
	return (ring->random >> 16) % below;
}

/* Some wait, and some of these are flushed. The tag of the flush is next to none of the others. */
static void ask_for_lock(struct ring *ring, unsigned int fid)
{
	static const unsigned int flags[] = {0, P9_LOCK_FCNTL, P9_LOCK_FLOCK};
	struct nine *n = &ring->nine;
	const uint16_t tag = n->tag;

	nine_lock(n, fid, any(ring, 3), flags[any(ring, 3)] | (any(ring, 2) ? P9_LOCK_BLOCK : 0),
		  any(ring, 8), any(ring, 4), any(ring, 2));
	if (any(ring, 3))
		return;
	n->tag = tag ^ 0x8000;
	nine_ask(n, TFLUSH, "w", tag);
	n->tag = tag;
}

static void ask_anything(struct ring *ring)
{
	static const char *const names[] = {"a", "b", "c", "dir"};
	struct nine *n = &ring->nine;
	unsigned int fid = 1 + any(ring, 5), other = 1 + any(ring, 5);
	unsigned int from = any(ring, 3) ? ROOT : fid;
	const char *name = names[any(ring, 4)], *second = names[any(ring, 4)];
	struct nine_attributes a;

	switch (any(ring, 24)) {
	case 0 ... 3:
		nine_clunk(n, other);
		nine_walk(n, from, other, any(ring, 3) ? name : "");
		break;
	case 4:
		nine_walk(n, from, other, "dir/a");
		break;
	case 5:
	case 6:
		nine_open(n, fid, any(ring, 3) | any(ring, 2) << 9);
		break;
	case 7:
	case 8:
		nine_create(n, fid, name, 02 | any(ring, 2) << 7, 0600, 0);
		break;
	case 9:
	case 10:
		nine_clunk(n, fid);
		break;
	case 11:
		nine_ask(n, TREMOVE, "d", fid);
		break;
	case 12:
		nine_ask(n, TRENAMEAT, "dsds", from, name, ROOT, second);
		break;
	case 13:
		nine_ask(n, TRENAME, "dds", fid, ROOT, name);
		break;
	case 14:
		nine_write(n, fid, any(ring, 10), "content", any(ring, 8));
		break;
	case 15:
		nine_read(n, fid, any(ring, 10), 100);
		break;
	case 16:
		nine_ask(n, TREADDIR, "dqd", fid, (uint64_t)0, 500);
		break;
	case 17:
		nine_getattr(n, fid, &a);
		break;
	case 18:
		nine_setattr(n, fid, 9, 0600, 0, 0, any(ring, 9), 0, 0);
		break;
	case 19:
		nine_ask(n, TXATTRCREATE, "dsqd", fid, "user.x", (uint64_t)any(ring, 8), 0);
		break;
	case 20:
		nine_ask(n, TXATTRWALK, "dds", fid, other, any(ring, 2) ? "user.x" : "");
		break;
	case 21:
		ask_for_lock(ring, fid);
		break;
	case 22:
		nine_ask(n, any(ring, 2) ? TMKDIR : TUNLINKAT, "dsd", from, name, 0);
		break;
	case 23:
		nine_ask(n, TFSYNC, "dd", fid, 0);
		nine_ask(n, TMKDIR, "dsdd", ROOT, "dir", 0755, 0);
		break;
	}
	nine_attach(n, ROOT, 0); /* after a new session */
}

static void *run_ring(void *argument)
{
	struct ring *ring = argument;

	for (unsigned int i = 0; i < rounds; i++) {
		ask_anything(ring);
		/* A tag is of one request, also of one that is answered later. */
		ring->nine.tag = (uint16_t)(ring->nine.tag + 2);
		if (i % 5000 == 4999)
			nine_version(&ring->nine, NINE_MSIZE);
	}
	return NULL;
}

static void race_for_the_same_fids(void **state)
{
	static struct ring rings[2];
	pthread_t threads[2];

	end_client(*state);
	/* So few descriptors that nodes are closed and reopened all the time. */
	struct session *session =
		new_session(&(struct session_limits){.descriptors = 3, .opens = 8, .waiting = 4});
	for (unsigned int i = 0; i < 2; i++) {
		nine_begin(&rings[i].nine, session);
		rings[i].random = i + 1;
		rings[i].nine.tag = (uint16_t)i;
	}
	assert_int_equal(nine_version(&rings[0].nine, NINE_MSIZE), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_ring, &rings[i]), 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	session_end(session);
	*state = new_client(&(struct session_limits){0});
}

static bool attached;

/* Fids come by one ring, and the table grows. Sessions begin by the other. */
static void *attach_many(void *argument)
{
	struct nine *n = argument;

	for (unsigned int fid = 0; fid < 1000; fid++)
		nine_attach(n, fid, 0);
	__atomic_store_n(&attached, true, __ATOMIC_RELAXED);
	return NULL;
}

static void *begin_sessions(void *argument)
{
	struct nine *n = argument;

	while (!__atomic_load_n(&attached, __ATOMIC_RELAXED)) {
		nine_version(n, NINE_MSIZE);
		usleep(50);
	}
	return NULL;
}

static void grows_beside_a_new_session(void **state)
{
	static struct nine rings[2];
	pthread_t threads[2];

	(void)state;
	for (unsigned int i = 0; i < rounds / 400; i++) {
		struct session *session = new_session(&(struct session_limits){0});
		attached = false;
		nine_begin(&rings[0], session);
		nine_begin(&rings[1], session);
		assert_int_equal(nine_version(&rings[0], NINE_MSIZE), 0);
		assert_int_equal(pthread_create(&threads[0], NULL, attach_many, &rings[0]), 0);
		assert_int_equal(pthread_create(&threads[1], NULL, begin_sessions, &rings[1]), 0);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		session_end(session);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(race_for_the_same_fids, begin, end),
		cmocka_unit_test_setup_teardown(grows_beside_a_new_session, begin, end),
	};

	if (argc > 1)
		rounds = (unsigned int)atoi(argv[1]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files race", tests, begin_all, end_all);
}
