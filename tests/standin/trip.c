/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and trips it at one of its system calls: kills it there, or lets the call fail.
 *
 * usage: trip [-r REPORT] [-s SIGNAL] kill N WHOM COMMAND…
 *        trip [-r REPORT] fail N ERROR COMMAND…
 *        trip [-r REPORT] count SET COMMAND…
 *
 *   WHOM    command, group or caller
 *   SIGNAL  a number (9)
 *   ERROR   a number, or `short` for a write of a half
 *   SET     kill or fail
 *
 * `kill` counts the calls that change something outside of the process which makes them, of all
 * processes that the command starts. `fail` counts those that can fail, of the helpers alone, from
 * their main on (trip_begins in devices.c). The report is a line for the call that was tripped,
 * once it is, or for `count` the number of calls, once the last process has ended.
 *
 * The kernel asks us before each call (seccomp_unotify(2)): a process of ours stays until the last
 * process of the command has ended, also those in the background. Exit status: the command's,
 * 128+n where signal n ended it.
 */
#include "trip.h"

#include "page.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, since Linux 5.19 */
#define WAIT_KILLABLE (1UL << 5)

enum set { KILL = 1, FAIL = 2 };

#define CALL(name, sets)                                                                           \
	{                                                                                          \
		SYS_##name, #name, sets                                                            \
	}

/*
 * Not among them, though helpers make them:
 *
 *   - those that Linux never lets fail as we use them: exit, getpid, setsid, umask, alarm,
 *     sigaction, sigprocmask, setfsuid, and close_range; and kill and pidfd_send_signal, for they
 *     fail only if the process has ended, which is no fault
 *   - close: Linux closes the descriptor even if it returns an error, and we could not
 *   - mmap of memory of its own, brk, munmap, mprotect, madvise, futex, sigaltstack: the sanitizer
 *     and libc make them too, and end the program if one fails
 *   - getrandom: libc takes the time in its place
 */
static const struct call {
	int number;
	const char *name;
	int sets;
} calls[] = {
	{TRIP_BEGINS, "main", FAIL},
	CALL(rt_sigaction, KILL | FAIL), /* never tripped: see restarts */
	CALL(execve, KILL | FAIL),
	CALL(clone, KILL | FAIL),
	CALL(clone3, KILL | FAIL),
#ifdef SYS_fork
	CALL(fork, KILL | FAIL),
	CALL(vfork, KILL | FAIL),
	CALL(open, KILL | FAIL),
	CALL(mkdir, KILL | FAIL),
	CALL(rmdir, KILL | FAIL),
	CALL(unlink, KILL | FAIL),
	CALL(rename, KILL | FAIL),
	CALL(poll, FAIL),
	CALL(dup2, FAIL),
	CALL(access, FAIL),
	CALL(readlink, FAIL),
	CALL(mknod, KILL | FAIL),
	CALL(chmod, KILL | FAIL),
	CALL(link, KILL | FAIL),
	CALL(symlink, KILL | FAIL),
#endif
	CALL(openat, KILL | FAIL),
	CALL(mkdirat, KILL | FAIL),
	CALL(unlinkat, KILL | FAIL),
	CALL(renameat, KILL | FAIL),
	CALL(renameat2, KILL | FAIL),
	CALL(write, KILL | FAIL),
	CALL(writev, KILL | FAIL),
	CALL(sendfile, KILL | FAIL),
	CALL(connect, KILL | FAIL),
	CALL(bind, KILL | FAIL),
	CALL(sendmsg, KILL | FAIL),
	CALL(sendto, KILL | FAIL),
	CALL(mount, KILL | FAIL),
	CALL(umount2, KILL | FAIL),
	CALL(unshare, KILL | FAIL),
	CALL(setns, KILL | FAIL),
	CALL(flock, KILL | FAIL),
	CALL(mknodat, KILL | FAIL),
	CALL(linkat, KILL | FAIL),
	CALL(symlinkat, KILL | FAIL),
	CALL(fchmod, KILL | FAIL),
	CALL(fchmodat, KILL | FAIL),
	CALL(fchown, KILL | FAIL),
	CALL(fchownat, KILL | FAIL),
	CALL(utimensat, KILL | FAIL),
	CALL(ftruncate, KILL | FAIL),
	CALL(fallocate, KILL | FAIL),
	CALL(pwrite64, KILL | FAIL),
	CALL(copy_file_range, KILL | FAIL),
	CALL(setxattr, KILL | FAIL),
	CALL(open_tree, FAIL),
	CALL(move_mount, KILL | FAIL),
	CALL(mount_setattr, KILL | FAIL),
	CALL(pivot_root, KILL | FAIL),
	CALL(chroot, FAIL),
	CALL(ioctl, KILL | FAIL),
	CALL(kill, KILL),
	CALL(pidfd_send_signal, KILL),
	CALL(exit_group, KILL),
	CALL(read, FAIL),
	CALL(recvfrom, FAIL),
	CALL(recvmsg, FAIL),
	CALL(ppoll, FAIL),
	CALL(pipe2, FAIL),
	CALL(dup3, FAIL),
	CALL(fcntl, FAIL),
	CALL(socket, FAIL),
	CALL(listen, FAIL),
	CALL(accept4, FAIL),
	CALL(signalfd4, FAIL),
	CALL(timerfd_create, FAIL),
	CALL(timerfd_settime, FAIL),
	CALL(setsockopt, FAIL),
	CALL(wait4, FAIL),
	CALL(pidfd_open, FAIL),
	CALL(mmap, FAIL),
	CALL(chdir, FAIL),
	CALL(fchdir, FAIL),
	CALL(faccessat, FAIL),
	CALL(faccessat2, FAIL),
	CALL(openat2, FAIL),
	CALL(readlinkat, FAIL),
	CALL(newfstatat, FAIL),
	CALL(fstat, FAIL),
	CALL(statx, FAIL),
	CALL(statfs, FAIL),
	CALL(fstatfs, FAIL),
	CALL(getdents64, FAIL),
	CALL(lseek, FAIL),
	CALL(pread64, FAIL),
	CALL(fsync, FAIL),
	CALL(fdatasync, FAIL),
	CALL(name_to_handle_at, FAIL),
	CALL(open_by_handle_at, FAIL),
	CALL(memfd_create, FAIL),
	CALL(socketpair, FAIL),
	CALL(getsockname, FAIL),
	CALL(getsockopt, FAIL),
	CALL(dup, FAIL),
	CALL(prlimit64, FAIL),
	CALL(prctl, FAIL),
	CALL(capset, FAIL),
	CALL(seccomp, FAIL),
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))
#define TASKS (1 << 22) /* most that a pid can be */

