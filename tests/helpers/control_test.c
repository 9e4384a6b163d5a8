/* SPDX-License-Identifier: Apache-2.0 */
/* Tests how long the program control waits: for a proxy that is stopped, and for a VM that boots.
 */
#include "helpers/client/client.c"

#undef CLIENT_SECONDS
#define CLIENT_SECONDS 1

#define main control_main
#include "helpers/client/control.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>

/* Ends of one connection: the proxy's, and that of the program. */
static int proxy, client;

static int setup(void **state)
{
	int line[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		return -1;
	proxy = line[0];
	client = line[1];
	patience = CLIENT_SECONDS;
	alarm(20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	return close(proxy) | close(client);
}

static void says(const char *words)
{
	assert_int_equal(send(proxy, words, strlen(words), 0), strlen(words));
}

/* After more than CLIENT_SECONDS. */
static void says_late(const char *words)
{
	if (fork() == 0) {
		(void)usleep(1500000);
		(void)!send(proxy, words, strlen(words), 0);
		_exit(0);
	}
}

static void a_proxy_that_is_stopped_is_given_up(void **state)
{
	(void)state;
	assert_int_equal(take_answer(client), TOO_LATE);
}

static void a_vm_that_boots_has_its_time(void **state)
{
	(void)state;
	says(CONTROL_WAIT "5");
	says_late(CONTROL_OK);
	assert_int_equal(take_answer(client), 0);
}

static void a_proxy_that_is_stopped_while_the_vm_boots_is_given_up(void **state)
{
	(void)state;
	says(CONTROL_WAIT "1");
	assert_int_equal(take_answer(client), TOO_LATE);
	assert_int_equal(patience, 2);
}

/* Runs in a process whose caller has blocked SIGALRM, or ignores it. */
static void waits_in_vain(int directory, bool ignores)
{
	sigset_t set;

	sigfillset(&set);
	if (ignores)
		signal(SIGALRM, SIG_IGN);
	else
		sigprocmask(SIG_SETMASK, &set, NULL);
	_exit(wait_for_end(directory, 1));
}

static void a_wait_ends_whatever_the_caller_does_with_signals(void **state)
{
	char path[] = "/tmp/control_test.XXXXXX";
	int status, directory, lock;

	(void)state;
	assert_non_null(mkdtemp(path));
	directory = open(path, O_PATH | O_DIRECTORY);
	lock = openat(directory, CONTROL_LOCK, O_RDONLY | O_CREAT, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	for (int ignores = 0; ignores < 2; ignores++) {
		pid_t pid = fork();
		if (pid == 0)
			waits_in_vain(directory, ignores);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), TOO_LATE);
	}
	assert_int_equal(unlinkat(directory, CONTROL_LOCK, 0), 0);
	assert_int_equal(rmdir(path), 0);
	close(lock);
	close(directory);
}

#define connected(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		connected(a_proxy_that_is_stopped_is_given_up),
		connected(a_vm_that_boots_has_its_time),
		connected(a_proxy_that_is_stopped_while_the_vm_boots_is_given_up),
		connected(a_wait_ends_whatever_the_caller_does_with_signals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
