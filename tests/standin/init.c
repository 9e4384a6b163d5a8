/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/init.c for a process of the host; xen is linked with --wrap=open and --wrap=tcgetattr, …
 * The VM's clock is the host's and a difference, which each setting adds to the file `guest-clock`
 * in $STANDIN, in whole seconds.
 */
#include "init.h"

#include "guest/base/spec.h"
#include "guest/console/io.h"
#include "guest/console/serve.h"
#include "guest/console/session.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int console_socket = -1;
static struct session container;

/* ---- /dev/hvc1 ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_tcgetattr(int fd, struct termios *settings);
int __real_tcsetattr(int fd, int when, const struct termios *settings);
int __wrap_tcgetattr(int fd, struct termios *settings);
int __wrap_tcsetattr(int fd, int when, const struct termios *settings);

int __wrap_open(const char *path, int flags, ...)
{
	va_list rest;

	va_start(rest, flags);
	int mode = va_arg(rest, int);
	va_end(rest);
	return strcmp(path, "/dev/hvc1") ? __real_open(path, flags, mode) : console_socket;
}

int __wrap_tcgetattr(int fd, struct termios *settings)
{
	if (fd != console_socket)
		return __real_tcgetattr(fd, settings);
	memset(settings, 0, sizeof(*settings));
	return 0;
}

int __wrap_tcsetattr(int fd, int when, const struct termios *settings)
{
	return fd == console_socket ? 0 : __real_tcsetattr(fd, when, settings);
}

/* ---- its clock ---- */

static int64_t ahead; /* of the host's, microseconds */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_settime(clockid_t clock, const struct timespec *time);
int __wrap_adjtime(const struct timeval *slew, struct timeval *before);

static int64_t microseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

static int go_ahead(int64_t by)
{
	char path[256], line[32];

	ahead += by;
	snprintf(path, sizeof(path), "%s/guest-clock", getenv("STANDIN"));
	int n = snprintf(line, sizeof(line), "%ld\n", lround((double)ahead / 1000000));
	int fd = __real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	(void)!write(fd, line, (size_t)n);
	close(fd);
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int rc = __real_clock_gettime(clock, time);

	if (clock != CLOCK_REALTIME)
		return rc;
	int64_t now = microseconds(time) + ahead;
	*time = (struct timespec){now / 1000000, now % 1000000 * 1000};
	return rc;
}

int __wrap_clock_settime(clockid_t clock, const struct timespec *time)
{
	struct timespec now;

	__wrap_clock_gettime(clock, &now);
	return go_ahead(microseconds(time) - microseconds(&now));
}

int __wrap_adjtime(const struct timeval *slew, struct timeval *before)
{
	(void)before;
	return go_ahead((int64_t)slew->tv_sec * 1000000 + slew->tv_usec);
}

/* ---- PID 1 ---- */

static int take_signals(void)
{
	sigset_t child, all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* spec_read() wants a file. */
static const char *read_description(const char *description, size_t size, struct spec *spec)
{
	char path[32];
	int fd = memfd_create("container", MFD_CLOEXEC);

	if (fd < 0 || write(fd, description, size) != (ssize_t)size)
		return "no memory";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const char *problem = spec_read(path, spec);
	close(fd);
	return problem;
}

void init_run(int console, const char *description, size_t size, const char *faults)
{
	struct spec spec;
	struct child child;

	(void)prctl(PR_SET_NAME, "standin-init");
	console_socket = console;
	ahead = vm_fault(faults, "clock", 0) * (int64_t)1000000;
	int signals = take_signals();
	io_time(WIRE_AT_INIT);
	if (!io_open())
		_exit(1);
	io_time(WIRE_AT_CONSOLE);
	io_time(WIRE_AT_ROOT);
	const char *problem = read_description(description, size, &spec);
	if (problem || child_start(&spec, 0, &child) < 0) {
		io_send_failure(0, errno ? errno : EINVAL, problem ? problem : strerror(errno));
		_exit(0);
	}
	session_init(&container, 0, &child);
	int status = serve(&spec, &container, signals);
	if (status >= 0)
		io_send_word(WIRE_EXITED, 0, 0, (uint32_t)status);
	_exit(0);
}
