/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the processes that joined a container, beside an outbox that the guest does not empty. */
#include "helpers/proxy/execs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct outbox box;

/* The type of the frame at the head of the outbox, which is taken out; 0: there is none. */
static unsigned int sent(void)
{
	static struct wire_input in;
	struct wire_frame frame = {0};

	in.used = 0;
	for (size_t i = 0; i < box.used && i < sizeof(in.bytes); i++)
		in.bytes[in.used++] = box.bytes[(box.head + i) % sizeof(box.bytes)];
	if (wire_next(&in, &frame) != 1)
		return 0;
	box.head = (box.head + WIRE_HEADER + frame.length) % sizeof(box.bytes);
	box.used -= WIRE_HEADER + frame.length;
	return frame.type;
}

/* One after the poll: others fill the outbox, as far as `full` says, before this is served. */
static void turn(bool full)
{
	struct pollfd fds[EXECS_FDS];
	size_t count = execs_poll(fds);

	assert_true(poll(fds, count, 0) >= 0);
	while (full && outbox_put(&box, WIRE_PING, 0, 0, NULL, 0))
		;
	execs_serve(fds);
	execs_advance();
}

/* Takes all pings; returns the type of the first other frame. */
static unsigned int behind_pings(void)
{
	unsigned int type;

	while ((type = sent()) == WIRE_PING)
		;
	return type;
}

static void a_full_outbox_loses_no_signal_of_a_client(void **state)
{
	static const char words[] = "signal 15";
	int line[2], fds[3] = {memfd_create("description", 0), -1, -1};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line), 0);
	assert_null(execs_add(&box, line[1], fds, 3));
	turn(false);
	assert_int_equal(sent(), WIRE_EXEC);
	assert_int_equal(send(line[0], words, strlen(words), 0), strlen(words));
	turn(true);
	assert_int_equal(behind_pings(), 0);
	turn(false);
	assert_int_equal(sent(), WIRE_SIGNAL);
	close(line[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_outbox_loses_no_signal_of_a_client),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("execs", tests, NULL, NULL);
}
