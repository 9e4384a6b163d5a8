/* SPDX-License-Identifier: Apache-2.0 */
/* Tests which processes a record finds, and that a record which cannot be read is no ended process.
 */
#include "helpers/shared/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static char directory[] = "/tmp/host_test.XXXXXX";
static int dir;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(dir, "record", 0);
	close(dir);
	return rmdir(directory);
}

static void record(const char *text)
{
	int file = openat(dir, "record", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(dprintf(file, "%s", text) >= 0);
	close(file);
}

static void names_nobody(const char *name, int error)
{
	errno = 0;
	assert_int_equal(host_open_recorded(dir, name), -1);
	assert_int_equal(errno, error);
}

static void finds_the_process(void **state)
{
	(void)state;
	close(host_write_record(dir, "record", "7", 0));
	int process = host_open_recorded(dir, "record");
	assert_true(process >= 0);
	close(process);
}

static void another_process_of_the_same_number_is_not_it(void **state)
{
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "7 %d 1\n", getpid());
	record(text);
	names_nobody("record", ESRCH);
	record("7 4194305 1\n");
	names_nobody("record", ESRCH);
	names_nobody("missing", ESRCH);
}

static pthread_barrier_t met;

static void *live(void *thread)
{
	*(long *)thread = syscall(SYS_gettid);
	pthread_barrier_wait(&met);
	pthread_barrier_wait(&met);
	return NULL;
}

/* The number of a process that has ended may be a thread's of another one. */
static void a_thread_is_not_it(void **state)
{
	pthread_t thread;
	char text[64];
	long number;

	(void)state;
	pthread_barrier_init(&met, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, live, &number), 0);
	pthread_barrier_wait(&met);
	snprintf(text, sizeof(text), "7 %ld 1\n", number);
	record(text);
	names_nobody("record", ESRCH);
	pthread_barrier_wait(&met);
	pthread_join(thread, NULL);
}

static void what_cannot_be_read_has_not_ended(void **state)
{
	struct rlimit all, none;

	(void)state;
	close(host_write_record(dir, "record", "7", 0));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = (struct rlimit){0, all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int process = host_open_recorded(dir, "record"), error = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(process, -1);
	assert_int_equal(error, EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_process),
		cmocka_unit_test(another_process_of_the_same_number_is_not_it),
		cmocka_unit_test(a_thread_is_not_it),
		cmocka_unit_test(what_cannot_be_read_has_not_ended),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("host", tests, setup, teardown);
}
