/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

#include "environment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMED_OUT (-1)

struct words {
	char text[256]; /* the beginning of the hook's stderr */
	size_t used;
};

/* The texts of strerror and strsignal begin with a small letter in Go, and so in runc. */
static const char *lower(const char *text)
{
	static char copy[64];

	snprintf(copy, sizeof(copy), "%c%s", text[0] | 0x20, text + 1);
	return copy;
}

/* The state is a file, not a pipe: then PID 1's child need not wait for a hook that does not read.
 */
static int open_state(const char *state)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, state, strlen(state)) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		return -1;
	return fd;
}

/* Executes the hook. If that fails, sends errno through `report`. */
static void become_hook(const struct hook *hook, char **environment, const int fds[3], int report)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < 3; fd++)
		dup2(fds[fd], fd);
	execve(hook->path, hook->args.items, environment);
	(void)!write(report, &errno, sizeof(errno));
	_exit(127);
}

/* Keeps the beginning and drops the rest, so that the hook never has to wait. False: end of file,
 * or nothing to read now. */
static bool read_words(int fd, struct words *words)
{
	char bytes[512];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	size_t room = sizeof(words->text) - 1 - words->used;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(words->text + words->used, bytes, room);
	words->used += room;
	return true;
}

/* Opens a descriptor that becomes readable after `seconds`. Returns -1 for 0, no timeout. */
static int open_timer(unsigned int seconds)
{
	struct itimerspec time = {.it_value = {.tv_sec = (time_t)seconds}};
	int fd = seconds ? timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) : -1;

	if (fd >= 0)
		timerfd_settime(fd, 0, &time, NULL);
	return fd;
}

/* Waits until the hook itself has ended. Its children may still have its stderr open. */
static int await_end(pid_t pid, int errors, unsigned int seconds, struct words *words)
{
	int status = 0;
	struct pollfd fds[] = {{.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN},
			       {.fd = open_timer(seconds), .events = POLLIN},
			       {.fd = errors, .events = POLLIN}};

	while (!fds[0].revents && !fds[1].revents) {
		if (poll(fds, 3, -1) < 0)
			break;
		if (fds[2].revents && !read_words(errors, words))
			fds[2].fd = -1;
	}
	const bool timed_out = fds[1].revents && !fds[0].revents;
	if (timed_out)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[0].fd);
	close(fds[1].fd);
	return timed_out ? TIMED_OUT : status;
}

static int run(const struct hook *hook, char **environment, int state, struct words *words,
	       int *error)
{
	int errors[2], report[2], status = 0;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	*error = 0;
	if (pipe2(errors, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0) {
		*error = errno;
		return 0;
	}
	fcntl(errors[0], F_SETFL, O_NONBLOCK);
	pid_t pid = fork();
	if (pid == 0)
		become_hook(hook, environment, (int[]){state, null, errors[1]}, report[1]);
	close(errors[1]);
	close(report[1]);
	if (pid < 0)
		*error = errno;
	else if (read(report[0], error, sizeof(*error)) <= 0)
		*error = 0;
	if (pid > 0)
		status = await_end(pid, errors[0], hook->seconds, words);
	while (read_words(errors[0], words) && words->used < sizeof(words->text) - 1)
		;
	close(errors[0]);
	close(report[0]);
	close(null);
	return status;
}

static void tell(char *to, size_t size, const struct hook *hook, int status, int error)
{
	if (error)
		snprintf(to, size, "fork/exec %s: %s", hook->path, lower(strerror(error)));
	else if (status == TIMED_OUT)
		snprintf(to, size, "hook ran past specified timeout of %us", hook->seconds);
	else if (WIFSIGNALED(status))
		snprintf(to, size, "signal: %s", lower(strsignal(WTERMSIG(status))));
	else
		snprintf(to, size, "exit status %d", WEXITSTATUS(status));
}

/* Never NULL. Wrong entries reach the hook, as under runc. */
static char **own_environment(const struct hook *hook)
{
	static char *none[] = {NULL};
	char **environment;

	(void)environment_make(&hook->env, &environment);
	return environment ? environment : none;
}

bool hooks_run(const struct spec *spec, char **environment, char *problem, size_t size)
{
	for (size_t i = 0; i < spec->hook_count; i++) {
		const struct hook *hook = &spec->hooks[i];
		struct words words = {0};
		int error, state = open_state(spec->state);
		char **env = hook->own_environment ? own_environment(hook) : environment;
		int status = run(hook, env, state, &words, &error);

		close(state);
		if (status == 0 && error == 0)
			continue;
		int n = snprintf(problem, size, "error running startContainer hook #%zu: ", i);
		tell(problem + n, size - (size_t)n, hook, status, error);
		words.text[strcspn(words.text, "\n")] = '\0';
		n = (int)strlen(problem);
		if (words.text[0])
			snprintf(problem + n, size - (size_t)n, ", stderr: %s", words.text);
		return false;
	}
	return true;
}
