/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts processes with the guest's own modules, as PID 1 of a guest does.
 *
 * usage: starter TOP DESCRIPTION [DESCRIPTION]
 *
 * TOP becomes the root of PID 1, TOP/root is the container's root. The first description is that of
 * the container, and the second that of a process that joins it while its first process runs.
 * Copies the output of both to stdout, and prints for each "failed: WORDS" or "ended: STATUS".
 */
#include "guest/base/spec.h"
#include "guest/process/child.h"
#include "guest/process/privileges.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char *read_all(const char *path, size_t *size)
{
	static char bytes[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (n < 0)
		err(1, "%s", path);
	close(fd);
	*size = (size_t)n;
	return bytes;
}

/* The first namespace and root are like a guest's before it starts a process. */
static void become_guest(const char *top)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/root", top);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(top, top, NULL, MS_BIND, NULL) < 0 ||
	    mount(path, path, NULL, MS_BIND, NULL) < 0 || chdir(top) < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		err(1, "cannot enter %s", top);
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	umask(0);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("dev", "/dev", "tmpfs", 0, NULL) < 0 ||
	    mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		err(1, "cannot make /proc and /dev");
}

/* Returns true if the program was executed. */
static bool await_start(struct child *child)
{
	struct report report;
	enum child_progress progress;

	do {
		struct pollfd p = {.fd = child->report, .events = POLLIN};
		poll(&p, 1, -1);
		progress = child_report(child, &report);
	} while (progress == CHILD_STARTING);
	if (progress == CHILD_EXECUTED)
		return true;
	printf("failed: %s\n", report.words);
	/* The PID namespace cannot end before this. */
	waitpid(child->pid, NULL, 0);
	return false;
}

static void copy_out(int fd)
{
	char bytes[4096];
	ssize_t n;

	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, 0);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, stdout);
}

/* Lets the process read the end of file, unless it has a terminal, and runs it to its end. */
static void finish(struct child *child)
{
	int status;

	if (!child->terminal && child->input >= 0)
		close(child->input);
	copy_out(child->output);
	copy_out(child->error);
	waitpid(child->pid, &status, 0);
	printf("ended: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
	struct spec spec, joined;
	struct child first, second;
	size_t size = 0;
	char *more = argc > 3 ? read_all(argv[3], &size) : NULL;
	const char *problem = argc > 2 ? spec_read(argv[2], &spec) : "usage";

	if (problem || (more && (problem = spec_join(&spec, more, size, &joined))))
		errx(1, "%s", problem);
	setvbuf(stdout, NULL, _IONBF, 0);
	become_guest(argv[1]);
	privileges_default_limits();
	if (child_start(&spec, 0, &first) < 0)
		err(1, "child_start");
	if (!await_start(&first))
		return 1;
	if (more && child_start(&joined, first.pid, &second) < 0)
		err(1, "child_start");
	if (more && await_start(&second))
		finish(&second);
	if (more)
		kill(first.pid, SIGKILL);
	finish(&first);
	return 0;
}
