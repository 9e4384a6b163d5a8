/* SPDX-License-Identifier: Apache-2.0 */
/* Notices the domain's end, and brings it about. */
#include "domain.h"

#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"
#include "helpers/shared/ring.h"
#include "helpers/shared/trace.h"
#include "helpers/shared/xenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void to_null(int fd, int flags)
{
	int null = open("/dev/null", flags);

	if (null >= 0 && null != fd) {
		dup2(null, fd);
		close(null);
	}
}

/*
 * Starts `xl VERB [DOMID]`. Its output goes to the descriptor `output`, or nowhere if that is -1.
 * After `seconds` the kernel ends it: xl itself waits for as long as xenstored does not answer.
 * Returns xl's pid, or -1.
 */
static pid_t start_xl(const char *verb, const char *domid, int output, unsigned int seconds)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	to_null(STDIN_FILENO, O_RDONLY);
	to_null(STDERR_FILENO, O_WRONLY);
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	else
		to_null(STDOUT_FILENO, O_WRONLY);
	/* An alarm stays set over execve(2). */
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(seconds);
	execlp("xl", "xl", verb, domid, (char *)NULL);
	_exit(127);
}

static bool succeeded(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool domain_destroy(unsigned int domid, unsigned int seconds)
{
	char id[12];

	snprintf(id, sizeof(id), "%u", domid);
	return succeeded(start_xl("destroy", id, -1, seconds));
}

/*
 * Returns what this line of `xl list` says about the domain, INQUIRY_GONE if it is about another. A
 * line is "name id mem vcpus state time". The state is six characters, the flags "rbpscd" or
 * dashes. The line is read from its end, because a name may have blanks (xl rename).
 */
static enum inquiry_result read_line(char *line, unsigned int domid)
{
	enum { ID, STATE = 3, FIELDS = 5 };
	const char *fields[FIELDS] = {NULL};

	for (char *at = strtok(line, " \n"); at; at = strtok(NULL, " \n")) {
		memmove(fields, fields + 1, sizeof(fields) - sizeof(fields[0]));
		fields[FIELDS - 1] = at;
	}
	if (!fields[ID] || strtoul(fields[ID], NULL, 10) != domid || strlen(fields[STATE]) != 6 ||
	    strchr(fields[STATE], 'd'))
		return INQUIRY_GONE;
	return strpbrk(fields[STATE] + 3, "sc") ? INQUIRY_ENDED : INQUIRY_ALIVE;
}

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/*
 * Lists all domains. An xl that is asked for one domain fails if that domain is absent, but also
 * for reasons of its own, and those must not end a live container.
 */
int inquiry_start(struct inquiry *q)
{
	int pipes[2];

	if (q->pid)
		return 0;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = start_xl("list", NULL, pipes[1], INQUIRY_SECONDS);
	close(pipes[1]);
	int end = pid > 0 ? open_pidfd(pid) : -1;
	if (end < 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) < 0) {
		int error = errno;
		if (pid > 0) {
			kill(pid, SIGKILL);
			(void)succeeded(pid);
		}
		close(pipes[0]);
		errno = error;
		return -1;
	}
	*q = (struct inquiry){.said = INQUIRY_GONE,
			      .pid = pid,
			      .output = pipes[0],
			      .end = end,
			      .by = host_now() + INQUIRY_SECONDS * 1000};
	return 0;
}

void inquiry_poll(const struct inquiry *q, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = q->pid ? q->output : -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = q->pid ? q->end : -1, .events = POLLIN};
}

/* A line that is too long is cut. It is no domain's line then. */
static void take_line(struct inquiry *q, char byte, unsigned int domid)
{
	if (byte != '\n') {
		if (q->used < sizeof(q->line) - 1)
			q->line[q->used++] = byte;
		return;
	}
	q->line[q->used] = '\0';
	q->used = 0;
	if (q->said == INQUIRY_GONE)
		q->said = read_line(q->line, domid);
}

