/* SPDX-License-Identifier: Apache-2.0 */
/* Tests when the proxy tells the guest the time: after HELLO, once at a time, only if needed. */
#include "helpers/proxy/clock.h"
#include "helpers/proxy/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Of host_now(), in ms: long after the last CLOCK. */
#define NOW 1000000

/* A guest that has said HELLO, and knows the time since NOW. */
static int setup(void **state)
{
	(void)state;
	memset(&container.outbox, 0, sizeof(container.outbox));
	memset(&container.clock, 0, sizeof(container.clock));
	container.clock.set = -1;
	container.clock.sent = NOW;
	container.hello = true;
	return 0;
}

/* Takes what is on its way to the guest, one frame. Returns its type, or 0 if there is none. */
static int next_frame(int64_t *seconds)
{
	const uint8_t *b = container.outbox.bytes + container.outbox.head;
	struct wire_frame frame = {.length = wire_get32(b + 4), .payload = b + WIRE_HEADER};
	int type = b[0];

	if (container.outbox.used == 0)
		return 0;
	assert_int_equal(container.outbox.used, WIRE_HEADER + frame.length);
	container.outbox.used = 0;
	*seconds = (int64_t)(wire_word(&frame, 0) | (uint64_t)wire_word(&frame, 1) << 32);
	assert_int_equal(frame.length, WIRE_CLOCK_LENGTH);
	assert_true(wire_word(&frame, 2) < 1000000000);
	return type;
}

static bool told(int64_t now)
{
	int64_t seconds = time(NULL), of_frame;

	clock_tell(now);
	if (next_frame(&of_frame) != WIRE_CLOCK)
		return false;
	assert_in_range(of_frame - seconds, 0, 2);
	return true;
}

static void nothing_before_hello(void **state)
{
	(void)state;
	container.hello = false;
	container.clock.owed = true;
	assert_false(clock_owes());
	assert_false(told(NOW));
	container.hello = true;
	assert_true(clock_owes());
	assert_true(told(NOW));
	assert_false(clock_owes());
}

static void the_next_waits_for_the_answer(void **state)
{
	(void)state;
	container.clock.owed = true;
	assert_true(told(NOW));
	container.clock.owed = true;
	assert_false(told(NOW + 1000));
	assert_false(clock_owes());
	assert_true(clock_answered(NOW + 1000));
	assert_true(told(NOW + 1000));
}

static void a_late_answer_leads_to_one_more(void **state)
{
	(void)state;
	container.clock.owed = true;
	assert_true(told(NOW));
	assert_true(clock_answered(NOW + 2000));
	assert_true(told(NOW + 2000));
	assert_true(clock_answered(NOW + 2010));
	assert_false(told(NOW + 2010));
}

static void an_answer_to_nothing_is_refused(void **state)
{
	const struct wire_frame frame = {.type = WIRE_CLOCK};

	(void)state;
	assert_false(container_frame(&frame));
	container.clock.owed = true;
	assert_true(told(NOW));
	assert_true(container_frame(&frame));
	container.clock.owed = false;
	assert_false(container_frame(&frame));
}

/* A minute without a CLOCK: one goes along with something else, and none goes alone. */
static void drift_is_no_reason_of_its_own(void **state)
{
	int64_t seconds;

	(void)state;
	assert_false(told(NOW + 3600000));
	outbox_put_room(&container.outbox, WIRE_PING, 0, 0, NULL, 0);
	clock_tell(NOW + 59000);
	assert_int_equal(container.outbox.used, WIRE_HEADER);
	clock_tell(NOW + 61000);
	assert_int_equal(container.outbox.used, 2 * WIRE_HEADER + WIRE_CLOCK_LENGTH);
	container.outbox.head += WIRE_HEADER;
	container.outbox.used -= WIRE_HEADER;
	assert_int_equal(next_frame(&seconds), WIRE_CLOCK);
}

static void without_room_it_waits(void **state)
{
	(void)state;
	container.clock.owed = true;
	container.outbox.used = sizeof(container.outbox.bytes) - WIRE_FRAME;
	clock_tell(NOW);
	assert_int_equal(container.outbox.used, sizeof(container.outbox.bytes) - WIRE_FRAME);
	assert_true(clock_owes());
	container.outbox.used = 0;
	assert_true(told(NOW));
}

/* That it becomes readable when somebody sets the clock is tested on real Xen. */
static void a_clock_that_nobody_sets_is_silent(void **state)
{
	(void)state;
	assert_true(clock_watch());
	struct pollfd p = {.fd = container.clock.set, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 0), 0);
	clock_was_set();
	assert_true(told(NOW));
	close(container.clock.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_before_hello, setup),
		cmocka_unit_test_setup(the_next_waits_for_the_answer, setup),
		cmocka_unit_test_setup(a_late_answer_leads_to_one_more, setup),
		cmocka_unit_test_setup(an_answer_to_nothing_is_refused, setup),
		cmocka_unit_test_setup(drift_is_no_reason_of_its_own, setup),
		cmocka_unit_test_setup(without_room_it_waits, setup),
		cmocka_unit_test_setup(a_clock_that_nobody_sets_is_silent, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
