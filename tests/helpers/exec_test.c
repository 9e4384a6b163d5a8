/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that the program exec ends with its process's status, whatever it was told last. */
#define main exec_main
#include "helpers/client/exec.c"
#undef main

#include "helpers/client/client.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int proxy;

static int setup(void **state)
{
	int line[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		return -1;
	self.proxy = line[0];
	proxy = line[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return close(self.proxy);
}

/* A signal for exec itself, as kill(2) sends it. */
static void pass_signal(int number)
{
	(void)kill(getpid(), number);
	signal_event();
}

static void ends_proxy(const char *words)
{
	if (words)
		assert_int_equal(send(proxy, words, strlen(words), 0), strlen(words));
	close(proxy);
}

static void a_signal_reaches_the_proxy(void **state)
{
	char words[16] = "";

	(void)state;
	pass_signal(SIGTERM);
	assert_true(recv(proxy, words, sizeof(words) - 1, 0) > 0);
	assert_string_equal(words, "signal 15");
	ends_proxy("exited 5");
	assert_int_equal(run(), 5);
}

static void a_signal_that_comes_too_late_changes_nothing(void **state)
{
	(void)state;
	pass_signal(SIGTERM);
	ends_proxy("exited 5");
	assert_int_equal(run(), 5);
}

static void a_signal_after_the_end_changes_nothing(void **state)
{
	(void)state;
	ends_proxy("exited 5");
	pass_signal(SIGTERM);
	assert_int_equal(run(), 5);
}

static void without_the_proxy_it_was_killed(void **state)
{
	(void)state;
	pass_signal(SIGTERM);
	ends_proxy(NULL);
	assert_int_equal(run(), 128 + SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_signal_reaches_the_proxy, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_that_comes_too_late_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_signal_after_the_end_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_the_proxy_it_was_killed, setup, teardown),
	};

	self.signals = host_take_signals();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
