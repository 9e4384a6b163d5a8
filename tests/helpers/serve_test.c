/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the proxy's end after SIGKILL: it waits for no reader, and no output is lost. */
#include "helpers/proxy/container.h"
#include "helpers/proxy/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS 137
#define OUTPUT 3000
#define PIPE   4096
#define EVERY  1000000

/* How often fork(2) still fails in this process. */
static int failures;

static pid_t true_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The proxy's, in place of the C library's. */
pid_t fork(void)
{
	if (failures == 0)
		return true_fork();
	failures--;
	errno = EAGAIN;
	return -1;
}

/* A container that was killed. Its pipe is full, and OUTPUT bytes still wait. */
static void be_proxy(int out)
{
	static const uint8_t output[OUTPUT] = {[OUTPUT - 1] = 'x'};
	const struct wire_frame frame = {
		.type = WIRE_DATA, .stream = WIRE_STDOUT, .length = OUTPUT, .payload = output};
	int nobody[2];

	alarm(20);
	container.clock.set = -1;
	container.guardian.lifeline = -1;
	session_init(&container.session, 0, (int[]){-1, out, -1}, &container.outbox);
	container.killed = true;
	if (pipe(nobody) == 0 && session_frame(&container.session, &frame, true)) {
		container_end(STATUS, "");
		_exit(serve(nobody[0], -1));
	}
	_exit(1);
}

/* Returns the reading end of a full pipe. */
static int begin(int fails, pid_t *proxy)
{
	static const char full[PIPE];
	int line[2];

	assert_int_equal(pipe(line), 0);
	assert_int_equal(fcntl(line[1], F_SETPIPE_SZ, PIPE), PIPE);
	assert_int_equal(write(line[1], full, PIPE), PIPE);
	failures = 0;
	*proxy = fork();
	if (*proxy == 0) {
		close(line[0]);
		failures = fails;
		be_proxy(line[1]);
	}
	close(line[1]);
	return line[0];
}

static void ends(pid_t proxy)
{
	int status;

	assert_int_equal(waitpid(proxy, &status, 0), proxy);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STATUS);
}

static void all_comes(int line)
{
	static char bytes[PIPE + OUTPUT + 1];
	size_t used = 0;
	ssize_t n;

	while ((n = read(line, bytes + used, sizeof(bytes) - used)) > 0)
		used += (size_t)n;
	assert_int_equal(used, PIPE + OUTPUT);
	assert_int_equal(bytes[used - 1], 'x');
	close(line);
}

static void another_process_keeps_the_output(void **state)
{
	pid_t proxy;

	(void)state;
	int line = begin(0, &proxy);
	ends(proxy);
	all_comes(line);
}

static void without_a_process_it_tries_again(void **state)
{
	pid_t proxy;

	(void)state;
	int line = begin(1, &proxy);
	ends(proxy);
	all_comes(line);
}

static void the_proxy_itself_keeps_the_output(void **state)
{
	pid_t proxy;

	(void)state;
	int line = begin(EVERY, &proxy);
	all_comes(line);
	ends(proxy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_process_keeps_the_output),
		cmocka_unit_test(without_a_process_it_tries_again),
		cmocka_unit_test(the_proxy_itself_keeps_the_output),
	};

	alarm(20);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
