/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include "cgroup.h"
#include "clone.h"
#include "environment.h"
#include "guest/mounts/mounts.h"
#include "guest/network/network.h"
#include "hooks.h"
#include "privileges.h"
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The child's end of the report socket. It closes when the program is executed. */
static int report_socket;

/* In the child: it was made in the container's control group. */
static bool in_group;

static void send_report(const struct report *report, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {.iov_base = (void *)report, .iov_len = sizeof(*report)};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	(void)sendmsg(report_socket, &m, 0);
}

/* Reports a failure and ends the child. Adds the text of errno, in lower case as in Go's messages.
 */
__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
	struct report report = {.error = errno ? errno : EINVAL};
	const char *reason = strerror(report.error);
	va_list args;

	va_start(args, format);
	int n = vsnprintf(report.words, sizeof(report.words), format, args);
	va_end(args);
	if (n >= 0 && n < (int)sizeof(report.words))
		snprintf(report.words + n, sizeof(report.words) - (size_t)n, ": %c%s",
			 reason[0] | 0x20, reason + 1);
	send_report(&report, -1);
	_exit(127);
}

/* Ends the child if `failed` is a message; NULL is success. */
static void must(const char *failed)
{
	if (failed)
		give_up("%s", failed);
}

/* pivot_root(2) does not work on the initial root. So the new root is moved over it, as switch_root
 * does. */
static void enter_root(void)
{
	if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		give_up("cannot enter the root file system");
}

static void make_root_readonly(const struct spec *spec)
{
	if (spec->root_readonly && mounts_make_readonly("/") < 0)
		give_up("cannot make the root file system read-only");
}

/* These are runc's words. */
static void make_mount(const struct mount_spec *m)
{
	const char *source = !strcmp(m->type, "bind") ? m->type : m->source ? m->source : "";

	if (mounts_mount(m) == 0)
		return;
	if (errno == ENOTDIR && mounts_needs_directory(m))
		give_up("error mounting \"%s\" to rootfs at \"%s\": filesystem \"%s\" must be "
			"mounted on ordinary directory",
			source, m->destination, m->type);
	give_up("error mounting \"%s\" to rootfs at \"%s\"", source, m->destination);
}

static void make_devices(const struct spec *spec)
{
	must(system_make_devices(spec));
	if (mounts_fill_dev() < 0)
		give_up("cannot make the default devices in /dev");
}

/* Makes the mounts of config.json, and /proc and /dev even if it does not ask for them. */
static void make_mounts(const struct spec *spec)
{
	char *no_options[] = {NULL}, *dev_options[] = {(char *)"mode=755", NULL};
	struct mount_spec dev = {
		(char *)"/dev", (char *)"tmpfs", (char *)"tmpfs", {dev_options, 1}};
	struct mount_spec proc = {(char *)"/proc", (char *)"proc", (char *)"proc", {no_options, 0}};

	umask(0);
	if (!mounts_at(spec, "/proc"))
		make_mount(&proc);
	if (!mounts_at(spec, "/dev"))
		make_mount(&dev);
	for (size_t i = 0; i < spec->mount_count; i++)
		make_mount(&spec->mounts[i]);
	if (network_put_files() < 0)
		give_up("cannot mount /etc/resolv.conf and /etc/hosts");
	if (mounts_own_dev(spec))
		make_devices(spec);
}

static void clear_onlcr(int terminal)
{
	struct termios t;

	if (tcgetattr(terminal, &t) < 0)
		return;
	t.c_oflag &= (tcflag_t)~ONLCR;
	(void)tcsetattr(terminal, TCSANOW, &t);
}

/*
 * The terminal comes from the container's own /dev/pts, so that programs find its name
 * (ttyname(3)). Without that mount there is no terminal. The terminal of the container process is
 * also /dev/console, as with runc.
 */
