/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void host_enter_netns(const char *path)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (!path)
		return;
	if (strcmp(path, "new") != 0) {
		int ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
			fail("cannot enter the network namespace %s", path);
		close(ns);
		return;
	}
	if (unshare(CLONE_NEWNET) < 0)
		fail("cannot make a network namespace");
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &lo) < 0)
		fail("cannot bring up the loopback interface");
	close(s);
}

int host_listen(int directory, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory,
		 name);
	if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(s, 16) < 0)
		fail("cannot listen in the state directory");
	return s;
}

/* Reads a short file. Sets errno to ESRCH if it is not there, or its process is not. */
static bool read_file(int directory, const char *name, char *text, size_t size)
{
	int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = file >= 0 ? read(file, text, size - 1) : -1;
	const int error = errno;

	if (file >= 0)
		close(file);
	errno = error == ENOENT ? ESRCH : error;
	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/*
 * Reads a file /proc/PID/stat. The process's name there may hold any character. So the fields are
 * counted from behind the name's closing parenthesis, where field 2 ends.
 */
static bool read_stat(const char *path, int *pid, unsigned long long *start)
{
	char line[1024], *end;

	if (!read_file(AT_FDCWD, path, line, sizeof(line)))
		return false;
	char *at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	*pid = (int)strtol(line, NULL, 10);
	*start = strtoull(at, &end, 10);
	return end != at;
}

/* The pid is the one that /proc knows, also if this process is in a PID namespace of its own. */
int host_write_record(int directory, const char *name, const char *first, size_t room)
{
	char line[512], new[64];
	unsigned long long start;
	int pid;

	if (!read_stat("/proc/self/stat", &pid, &start))
		failx("cannot find the start time in /proc/self/stat");
	size_t n = (size_t)snprintf(line, sizeof(line), "%s %d %llu\n", first, pid, start);
	memset(line + n, '\n', room);
	snprintf(new, sizeof(new), "%s.tmp", name);
	int file = openat(directory, new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0 || write(file, line, n + room) != (ssize_t)(n + room) ||
	    renameat(directory, new, directory, name) < 0)
		fail("cannot write the record %s", name);
	return file;
}

/*
 * The pidfd is opened before the start time is compared, so it is never another process that got
 * the same pid.
 */
int host_open_recorded(int directory, const char *name)
{
	char line[64], path[32], *at;
	unsigned long long start = 0;
	int pid;

	if (!read_file(directory, name, line, sizeof(line)))
		return -1;
	errno = ESRCH;
	if (!(at = strchr(line, ' ')))
		return -1;
	const int recorded = (int)strtol(at, &at, 10);
	const unsigned long long started = strtoull(at, NULL, 10);
	int process = (int)syscall(SYS_pidfd_open, recorded, 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", recorded);
	/* Up to Linux 6.12: EINVAL, if the number is a thread's, or still a session's. Later
	 * ENOENT. */
	if (process < 0 && (errno == EINVAL || errno == ENOENT))
		errno = ESRCH;
	if (process < 0)
		return -1;
	if (read_stat(path, &pid, &start) && start == started)
		return process;
	const int error = start ? ESRCH : errno;
	close(process);
	errno = error;
	return -1;
}

/* A line of /proc/self/cgroup is "NUMBER:CONTROLLERS:PATH". Version 2 has no controllers there. */
void host_leave_groups(void)
{
	char line[PATH_MAX + 64], path[PATH_MAX];
	FILE *groups = fopen("/proc/self/cgroup", "re");

	while (groups && fgets(line, sizeof(line), groups)) {
		char *controllers = strchr(line, ':');
		char *end = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!end)
			continue;
		*end = '\0';
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", controllers + 1);
		int procs = open(path, O_WRONLY | O_CLOEXEC);
		if (procs < 0 && !controllers[1])
			procs = open("/sys/fs/cgroup/unified/cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (procs >= 0) {
			(void)!write(procs, "0", 1);
			close(procs);
		}
	}
	if (groups)
		fclose(groups);
}

/* The check comes second. The kernel reports only a parent that dies after the prctl. */
void host_end_with(pid_t parent, int signal)
{
	(void)prctl(PR_SET_PDEATHSIG, signal);
	if (parent && getppid() != parent)
		failx("the runX that started this has ended");
}

void host_alarm(unsigned int seconds, void (*action)(int))
{
	sigset_t set;

	(void)signal(SIGALRM, action);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)alarm(seconds);
}

void host_close_from(int first)
{
	(void)syscall(SYS_close_range, first, ~0U, 0);
}

int64_t host_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * The raw system calls take all 64 signals. The C library's sets and calls leave out the signals
 * that it keeps for its threads: 32 and 33, and with musl also 34. The proxy has no such threads.
 * If these signals were left out, one of them would end the proxy, and the container with it.
 */
int host_take_signals(void)
{
	const uint64_t all = ~0ULL;

	/* If the caller ignores SIGCHLD, nobody can wait for an xl that we start. */
	signal(SIGCHLD, SIG_DFL);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)) < 0)
		fail("cannot take signals");
	int fd = (int)syscall(SYS_signalfd4, -1, &all, sizeof(all), SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("cannot take signals");
	return fd;
}

/*
 * Signals that this process caused itself do not count: the SIGPIPE of its write to a pipe that
 * nobody reads, and the SIGCHLD of an xl that ended.
 */
int host_signal(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if ((info.ssi_signo == SIGPIPE && info.ssi_pid == (uint32_t)getpid()) ||
	    (info.ssi_signo == SIGCHLD && info.ssi_code > 0))
		return 0;
	return (int)info.ssi_signo;
}

int host_go_to_background(void)
{
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("cannot start a process in the background");
	if (pid > 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : EXIT_HELPER);
	}
	close(ready[0]);
	return ready[1];
}

bool host_ready(int ready)
{
	bool told = write(ready, "", 1) == 1;

	close(ready);
	return told;
}

void host_leave_caller_to(int null)
{
	if (chdir("/") < 0)
		fail("cannot change to the directory /");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			fail("cannot open /dev/null");
	close(null);
}

void host_leave_caller(void)
{
	host_leave_caller_to(open("/dev/null", O_RDWR | O_CLOEXEC));
}