/* Returns false at the end of the output. */
static bool take_output(struct inquiry *q, unsigned int domid)
{
	char data[4096];
	ssize_t n;

	while ((n = read(q->output, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++)
			take_line(q, data[i], domid);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

enum inquiry_result inquiry_take(struct inquiry *q, unsigned int domid)
{
	struct pollfd ended = {.fd = q->end, .events = POLLIN};

	if (!q->pid)
		return INQUIRY_FAILED;
	bool open = take_output(q, domid);
	if (host_now() >= q->by) {
		(void)kill(q->pid, SIGKILL);
		q->by = host_now() + 1000;
	}
	if (poll(&ended, 1, 0) <= 0) {
		/* After its end, the pipe would wake poll(2) again and again. */
		if (!open && q->output >= 0) {
			close(q->output);
			q->output = -1;
		}
		return INQUIRY_PENDING;
	}
	(void)take_output(q, domid); /* what xl wrote just before its end */
	bool succeeds = succeeded(q->pid);
	close(q->output);
	close(q->end);
	q->pid = 0;
	return succeeds ? q->said : INQUIRY_FAILED;
}

enum inquiry_result inquiry_wait(struct inquiry *q, unsigned int domid)
{
	enum inquiry_result result;
	struct pollfd fds[INQUIRY_FDS];

	while ((result = inquiry_take(q, domid)) == INQUIRY_PENDING) {
		inquiry_poll(q, fds);
		int64_t left = q->by - host_now();
		(void)poll(fds, INQUIRY_FDS, left > 0 ? (int)left + 1 : -1);
	}
	return result;
}

/*
 * This program has closed its caller's descriptors and has opened few, so none is above this
 * number.
 */
#define FEW 64

static void close_all_but(const int *kept, size_t count)
{
	for (int fd = 0; fd < FEW; fd++) {
		bool keep = false;
		for (size_t i = 0; i < count; i++)
			keep = keep || fd == kept[i];
		if (!keep)
			close(fd);
	}
}

/* A file server that was killed may still be in a call of a file system that hangs. */
#define FILES_SECONDS 10

/*
 * The file server has the guest's pages, so it goes before the domain. It also has the container's
 * root, so whoever hears of the container's end must find it gone. Returns its pidfd, or -1 if
 * there is none. A host without memory or descriptors may have some a moment later.
 */
static int kill_files(int state)
{
	int files, tries = 0;

	while ((files = host_open_recorded(state, CONTROL_FILES)) < 0 && errno != ESRCH &&
	       tries++ < FILES_SECONDS)
		(void)poll(NULL, 0, 1000);
	if (files >= 0)
		(void)syscall(SYS_pidfd_send_signal, files, SIGKILL, NULL, 0);
	return files;
}

static void await_files(int files)
{
	struct pollfd p = {.fd = files, .events = POLLIN};

	while (files >= 0 && poll(&p, 1, FILES_SECONDS * 1000) < 0 && errno == EINTR)
		;
}

#define DESTROY_SECONDS 60

/*
 * Tries until the domain is gone. xl may fail for a while, because another xl holds its lock or
 * because memory is short. The end of any domain is a reason to look again at once.
 */
static void destroy(struct xenstore *xs, bool connected, unsigned int domid)
{
	struct inquiry q = {0};
	struct xenstore_answer answer;
	struct pollfd event = {.fd = connected ? xs->fd : -1, .events = POLLIN};
	bool watches = false;

	for (int seconds = 1; !domain_destroy(domid, DESTROY_SECONDS);
	     seconds = seconds < 16 ? 2 * seconds : 30) {
		if (inquiry_start(&q) == 0 && inquiry_wait(&q, domid) == INQUIRY_GONE)
			return;
		if (connected && !watches)
			watches = xenstore_watch(xs, "@releaseDomain") == 0;
		if (watches && xenstore_next(xs, &answer) < 0)
			event.fd = -1;
		(void)poll(&event, 1, seconds * 1000);
	}
}

static void guard(unsigned int domid, int lifeline, int state, const char *mark)
{
	struct xenstore xs;
	sigset_t all;
	char byte;

	/*
	 * Only SIGKILL ends a guardian early. The proxy's terminal, process group or caller must
	 * not end it.
	 */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
		;
	trace("guardian", "destroy");
	bool connected = xenstore_open(&xs) == 0;
	int files = kill_files(state);
	destroy(&xs, connected, domid);
	trace("guardian", "wait for files");
	await_files(files);
	if (connected)
		ring_withdraw(&xs, domid);
	(void)openat(state, mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	trace("guardian", "end");
	_exit(0);
}

struct guardian guardian_start(unsigned int domid, int state, const char *mark, int lock)
{
	int line[2];

	if (pipe2(line, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("cannot start the guardian");
	if (pid == 0) {
		close_all_but((int[]){line[0], state, lock, trace_file()}, 4);
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			to_null(fd, O_RDWR);
		guard(domid, line[0], state, mark);
	}
	close(line[0]);
	struct guardian guardian = {.lifeline = line[1], .end = open_pidfd(pid)};
	if (guardian.end < 0)
		fail("cannot watch the guardian");
	return guardian;
}
