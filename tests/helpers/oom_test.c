/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that nothing of a shown kill outlives the proxy, so that a delete can remove the group. */
#include "helpers/proxy/container.h"
#include "helpers/proxy/oom.h"
#include "helpers/shared/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char group[] = "/tmp/oom_test.XXXXXX";
static char lock[64];

/* In this group each look at what is used takes the kernel for ever: nobody writes to the FIFO. */
static int setup(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(group))
		return -1;
	snprintf(lock, sizeof(lock), "%s/lock", group);
	snprintf(path, sizeof(path), "%s/memory.max", group);
	FILE *max = fopen(path, "w");
	if (!max || fputs("max\n", max) < 0 || fclose(max) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/memory.current", group);
	return mkfifo(path, 0600);
}

static int teardown(void **state)
{
	static const char *const names[] = {"memory.max", "memory.current", "lock"};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", group, names[i]);
		unlink(path);
	}
	return rmdir(group);
}

/* Begins to show a kill, tells the pid of the process that does, and waits for its end or for a
 * word. */
static void be_proxy(int told, int over)
{
	char byte;

	alarm(20);
	(void)host_take_signals();
	container.group = group;
	container.lock = open(lock, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (container.lock < 0 || flock(container.lock, LOCK_EX) < 0)
		_exit(1);
	oom_killed();
	oom_advance(host_now());
	if (write(told, &container.oom.pid, sizeof(pid_t)) < 0 || read(over, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

/*
 * Has the lock, as a delete would, once all is over: not while the process lives that shows the
 * kill, and well before that one's own time is over. Returns its pidfd.
 */
static int lose_proxy(int signal)
{
	int told[2], over[2];
	pid_t marker = 0;

	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(over), 0);
	pid_t proxy = fork();
	if (proxy == 0) {
		close(over[1]);
		be_proxy(told[1], over[0]);
	}
	close(told[1]);
	close(over[0]);
	assert_int_equal(read(told[0], &marker, sizeof(marker)), sizeof(marker));
	close(told[0]);
	int process = (int)syscall(SYS_pidfd_open, marker, 0);
	assert_true(process >= 0);
	assert_int_equal(kill(marker, SIGSTOP), 0);
	if (signal)
		kill(proxy, signal);
	close(over[1]);
	assert_int_equal(waitpid(proxy, NULL, 0), proxy);
	int fd = open(lock, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(kill(marker, SIGCONT), 0);
	const int64_t begun = host_now();
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_true(host_now() - begun < 2000);
	close(fd);
	return process;
}

/* The kernel releases the lock some microseconds before the process has ended. */
static void has_ended(int process)
{
	struct pollfd p = {.fd = process, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 50), 1);
	close(process);
}

static void a_killed_proxy_leaves_nobody_in_the_group(void **state)
{
	(void)state;
	has_ended(lose_proxy(SIGKILL));
}

static void a_proxy_that_ends_leaves_nobody_in_the_group(void **state)
{
	(void)state;
	has_ended(lose_proxy(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_proxy_leaves_nobody_in_the_group),
		cmocka_unit_test(a_proxy_that_ends_leaves_nobody_in_the_group),
	};

	alarm(20);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("oom", tests, setup, teardown);
}