static void open_terminal(const struct process *p, bool is_console)
{
	struct report report = {0};
	struct winsize size = {.ws_row = (unsigned short)p->rows,
			       .ws_col = (unsigned short)p->columns};
	char name[32];
	int unlock = 0, number;
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0)
		give_up("cannot make a terminal in /dev/pts");
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	int slave = open(name, O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		give_up("cannot open the terminal %s", name);
	(void)fchown(slave, p->uid, 5);
	(void)fchmod(slave, 0620);
	int console = is_console ? open("/dev/console", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (console >= 0) {
		close(console);
		(void)mount(name, "/dev/console", NULL, MS_BIND, NULL);
	}
	if (p->rows && p->columns)
		(void)ioctl(slave, TIOCSWINSZ, &size);
	if (p->bare_newline)
		clear_onlcr(slave);
	send_report(&report, master);
	for (int fd = 0; fd <= 2; fd++)
		dup2(slave, fd);
	if (slave > 2)
		close(slave);
}

static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && system_is_null(&st);
}

/* A stream that is /dev/null becomes the container's own, as with runc. Its /dev may have none:
 * then it stays the initial root's. */
static void take_streams(const struct process *p, const int streams[3])
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	bool own = null >= 0 && is_null(null);

	if (own)
		(void)fcntl(null, F_SETFL, 0);
	for (int fd = 0; fd <= 2; fd++) {
		bool drop = is_null(streams[fd]);
		dup2(drop && own ? null : streams[fd], fd);
		/* The process may open /dev/stdout again, so it must own the pipe. */
		if (!drop)
			(void)fchown(fd, p->uid, (gid_t)-1);
	}
	if (null >= 0)
		close(null);
}

static char **make_environment(const struct process *p)
{
	char **environment;
	const char *wrong = environment_of_user(&p->env, p->uid, &environment);

	if (wrong && wrong[0])
		give_up("invalid environment variable: \"%s\"", wrong); /* runc's words */
	must(wrong ? "no memory for the environment" : NULL);
	return environment;
}

/* A process that joins finds the directory or fails (runc's words). */
static void enter_cwd(const struct process *p)
{
	if (chdir(p->cwd) < 0)
		give_up("chdir to cwd (\"%s\") set in config.json failed", p->cwd);
}

/* Only for the container process: a process that joins comes after the hooks. */
static void run_hooks(const struct spec *spec, char **environment)
{
	struct report report = {.error = EINVAL};

	if (hooks_run(spec, environment, report.words, sizeof(report.words)))
		return;
	send_report(&report, -1);
	_exit(127);
}

/* Call this before the seccomp filter is installed: the filter may forbid these calls. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* If PATH is unset: musl's. */
#define DEFAULT_PATH "/usr/local/bin:/bin:/usr/bin"