static struct {
	enum set set;
	long at; /* which call; 0: only count */
	const char *how;
	int signal;
	const char *report;
	long count;
	pid_t command;
	int listener;
	/* For each pid: whether it is a helper's, from its main on. */
	enum { UNKNOWN, BEGUN, OTHER } * tasks;
} trip;

/* What the command's first process tells its parent, without a call that is tripped. */
static struct meeting {
	sem_t ready;
	int listener;
} * meeting;

/* ---- in the command ---- */

static struct sock_fprog make_filter(void)
{
	static struct sock_filter filter[CALLS + 3];
	unsigned short at = 0;

	filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						    offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].sets & trip.set)
			filter[at++] = (struct sock_filter)BPF_JUMP(
				BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].number, 0, 0);
	/* All jumps lead to the last instruction. */
	for (unsigned short i = 1; i < at; i++)
		filter[i].jt = (uint8_t)(at - i);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	return (struct sock_fprog){at, filter};
}

__attribute__((noreturn)) static void be_command(char **command)
{
	struct sock_fprog program = make_filter();

	setpgid(0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* A call that a signal interrupts while we look at it would fail as it does nowhere else.
	 */
	meeting->listener =
		(int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			     SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE, &program);
	if (meeting->listener < 0)
		meeting->listener = -errno;
	sem_post(&meeting->ready);
	execvp(command[0], command);
	_exit(127);
}

/* ---- who is asked about ---- */

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	pid_t parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f)) {
		const char *at = strrchr(line, ')');
		if (!at || sscanf(at, ") %*c %d", &parent) != 1)
			parent = 0;
	}
	if (f)
		fclose(f);
	return parent;
}

