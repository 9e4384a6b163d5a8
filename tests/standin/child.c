/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/process/child.c without a root of its own: programs are the host's, as root. The container
 * has a PID namespace, so that signals mean to its first process what they do in a VM, and all
 * others end with it.
 */
#include "guest/process/child.h"
#include "guest/process/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- in the child ---- */

__attribute__((noreturn)) static void give_up(int report_socket, const char *program)
{
	struct report report = {.error = errno};

	snprintf(report.words, sizeof(report.words), "exec: \"%.300s\": %s", program,
		 errno == ENOENT ? "executable file not found in $PATH" : strerror(errno));
	(void)send(report_socket, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(127);
}

__attribute__((noreturn)) static void be_child(const struct process *p, const int stdio[3],
					       int report_socket)
{
	extern char **environ;
	sigset_t none;

	setsid();
	if (p->terminal)
		(void)ioctl(stdio[0], TIOCSCTTY, 0);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(stdio[fd], fd);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	environ = p->env.items;
	execvp(p->args.items[0], p->args.items);
	give_up(report_socket, p->args.items[0]);
}

/* ---- in PID 1 ---- */

static int make_pipes(int theirs[3], struct child *child)
{
	int *ours[] = {&child->input, &child->output, &child->error}, ends[2];

	for (int i = 0; i < 3; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		theirs[i] = ends[i == 0 ? 0 : 1];
		*ours[i] = ends[i == 0 ? 1 : 0];
		fcntl(*ours[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static int make_terminal(const struct process *p, int theirs[3], struct child *child)
{
	const struct winsize size = {.ws_row = (unsigned short)p->rows,
				     .ws_col = (unsigned short)p->columns};
	struct termios t;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, p->rows ? &size : NULL) < 0)
		return -1;
	if (p->bare_newline && tcgetattr(slave, &t) == 0) {
		t.c_oflag &= (tcflag_t)~ONLCR;
		(void)tcsetattr(slave, TCSANOW, &t);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(master, F_SETFL, O_NONBLOCK);
	child->input = master;
	child->output = fcntl(master, F_DUPFD_CLOEXEC, 0);
	child->terminal = true;
	theirs[0] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
	theirs[1] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
	theirs[2] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
	close(slave);
	return 0;
}

int child_start(const struct spec *spec, pid_t container, struct child *child)
{
	const struct process *p = &spec->process;
	int stdio[3] = {-1, -1, -1}, sockets[2] = {-1, -1}, joined = -1;

	*child = (struct child){.pid = -1, .input = -1, .output = -1, .error = -1, .report = -1};
	if (container > 0)
		joined = (int)syscall(SYS_pidfd_open, container, 0);
	if ((container <= 0 || joined >= 0) &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0 &&
	    (p->terminal ? make_terminal(p, stdio, child) : make_pipes(stdio, child)) == 0)
		child->pid = clone_into(joined, 0, -1, &(bool){false});
	if (child->pid == 0)
		be_child(p, stdio, sockets[1]);
	int error = errno;
	close_all(stdio, 3);
	close_all((int[]){sockets[1], joined}, 2);
	child->report = sockets[0];
	if (child->pid < 0)
		child_close(child);
	errno = error;
	return child->pid < 0 ? -1 : 0;
}

enum child_progress child_report(struct child *child, struct report *report)
{
	ssize_t n = recv(child->report, report, sizeof(*report), MSG_DONTWAIT);

	if (n < 0)
		return CHILD_STARTING;
	close_all(&child->report, 1);
	return n > 0 ? CHILD_FAILED : CHILD_EXECUTED;
}

void child_close(struct child *child)
{
	close_all(&child->input, 1);
	close_all(&child->output, 1);
	close_all(&child->error, 1);
	close_all(&child->report, 1);
}