/* Tries the program in each directory of PATH, up to the first that has it. */
static void search(char **args)
{
	const char *at = getenv("PATH");
	char file[PATH_MAX];
	int error = ENOENT;

	for (at = at ? at : DEFAULT_PATH; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		const int length = (int)strcspn(at, ":");
		if ((size_t)snprintf(file, sizeof(file), "%.*s%s%s", length, at, length ? "/" : "",
				     args[0]) >= sizeof(file))
			continue;
		execve(file, args, environ);
		if (errno == EACCES)
			error = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
	errno = error;
}

/* This is execvp(3), on which the C libraries do not agree: glibc's gives a file that Linux cannot
 * execute (ENOEXEC) to /bin/sh. musl's does not, and neither does runc. */
static void execute(const struct process *p, char **environment)
{
	char **args = p->args.items;

	environ = environment;
	if (args[0][0] == '\0' || strchr(args[0], '/'))
		execve(args[0], args, environ);
	else
		search(args);
	if (errno == ENOENT && !strchr(args[0], '/')) {
		struct report report = {.error = ENOENT};
		snprintf(report.words, sizeof(report.words),
			 "exec: \"%.300s\": executable file not found in $PATH", args[0]);
		send_report(&report, -1);
		_exit(127);
	}
	give_up("exec: \"%s\"", args[0]);
}

/* The first process makes the root and the mounts. Later processes join them. */
static void make_container(const struct spec *spec)
{
	if (mounts_take_binds(spec) < 0)
		give_up("cannot prepare the bind mounts");
	if (network_take_files(spec) < 0)
		give_up("cannot prepare /etc/resolv.conf and /etc/hosts");
	enter_root();
	make_mounts(spec);
	must(system_apply(spec));
	if (mounts_make_directory(spec->process.cwd, 0755) < 0)
		give_up("mkdir %s", spec->process.cwd);
}

/* Call this after everything that must be made in the root and in its mounts, /dev/console too. */
static void seal_container(const struct spec *spec)
{
	if (mounts_seal(spec) < 0)
		give_up("cannot make a mount read-only");
	must(system_seal(spec));
	make_root_readonly(spec);
}

/* setns(2) with a mount namespace sets the root to the topmost mount at its "/". That is the
 * container's root, since enter_root() has moved it there. */
static void join_container(int container)
{
	if (setns(container, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		give_up("cannot join the container");
}

__attribute__((noreturn)) static void be_child(const struct spec *spec, int container,
					       const int streams[3])
{
	const struct process *p = &spec->process;
	const bool first = container < 0;

	setsid();
	must(privileges_oom_score(p));
	must(cgroup_enter(in_group));
	if (first)
		make_container(spec);
	else
		join_container(container);
	if (p->terminal)
		open_terminal(p, first);
	else
		take_streams(p, streams);
	if (first)
		seal_container(spec);
	enter_cwd(p);
	must(system_personality(spec));
	must(privileges_limit(p));
	char **environment = make_environment(p);
	reset_signals();
	must(privileges_drop(p, spec->seccomp));
	if (first)
		run_hooks(spec, environment);
	execute(p, environment);
	_exit(127);
}

/* ---- in PID 1 ---- */

/* Makes the process's streams: `theirs`, and PID 1's ends in `child`. PID 1 has no end of a stream
 * that is /dev/null. Its ends are non-blocking: a process that does not read must not stop PID 1.
 */
static int make_streams(const struct process *p, int theirs[3], struct child *child)
{
	int *ours[] = {&child->input, &child->output, &child->error}, ends[2];

	for (int i = 0; i < 3; i++) {
		if (p->streams[i] && !strcmp(p->streams[i], "null")) {
			theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
			if (theirs[i] < 0)
				return -1;
			continue;
		}
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		theirs[i] = ends[i == 0 ? 0 : 1];
		*ours[i] = ends[i == 0 ? 1 : 0];
		fcntl(*ours[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

int child_start(const struct spec *spec, pid_t container, struct child *child)
{
	int streams[3] = {-1, -1, -1}, sockets[2] = {-1, -1}, joined = -1;

	privileges_allow(&spec->process);
	*child = (struct child){.pid = -1, .input = -1, .output = -1, .error = -1, .report = -1};
	if (container > 0)
		joined = (int)syscall(SYS_pidfd_open, container, 0);
	if ((container <= 0 || joined >= 0) &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0 &&
	    (spec->process.terminal || make_streams(&spec->process, streams, child) == 0))
		child->pid = clone_into(joined, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
					cgroup_directory(), &in_group);
	if (child->pid == 0) {
		report_socket = sockets[1];
		be_child(spec, joined, streams);
	}
	int error = errno;
	close_all((int[]){streams[0], streams[1], streams[2], sockets[1], joined}, 5);
	child->report = sockets[0];
	if (child->pid < 0)
		child_close(child);
	errno = error;
	return child->pid < 0 ? -1 : 0;
}

void child_close(struct child *child)
{
	close_all(&child->input, 1);
	close_all(&child->output, 1);
	close_all(&child->error, 1);
	close_all(&child->report, 1);
}

static ssize_t receive_report(int socket, struct report *report, int *fd)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec data = {.iov_base = report, .iov_len = sizeof(*report)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (c)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n;
}

static void take_terminal(struct child *child, int master)
{
	fcntl(master, F_SETFL, O_NONBLOCK);
	child->input = master;
	child->output = fcntl(master, F_DUPFD_CLOEXEC, 0);
	child->terminal = true;
}

/* A closed socket without a failure report means that the program was executed. */
enum child_progress child_report(struct child *child, struct report *report)
{
	int master = -1;
	ssize_t n = receive_report(child->report, report, &master);

	if (n < 0)
		return CHILD_STARTING;
	if (n > 0 && report->error == 0) {
		take_terminal(child, master);
		return child_report(child, report);
	}
	close_all(&child->report, 1);
	return n > 0 ? CHILD_FAILED : CHILD_EXECUTED;
}
