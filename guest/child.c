/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include "mounts.h"
#include "privileges.h"
#include "system.h"

#include <errno.h>
#include <fcntl.h>
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

/* Where the child reports; it closes when the program is executed. */
static int report_socket;

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

/* Reports, and ends the child. Adds what errno means, in the lower case of Go's messages. */
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

/* The initial root cannot be pivoted away from; moving over it is what switch_root does as well. */
static void enter_root(void)
{
	if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		give_up("cannot enter the root file system");
}

/* Not before all is made that has its place in it. */
static void make_root_readonly(const struct spec *spec)
{
	if (spec->root_readonly &&
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		give_up("cannot make the root file system read-only");
}

static bool mounted(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (!strcmp(spec->mounts[i].destination, destination))
			return true;
	return false;
}

/* /proc, /sys, /dev, /dev/pts and /dev/shm are there also for a config.json that asks for none. */
static void make_mounts(const struct spec *spec)
{
	char *no_options[] = {NULL}, *dev_options[] = {(char *)"mode=755", NULL};
	struct mount_spec dev = {
		(char *)"/dev", (char *)"tmpfs", (char *)"tmpfs", {dev_options, 1}};
	struct mount_spec proc = {(char *)"/proc", (char *)"proc", (char *)"proc", {no_options, 0}};

	umask(0);
	if (!mounted(spec, "/proc") && mounts_mount(&proc) < 0)
		give_up("mounting /proc");
	if (!mounted(spec, "/dev") && mounts_mount(&dev) < 0)
		give_up("mounting /dev");
	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct mount_spec *m = &spec->mounts[i];
		if (mounts_mount(m) < 0)
			give_up("error mounting \"%s\" to rootfs at \"%s\"",
				m->source ? m->source : "", m->destination);
	}
	if (mounts_fill_dev() < 0)
		give_up("cannot fill /dev");
}

/*
 * A terminal comes from the container's own /dev/pts, so that its programs find its name; without
 * that mount there is none to have. /dev/console is the same terminal, as under runc.
 */
static void open_terminal(const struct process *p)
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
	int console = open("/dev/console", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (console >= 0) {
		close(console);
		(void)mount(name, "/dev/console", NULL, MS_BIND, NULL);
	}
	if (p->rows && p->columns)
		(void)ioctl(slave, TIOCSWINSZ, &size);
	send_report(&report, master);
	for (int fd = 0; fd <= 2; fd++)
		dup2(slave, fd);
	if (slave > 2)
		close(slave);
}

static void take_pipes(const struct process *p, const int pipes[3])
{
	for (int fd = 0; fd <= 2; fd++) {
		dup2(pipes[fd], fd);
		/* Its process may open /dev/stdout again: the pipe must be its own. */
		(void)fchown(fd, p->uid, (gid_t)-1);
	}
}

/* NULL is success; else what failed, with errno. */
static void must(const char *failed)
{
	if (failed)
		give_up("%s", failed);
}

/* HOME of the user's entry in the container's /etc/passwd; "/" without one, as under runc. */
static char *find_home(uid_t uid)
{
	static char home[512] = "HOME=/";
	char line[1024], path[500];
	unsigned int id;
	FILE *f = fopen("/etc/passwd", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*[^:]:%*[^:]:%u:%*[^:]:%*[^:]:%499[^:\n]", &id, path) == 2 &&
		    id == uid) {
			snprintf(home, sizeof(home), "HOME=%s", path);
			break;
		}
	if (f)
		fclose(f);
	return home;
}

/* The environment as asked for, and HOME where it is unset or empty. */
static char **make_environment(const struct process *p)
{
	size_t count = p->env.count, at = count;
	char **env = calloc(count + 2, sizeof(*env));

	if (!env)
		give_up("no memory for the environment");
	for (size_t i = 0; i < count; i++) {
		env[i] = p->env.items[i];
		if (!strncmp(env[i], "HOME=", 5))
			at = i;
	}
	if (at == count || !strcmp(env[at], "HOME="))
		env[at] = find_home(p->uid);
	return env;
}

static void enter_cwd(const struct process *p)
{
	if (mounts_make_directory(p->cwd, 0755) < 0 || chdir(p->cwd) < 0)
		give_up("cannot enter the working directory %s", p->cwd);
}

static void execute(const struct process *p, char **environment)
{
	char **args = p->args.items;
	extern char **environ;
	sigset_t mask;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	environ = environment;
	execvp(args[0], args);
	if (errno == ENOENT && !strchr(args[0], '/')) {
		struct report report = {.error = ENOENT};
		snprintf(report.words, sizeof(report.words),
			 "exec: \"%.300s\": executable file not found in $PATH", args[0]);
		send_report(&report, -1);
		_exit(127);
	}
	give_up("exec: \"%s\"", args[0]);
}

__attribute__((noreturn)) static void be_child(const struct spec *spec, const int pipes[3])
{
	const struct process *p = &spec->process;

	setsid();
	enter_root();
	make_mounts(spec);
	must(system_apply(spec));
	make_root_readonly(spec);
	if (p->terminal)
		open_terminal(p);
	else
		take_pipes(p, pipes);
	enter_cwd(p);
	must(privileges_limit(p));
	char **environment = make_environment(p);
	must(privileges_drop(p, spec->seccomp));
	execute(p, environment);
	_exit(127);
}

/* Ours are non-blocking: a process that does not read must not stop PID 1. */
static bool make_pipes(int theirs[3], struct child *child)
{
	int *ours[] = {&child->input, &child->output, &child->error}, ends[2];

	for (int i = 0; i < 3; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return false;
		theirs[i] = ends[i == 0 ? 0 : 1];
		*ours[i] = ends[i == 0 ? 1 : 0];
		fcntl(*ours[i], F_SETFL, O_NONBLOCK);
	}
	return true;
}

static int receive_report(int socket, struct report *report, int *fd)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec data = {.iov_base = report, .iov_len = sizeof(*report)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (c)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return (int)n;
}

/* True once the program runs: then the socket closed with nothing but a terminal on it. */
static bool executed(int socket, struct child *child, struct report *report)
{
	int master = -1;

	while (receive_report(socket, report, &master) > 0)
		if (report->error)
			return false;
	if (master >= 0) {
		fcntl(master, F_SETFL, O_NONBLOCK);
		child->input = master;
		child->output = fcntl(master, F_DUPFD_CLOEXEC, 0);
		child->terminal = true;
	}
	return true;
}

static bool failed(struct report *report, const char *words)
{
	*report = (struct report){.error = errno};
	snprintf(report->words, sizeof(report->words), "%s", words);
	return false;
}

bool child_start(const struct spec *spec, struct child *child, struct report *report)
{
	int pipes[3], sockets[2];
	unsigned long namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;

	*child = (struct child){.input = -1, .output = -1, .error = -1};
	if (!spec->process.terminal && !make_pipes(pipes, child))
		return failed(report, "no pipes for the process");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return failed(report, "no socket for the process");
	child->pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
	if (child->pid < 0)
		return failed(report, "the VM cannot start a process");
	if (child->pid == 0) {
		close(sockets[0]);
		report_socket = sockets[1];
		be_child(spec, pipes);
	}
	close(sockets[1]);
	for (int i = 0; i < 3 && !spec->process.terminal; i++)
		close(pipes[i]);
	bool good = executed(sockets[0], child, report);
	close(sockets[0]);
	return good;
}
