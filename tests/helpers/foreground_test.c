/* SPDX-License-Identifier: Apache-2.0 */
/* Tests which signals the program foreground passes on, and to whom, and how it fails. */
#define main foreground_main
#include "helpers/client/foreground.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Starts a process that waits for a signal. */
static pid_t victim(void)
{
	char *words[] = {"sleep", "300", NULL};

	return start_command(words);
}

/* Returns the signal that ended the process, or 0 if it has not ended. */
static int ended_by(pid_t pid, int options)
{
	int status;

	return waitpid(pid, &status, options) == pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The signal comes as one that somebody sends to this program. */
static void receive(int number)
{
	struct pollfd signals = {.fd = self.signals, .events = POLLIN};

	(void)kill(getpid(), number);
	assert_int_equal(poll(&signals, 1, 1000), 1);
}

static void after_the_end_signals_go_to_nobody(void **state)
{
	pid_t pid = victim();

	(void)state;
	receive(SIGTERM);
	signal_event(pid, true);
	assert_int_equal(ended_by(pid, WNOHANG), 0);
	receive(SIGTERM);
	signal_event(pid, false);
	assert_int_equal(ended_by(pid, 0), SIGTERM);
}

/* The process has left output that nobody reads. */
static void after_the_end_a_signal_ends_the_wait_for_a_reader(void **state)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	pid_t pid = victim();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		self.master = open("/dev/null", O_RDWR | O_CLOEXEC);
		receive(SIGUSR1);
		signal_event(pid, true);
		assert_true(self.master >= 0);
		receive(ends[i]);
		signal_event(pid, true);
		assert_int_equal(self.master, -1);
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(ended_by(pid, 0), SIGKILL);
}

static void early_signals_are_kept_for_the_process(void **state)
{
	pid_t starter = victim(), process = victim();

	(void)state;
	self.relays = false;
	receive(SIGTERM);
	keep_signal(starter);
	pass_kept_signals(process);
	assert_int_equal(ended_by(process, 0), SIGTERM);
	assert_int_equal(ended_by(starter, WNOHANG), 0);
	self.relays = true;
	receive(SIGHUP);
	keep_signal(starter);
	assert_int_equal(ended_by(starter, 0), SIGHUP);
}

/* The command runs in this program's place, knows the reason, and its status is the status. */
static void without_a_meeting_place_the_command_tells_the_reason(void **state)
{
	char *words[] = {"sh", "-c",
			 "case $RUNX_FOREGROUND_FAILED in "
			 "\"cannot make a place for the process's pid: Too many open files\") "
			 "exit 3;; "
			 "esac",
			 NULL};
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		self.command = words;
		while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
			;
		make_meeting_place();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}

/* What wait(2) says of a process that is not our child. Nobody would tell us later. */
static void a_process_that_cannot_be_waited_for_has_ended(void **state)
{
	int status = 0;

	(void)state;
	assert_true(has_ended(getppid(), &status));
	assert_int_equal(exit_status(status), EXIT_HELPER);
}

static void without_a_pid_it_says_so(void **state)
{
	static const char *const texts[] = {"", "x", "-3"};
	char said[256] = "", path[] = "/tmp/foreground_test.XXXXXX";
	int ends[2], before = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(mkdtemp(path));
	self.place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int file = openat(self.place, "pid", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(file, texts[i], strlen(texts[i])), strlen(texts[i]));
		close(file);
		int pid = read_pid();
		ssize_t n = read(ends[0], said, sizeof(said) - 1);
		assert_int_equal(pid, 0);
		said[n] = '\0';
		assert_non_null(strstr(said, "runX: cannot wait for the process, whose id is not"));
	}
	dup2(before, STDERR_FILENO);
	assert_int_equal(unlinkat(self.place, "pid", 0), 0);
	assert_int_equal(rmdir(path), 0);
	remove_meeting_place();
	close(before);
	close(ends[0]);
	close(ends[1]);
}

static int set_up(void **state)
{
	(void)state;
	self.signals = take_signals();
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	return sigprocmask(SIG_UNBLOCK, &child, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_end_signals_go_to_nobody),
		cmocka_unit_test(after_the_end_a_signal_ends_the_wait_for_a_reader),
		cmocka_unit_test(early_signals_are_kept_for_the_process),
		cmocka_unit_test(without_a_meeting_place_the_command_tells_the_reason),
		cmocka_unit_test(a_process_that_cannot_be_waited_for_has_ended),
		cmocka_unit_test(without_a_pid_it_says_so),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("foreground", tests, set_up, NULL);
}
