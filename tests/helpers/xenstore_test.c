/* SPDX-License-Identifier: Apache-2.0 */
/* Tests what the helpers make of xenstore's messages. One that was cut short is the last of its
 * connection. */
#include "helpers/shared/xenstore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
	uint32_t type, request, transaction, length;
};

static struct xenstore xs;
static int daemon_end;

static int setup(void **state)
{
	int ends[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	xs = (struct xenstore){.fd = ends[0]};
	daemon_end = ends[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(xs.fd);
	close(daemon_end);
	return 0;
}

static void answers(uint32_t length, const char *value, size_t size)
{
	struct message m = {.type = 2, .length = length};

	assert_int_equal(write(daemon_end, &m, sizeof(m)), sizeof(m));
	assert_int_equal(write(daemon_end, value, size), size);
}

static void fails_with(int error)
{
	char value[XENSTORE_VALUE + 1];

	errno = 0;
	assert_int_equal(xenstore_read(&xs, "name", value), -1);
	assert_int_equal(errno, error);
}

/* Reads away what the client has sent. Returns how many bytes that was. */
static long sent(void)
{
	char bytes[256];

	return recv(daemon_end, bytes, sizeof(bytes), MSG_DONTWAIT);
}

/* Read as a message, what is left here would have a length of 1.6 GB. */
static void nothing_follows_a_message_that_is_too_long(void **state)
{
	(void)state;
	answers(XENSTORE_VALUE + 1, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
	fails_with(EIO);
	assert_true(sent() > 0);
	fails_with(EIO);
	assert_int_equal(sent(), -1);
	assert_int_equal(xenstore_ask(&xs, "name", NULL, 1), -1);
	assert_int_equal(sent(), -1);
}

static void nothing_follows_half_a_message(void **state)
{
	(void)state;
	answers(24, "half", 4);
	shutdown(daemon_end, SHUT_WR);
	fails_with(EIO);
	assert_true(sent() > 0);
	fails_with(EIO);
	assert_int_equal(sent(), -1);
}

static void an_answer_that_says_no_breaks_nothing(void **state)
{
	struct message no = {.type = 16, .length = sizeof("ENOENT")};
	char value[XENSTORE_VALUE + 1];

	(void)state;
	assert_int_equal(write(daemon_end, &no, sizeof(no)), sizeof(no));
	assert_int_equal(write(daemon_end, "ENOENT", no.length), no.length);
	fails_with(ENOENT);
	answers(5, "value", 5);
	assert_int_equal(xenstore_read(&xs, "name", value), 5);
	assert_string_equal(value, "value");
}

enum { DIRECTORY = 1, READ = 2, WATCH = 4, EVENT = 15, ERROR = 16 };

static void says(uint32_t type, const char *value, size_t size)
{
	struct message m = {.type = type, .length = (uint32_t)size};

	assert_int_equal(write(daemon_end, &m, sizeof(m)), sizeof(m));
	assert_int_equal(write(daemon_end, value, size), size);
}

#define SAYS(type, text) says(type, text, sizeof(text))

/* Answers the questions of one look for the domain: it is number 7, built or not. */
static void domain_is_there(bool built)
{
	SAYS(READ, "");
	SAYS(DIRECTORY, "0\0"
			"7");
	says(READ, "/vm/uuid", 8);
	if (built)
		says(READ, "7", 1);
	else
		SAYS(ERROR, "ENOENT");
}

/* xl has made the domain 7, and another domain is introduced before and while xl builds it. */
static void a_domain_that_xl_still_builds_is_not_there_yet(void **state)
{
	(void)state;
	SAYS(WATCH, "OK");
	SAYS(EVENT, "@introduceDomain\0token");
	SAYS(ERROR, "ENOENT");
	SAYS(EVENT, "@introduceDomain\0token");
	domain_is_there(false);
	SAYS(EVENT, "@introduceDomain\0token");
	domain_is_there(true);
	assert_int_equal(xenstore_await(&xs, "uuid"), 7);
	/* A watch, a question for the first look, and four for the others. */
	for (int requests = 0; requests < 10; requests++) {
		struct message m;
		char words[256];
		assert_int_equal(recv(daemon_end, &m, sizeof(m), MSG_DONTWAIT), sizeof(m));
		assert_int_equal(recv(daemon_end, words, m.length, MSG_DONTWAIT), m.length);
	}
	assert_int_equal(sent(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_follows_a_message_that_is_too_long, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_follows_half_a_message, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_says_no_breaks_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_domain_that_xl_still_builds_is_not_there_yet,
						setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("xenstore", tests, NULL, NULL);
}
