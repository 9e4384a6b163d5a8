/* SPDX-License-Identifier: Apache-2.0 */
/* Tests how an inquiry reads the output of `xl list`, and the guardian. A script stands in for xl.
 */
#include "helpers/proxy/domain.h"
#include "helpers/shared/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
#define DOM0 "Domain-0                                     0  1024     2     r-----      40.4\n"
#define ID   7

static char directory[] = "/tmp/domain_test.XXXXXX", program[64];

/* Whether this is what xl is understood to say. */
static bool asks(enum inquiry_result wanted)
{
	struct inquiry q = {0};

	return inquiry_start(&q) == 0 && inquiry_wait(&q, ID) == wanted;
}

static bool over_when(const char *list, const char *status)
{
	setenv("XL_LIST", list, 1);
	setenv("XL_STATUS", status, 1);
	return asks(INQUIRY_ENDED) || asks(INQUIRY_GONE);
}

static void over_if_it_shut_down_crashed_or_is_not_there(void **state)
{
	(void)state;
	assert_true(over_when(HEAD DOM0, "0"));
	assert_true(over_when(HEAD DOM0 "rx-c1   7   128     1     --ps--       2.0\n", "0"));
	assert_true(over_when(HEAD DOM0 "rx-c1   7   128     1     ----c-       2.0\n", "0"));
	assert_true(over_when(HEAD DOM0 "rx-c1   7   128     1     ---s-d       2.0\n", "0"));
	assert_true(over_when(HEAD DOM0 "rx-c1   17   128     1     -b----       2.0\n", "0"));
}

/* Only then its memory is free, and its guardian may end. */
static void gone_if_it_is_dying_or_not_there(void **state)
{
	(void)state;
	assert_false(over_when(HEAD DOM0 "rx-c1   7   128     1     -b----       2.0\n", "0"));
	assert_false(asks(INQUIRY_GONE));
	assert_true(over_when(HEAD DOM0 "rx-c1   7   128     1     ---s--       2.0\n", "0"));
	assert_false(asks(INQUIRY_GONE));
	assert_true(over_when(HEAD DOM0 "rx-c1   7   128     1     ---s-d       2.0\n", "0"));
	assert_true(asks(INQUIRY_GONE));
	assert_true(over_when(HEAD DOM0, "0"));
	assert_true(asks(INQUIRY_GONE));
}

static void not_over_while_it_runs_is_blocked_or_paused(void **state)
{
	(void)state;
	assert_false(over_when(HEAD DOM0 "rx-c1   7   128     1     r-----       2.0\n", "0"));
	assert_false(over_when(HEAD DOM0 "rx-c1   7   128     1     -b----       2.0\n", "0"));
	assert_false(over_when(HEAD DOM0 "rx-c1   7   128     1     --p---       2.0\n", "0"));
	assert_false(over_when(HEAD "rx-c1   7   128     1     ------   99999.9\n" DOM0, "0"));
}

static void names_with_blanks_change_nothing(void **state)
{
	(void)state;
	assert_false(over_when(HEAD "my VM 5     7   128     1     -b----       2.0\n", "0"));
	assert_true(
		over_when(HEAD "7 128 1 -b---- 2.0 x  8   128     1     -b----       2.0\n", "0"));
	assert_true(over_when(HEAD "(null)      7   128     1     --ps-d       2.0\n", "0"));
}

static void an_xl_that_fails_says_nothing(void **state)
{
	(void)state;
	assert_false(over_when("", "1"));
	assert_true(asks(INQUIRY_FAILED));
	assert_false(over_when(HEAD DOM0, "1"));
	setenv("PATH", "/nowhere", 1);
	assert_true(asks(INQUIRY_FAILED));
	setenv("PATH", directory, 1);
}

/* Nobody waits for an xl that hangs, and it is killed once its time is over. */
static void an_xl_that_hangs_is_not_waited_for(void **state)
{
	struct inquiry q = {0};
	char fifo[64];

	(void)state;
	setenv("XL_LIST", HEAD DOM0, 1);
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	setenv("XL_HANGS", fifo, 1);
	assert_int_equal(inquiry_start(&q), 0);
	assert_int_equal(inquiry_take(&q, ID), INQUIRY_PENDING);
	q.by = 1;
	assert_int_equal(inquiry_wait(&q, ID), INQUIRY_FAILED);
	assert_int_equal(q.pid, 0);
	unsetenv("XL_HANGS");
	unlink(fifo);
	assert_true(over_when(HEAD DOM0, "0"));
}