/* A child of a helper is one, too, until it executes something else. */
static bool is_helper(const struct seccomp_notif *call)
{
	const pid_t pid = (pid_t)call->pid;

	if (call->data.nr == TRIP_BEGINS) {
		trip.tasks[pid] = BEGUN;
		return false;
	}
	if (trip.tasks[pid] == UNKNOWN)
		trip.tasks[pid] = trip.tasks[parent_of(pid)] == BEGUN ? BEGUN : OTHER;
	if (trip.tasks[pid] == BEGUN && call->data.nr == SYS_execve) {
		trip.tasks[pid] = OTHER;
		return true;
	}
	return trip.tasks[pid] == BEGUN;
}

/* Whether a call that opens a file may change it. A terminal's settings are asked for often. */
static bool changes(const struct seccomp_data *data)
{
	const int kinds = O_ACCMODE | O_CREAT;

	if (data->nr == SYS_openat)
		return data->args[2] & kinds;
	if (data->nr == SYS_ioctl)
		return (data->args[1] & 0xff00) != 'T' << 8;
#ifdef SYS_open
	if (data->nr == SYS_open)
		return data->args[1] & kinds;
#endif
	return true;
}

/* /dev/xen/xenbus, too, which is a socket here, takes all of a write. */
static bool is_socket(const struct seccomp_notif *call)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", call->pid, (int)call->data.args[0]);
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/*
 * Memory of its own and the size of its stack are also the sanitizer's, which cannot do without. Of
 * prctl's, those that set what only concerns the process itself never fail.
 */
static bool can_fail(const struct seccomp_data *data)
{
	if (data->nr == SYS_mmap)
		return (int)data->args[4] >= 0;
	if (data->nr == SYS_prlimit64)
		return data->args[1] != RLIMIT_STACK;
	if (data->nr == SYS_prctl)
		return data->args[0] == PR_CAPBSET_DROP || data->args[0] == PR_CAP_AMBIENT ||
		       data->args[0] == PR_SET_NO_NEW_PRIVS || data->args[0] == PR_SET_SECUREBITS ||
		       data->args[0] == PR_SET_SECCOMP;
	return true;
}

/* The ioctl of an event channel that Linux never lets fail, which is a write here (devices.c). */
static bool is_event(const struct seccomp_notif *call)
{
	struct channel_order order = {0};
	struct iovec ours = {&order, sizeof(order)},
		     theirs = {(void *)call->data.args[1], sizeof(order)};

	return call->data.nr == SYS_write && call->data.args[2] == sizeof(order) &&
	       is_socket(call) && process_vm_readv((pid_t)call->pid, &ours, 1, &theirs, 1, 0) > 0 &&
	       order.order == CHANNEL_NOTIFY;
}

/*
 * A signal ends a call that we have not seen yet with EINTR, also one that Linux alone would never
 * end so, such as openat or clone. SIGCHLD comes to a shell at any time, so its calls restart then:
 * we set the flag in what the process gives to sigaction(2).
 */
static void restarts(const struct seccomp_notif *call)
{
	unsigned long flags;
	struct iovec ours = {&flags, sizeof(flags)},
		     theirs = {(char *)call->data.args[1] + sizeof(void *), sizeof(flags)};

	if (call->data.args[0] != SIGCHLD || !call->data.args[1] ||
	    process_vm_readv((pid_t)call->pid, &ours, 1, &theirs, 1, 0) < 0)
		return;
	flags |= SA_RESTART;
	(void)process_vm_writev((pid_t)call->pid, &ours, 1, &theirs, 1, 0);
}

static bool counts(const struct seccomp_notif *call)
{
	if (call->data.nr == SYS_rt_sigaction) {
		restarts(call);
		return false;
	}
	if (trip.set == KILL)
		return changes(&call->data);
	if (!is_helper(call))
		return false;
	if (!can_fail(&call->data) || is_event(call))
		return false;
	if (!strcmp(trip.how, "short"))
		return call->data.nr == SYS_write && call->data.args[2] > 1 && !is_socket(call);
	return true;
}

/* ---- what befalls it ---- */

static void say(const char *format, long number, const char *name, pid_t pid)
{
	char comm[32] = "?", path[64];

	if (!trip.report)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *f = fopen(path, "re"), *report = fopen(trip.report, "we");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	if (report) {
		fprintf(report, format, number, name, comm);
		fclose(report);
	}
}

static void say_call(const struct seccomp_notif *call)
{
	char words[128];
	const char *name = "?";

	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number == call->data.nr)
			name = calls[i].name;
	snprintf(words, sizeof(words), "%s(%d, …, %d)", name, (int)call->data.args[0],
		 (int)call->data.args[2]);
	say("call %ld: %s of %s\n", trip.count, words, (pid_t)call->pid);
}

