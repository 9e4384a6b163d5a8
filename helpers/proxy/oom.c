/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines read memory.events of the container's control group on the host: containerd's shim (and
 * so Docker and Kubernetes) and conmon (podman, CRI-O) wait for its `oom_kill` to grow. Only the
 * host's kernel counts there, and it has killed nobody: the guest's has. So for each such kill, the
 * proxy has the host's kernel kill a process too. This victim is a child of the proxy's. It is in
 * the same group, and takes more than the group may have for some milliseconds.
 *
 * A guest may say that it has killed as often as it likes. That costs the host a MiB or two and
 * some lines in its log, once a second at most.
 */
#include "oom.h"

#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERVAL_MS 1000
/* The host's kernel may reclaim for long, where there is much to reclaim. */
#define SHOW_MS 5000

/* It gives up by itself before that, and sets the limit back. */
#define SHOW_SECONDS 3
/* What the proxy itself may take more while the group has a limit for the victim. */
#define ROOM (1LL << 20)
/* A proxy has less. In a group that has more are others, whom a limit could hit. */
#define MOST (32LL << 20)

/* Reads a file of the directory, or of the root for an absolute path. Returns its number, LLONG_MAX
 * for a word, or -1. The text goes to `text`. */
static long long read_limit(int directory, const char *file, char *text, size_t size)
{
	int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : LLONG_MAX;
}

static bool write_text(int directory, const char *file, const char *text)
{
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

/*
 * Takes more than `limit`, in pages that cannot be swapped out. Its oom_score_adj makes it the
 * kernel's first choice.
 */
__attribute__((noreturn)) static void be_killed(long long limit)
{
	prctl(PR_SET_NAME, "runX out of mem");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write_text(AT_FDCWD, "/proc/self/oom_score_adj", "1000"))
		(void)!mmap(NULL, (size_t)(limit + ROOM), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	_exit(0);
}

/* Time is over, or the proxy has ended. This ends the call that waits, if not now, a second later.
 */
static volatile sig_atomic_t is_late;

static void late(int signal)
{
	(void)signal;
	is_late = 1;
	(void)alarm(1);
}

static void set_alarm(void)
{
	struct sigaction action = {.sa_handler = late}; /* no SA_RESTART */
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)alarm(SHOW_SECONDS);
}

/*
 * Lets a process be killed. After SHOW_SECONDS that has failed: the kernel frees memory while it
 * sets the limit, which may take as long as it likes.
 */
static void show_under(int group, long long limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", limit);
	if (!write_text(group, "memory.max", text) || is_late)
		return;
	pid_t victim = fork();
	if (victim == 0)
		be_killed(limit);
	while (victim > 0 && waitpid(victim, NULL, 0) < 0 && errno == EINTR)
		kill(victim, SIGKILL);
}

/*
 * Of the proxy's descriptors it has only the lock. With another one, the guardian would wait for
 * it. With the lock, a delete waits for it, and for its victim: a control group with a process in
 * it cannot be removed.
 */
static void keep_lock(void)
{
	if (container.lock > 0)
		close_range(0, (unsigned int)container.lock - 1, 0);
	close_range((unsigned int)container.lock + 1, ~0U, 0);
}

/* Has the alarm at once if the proxy ends. Then nobody wants to see what this shows. */
static void end_with(pid_t proxy)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGALRM);
	if (getppid() != proxy)
		_exit(0);
}

/* Runs in a process of its own, since each step may take the kernel a while. */
__attribute__((noreturn)) static void show(pid_t proxy)
{
	char before[32], text[32];

	keep_lock();
	set_alarm();
	end_with(proxy);
	int group = open(container.group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long long limit = read_limit(group, "memory.max", before, sizeof(before));
	long long used = read_limit(group, "memory.current", text, sizeof(text));
	/* 2 makes the kernel panic for a single group, too. */
	if (limit < 0 || used < 0 || used > MOST ||
	    read_limit(AT_FDCWD, "/proc/sys/vm/panic_on_oom", text, sizeof(text)) > 1)
		_exit(0);
	if (limit > used + ROOM)
		limit = used + ROOM;
	show_under(group, limit);
	(void)signal(SIGALRM, SIG_IGN);
	/* Whatever became of it, the limit is what it was. */
	(void)write_text(group, "memory.max", before);
	_exit(0);
}

void oom_killed(void)
{
	container.oom.owed = container.group != NULL;
}

void oom_advance(int64_t now)
{
	if (container.oom.marker >= 0 && deadline_passed(&container.oom.by, now))
		(void)syscall(SYS_pidfd_send_signal, container.oom.marker, SIGKILL, NULL, 0);
	if (!container.oom.owed || container.oom.marker >= 0 ||
	    (now < container.oom.next && container.phase != OVER))
		return;
	container.oom.owed = false;
	container.oom.next = now + INTERVAL_MS;
	container.oom.by = now + SHOW_MS;
	const pid_t proxy = getpid();
	container.oom.pid = fork();
	if (container.oom.pid == 0)
		show(proxy);
	if (container.oom.pid > 0)
		container.oom.marker = (int)syscall(SYS_pidfd_open, container.oom.pid, 0);
}

int64_t oom_deadline(void)
{
	if (container.oom.marker >= 0)
		return container.oom.by;
	return container.oom.owed ? container.oom.next : 0;
}

void oom_shown(void)
{
	(void)waitpid(container.oom.pid, NULL, WNOHANG);
	close(container.oom.marker);
	container.oom.marker = -1;
}

bool oom_pending(void)
{
	return container.oom.owed || container.oom.marker >= 0;
}
