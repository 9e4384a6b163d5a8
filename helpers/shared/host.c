/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "common.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
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

/*
 * The process's name in /proc/PID/stat may hold any character. So the fields are counted from
 * behind the name's closing parenthesis, where field 2 ends.
 */
bool host_start_time_of(int pid, unsigned long long *ticks)
{
	char path[32], line[1024], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = file >= 0 ? read(file, line, sizeof(line) - 1) : -1;
	close(file);
	line[n > 0 ? n : 0] = '\0';
	char *at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	*ticks = strtoull(at, &end, 10);
	return end != at;
}

unsigned long long host_start_time(void)
{
	unsigned long long ticks;

	if (!host_start_time_of(getpid(), &ticks))
		failx("cannot find the start time in /proc/%d/stat", getpid());
	return ticks;
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

void host_leave_caller(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/") < 0)
		fail("cannot change to the directory /");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			fail("cannot open /dev/null");
	close(null);
}