static void kill_whom(const struct seccomp_notif *call)
{
	if (!strcmp(trip.how, "caller"))
		kill((pid_t)call->pid, trip.signal);
	else
		kill(!strcmp(trip.how, "group") ? -trip.command : trip.command, trip.signal);
}

/* Writes the first half of what the process wants to write, in its place. */
static long write_half(const struct seccomp_notif *call)
{
	char bytes[65536];
	size_t count = call->data.args[2] / 2;
	int process = (int)syscall(SYS_pidfd_open, call->pid, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, process, (int)call->data.args[0], 0);

	if (count > sizeof(bytes))
		count = sizeof(bytes);
	struct iovec ours = {bytes, count}, theirs = {(void *)call->data.args[1], count};
	ssize_t n = -1;
	if (fd >= 0 &&
	    process_vm_readv((pid_t)call->pid, &ours, 1, &theirs, 1, 0) == (ssize_t)count)
		n = write(fd, bytes, count);
	close(fd);
	close(process);
	return n;
}

static void befall(const struct seccomp_notif *call, struct seccomp_notif_resp *answer)
{
	say_call(call);
	if (trip.set == KILL) {
		kill_whom(call);
		return;
	}
	answer->flags = 0;
	if (strcmp(trip.how, "short") != 0)
		answer->error = -atoi(trip.how);
	else
		answer->val = write_half(call);
}

/* Until no process with the filter is left. */
static void serve(void)
{
	struct pollfd p = {.fd = trip.listener, .events = POLLIN};

	for (;;) {
		struct seccomp_notif call = {0};
		struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return;
		if (p.revents & (POLLHUP | POLLERR))
			return;
		if (!(p.revents & POLLIN) || ioctl(p.fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
			continue;
		answer.id = call.id;
		if (counts(&call) && ++trip.count == trip.at)
			befall(&call, &answer);
		(void)ioctl(p.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

__attribute__((noreturn)) static void be_supervisor(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	(void)prctl(PR_SET_NAME, "trip-server");
	for (int fd = 0; fd <= 9; fd++)
		if (fd != trip.listener && fd != null)
			(void)(fd <= 2 ? dup2(null, fd) : close(fd));
	serve();
	if (trip.at == 0)
		say("%ld%.0s%.0s\n", trip.count, "", 0);
	_exit(0);
}

/* ---- the command line ---- */

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(125, "no memory");
	return memory;
}

static char **parse(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "-r")) {
		trip.report = argv[2];
		argv += 2;
		argc -= 2;
	}
	trip.signal = SIGKILL;
	if (argc > 2 && !strcmp(argv[1], "-s")) {
		trip.signal = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc > 3 && !strcmp(argv[1], "count")) {
		trip.set = !strcmp(argv[2], "kill") ? KILL : FAIL;
		trip.how = "";
		return argv + 3;
	}
	if (argc < 5)
		errx(125,
		     "usage: trip [-r REPORT] [-s SIGNAL] kill N WHOM | fail N ERROR | count SET "
		     "COMMAND…");
	trip.set = !strcmp(argv[1], "kill") ? KILL : FAIL;
	trip.at = atol(argv[2]);
	trip.how = argv[3];
	return argv + 4;
}

static void start(char **command)
{
	trip.command = fork();
	if (trip.command == 0)
		be_command(command);
	while (sem_wait(&meeting->ready) < 0)
		;
	int process = (int)syscall(SYS_pidfd_open, trip.command, 0);
	errno = -meeting->listener;
	if (meeting->listener >= 0)
		trip.listener = (int)syscall(SYS_pidfd_getfd, process, meeting->listener, 0);
	if (process < 0 || meeting->listener < 0 || trip.listener < 0)
		err(125, "cannot be asked about system calls");
	close(process);
	pid_t supervisor = fork();
	if (supervisor < 0)
		err(125, "fork");
	if (supervisor == 0)
		be_supervisor();
	close(trip.listener);
}

int main(int argc, char **argv)
{
	char **command = parse(argc, argv);
	int status = 0;

	meeting = shared(sizeof(*meeting));
	trip.tasks = shared(TASKS * sizeof(*trip.tasks));
	sem_init(&meeting->ready, 1, 0);
	start(command);
	while (waitpid(trip.command, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