static void an_xl_destroy_that_hangs_is_ended(void **state)
{
	char fifo[64];

	(void)state;
	setenv("XL_LIST", "", 1);
	setenv("XL_STATUS", "0", 1);
	assert_true(domain_destroy(ID, 60));
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	setenv("XL_HANGS", fifo, 1);
	assert_false(domain_destroy(ID, 1));
	unsetenv("XL_HANGS");
	unlink(fifo);
}

/* More than a pipe holds: xl ends only once somebody has read it. */
static void a_long_list_is_read_to_its_end(void **state)
{
	static char list[300000] = HEAD;

	(void)state;
	for (size_t used = strlen(list); used < sizeof(list) - 1000; used += strlen(list + used))
		strcpy(list + used, "other  17   128     1     -b----       2.0\n");
	FILE *file = fopen("list", "w");
	assert_non_null(file);
	fputs(list, file);
	fputs("rx-c1   7   128     1     -b----       2.0\n", file);
	fclose(file);
	setenv("XL_LIST", "", 1);
	setenv("XL_FILE", "list", 1);
	assert_true(asks(INQUIRY_ALIVE));
	unsetenv("XL_FILE");
	unlink("list");
}

/* A child that has the record `files`. */
static pid_t make_server(int where)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(host_write_record(where, "files", "7", 0));
		for (;;)
			pause();
	}
	return pid;
}

/* sweep fault --seed 1: create, EAGAIN at the guardian's read of the record */
static void a_record_that_cannot_be_read_at_first_is_read_again(void **state)
{
	int status, where;

	(void)state;
	setenv("XL_LIST", "", 1);
	setenv("XL_STATUS", "0", 1);
	alarm(30); /* if nobody kills the server */
	where = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(where, "files", 0700), 0); /* EISDIR */
	struct guardian guardian = guardian_start(ID, where, "gone", where);
	close(guardian.lifeline);
	usleep(200000);
	assert_int_equal(unlinkat(where, "files", AT_REMOVEDIR), 0);
	pid_t server = make_server(where);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(waitpid(-1, &status, 0) > 0); /* the guardian */
	alarm(0);
	assert_int_equal(unlinkat(where, "gone", 0), 0);
	assert_int_equal(unlinkat(where, "files", 0), 0);
	close(guardian.end);
	close(where);
}

static int make_xl(void **state)
{
	FILE *xl;

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(program, sizeof(program), "%s/xl", directory);
	xl = fopen(program, "w");
	if (!xl)
		return -1;
	/* The script uses only what the shell has built in: PATH has nothing else. */
	fputs("#!/bin/sh\ncase \"$*\" in list | 'destroy 7') ;; *) exit 2 ;; esac\nprintf %s "
	      "\"$XL_LIST\"\n"
	      "[ -z \"$XL_HANGS\" ] || read -r line <\"$XL_HANGS\"\n"
	      "[ -z \"$XL_FILE\" ] || while read -r line; do echo \"$line\"; done <\"$XL_FILE\"\n"
	      "exit \"$XL_STATUS\"\n",
	      xl);
	setenv("PATH", directory, 1);
	return fclose(xl) == 0 ? chmod(program, 0700) : -1;
}

static int remove_xl(void **state)
{
	(void)state;
	unlink(program);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_if_it_shut_down_crashed_or_is_not_there),
		cmocka_unit_test(gone_if_it_is_dying_or_not_there),
		cmocka_unit_test(not_over_while_it_runs_is_blocked_or_paused),
		cmocka_unit_test(names_with_blanks_change_nothing),
		cmocka_unit_test(an_xl_that_fails_says_nothing),
		cmocka_unit_test(an_xl_that_hangs_is_not_waited_for),
		cmocka_unit_test(an_xl_destroy_that_hangs_is_ended),
		cmocka_unit_test(a_long_list_is_read_to_its_end),
		cmocka_unit_test(a_record_that_cannot_be_read_at_first_is_read_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("domain", tests, make_xl, remove_xl);
}
