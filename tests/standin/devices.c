/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen's devices for the helpers, which are linked with --wrap=open and --wrap=ioctl. Each device is
 * a socket of xen's in the directory $STANDIN, and a grant is mapped from the guest's memory there.
 *
 * Also the host's clock, which no test may set: where $STANDIN has the FIFO `clock.set`, its bytes
 * say that the clock was set, and the file `clock` by how many seconds.
 */
#include "page.h"
#include "trip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* What the dynamic linker and the sanitizer do before is not the helper's. */
__attribute__((constructor)) static void trip_begins(void)
{
	(void)syscall(TRIP_BEGINS, 0);
}

static int connect_to(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *directory = getenv("STANDIN");
	int s = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory ? directory : "",
		 name);
	if (s >= 0 && connect(s, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;
		close(s);
		errno = error;
		return -1;
	}
	return s;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list rest;

	va_start(rest, flags);
	int mode = va_arg(rest, int);
	va_end(rest);
	if (!strcmp(path, "/dev/xen/xenbus"))
		return connect_to("xenstore", SOCK_STREAM);
	if (!strcmp(path, "/dev/xen/evtchn"))
		return connect_to("channels", SOCK_SEQPACKET | (flags & O_NONBLOCK));
	if (!strcmp(path, "/dev/xen/gntdev"))
		path = getenv("STANDIN"),
		flags = O_PATH | O_DIRECTORY | O_CLOEXEC; /* map_grant() */
	return __real_open(path, flags, mode);
}

/*
 * The descriptor, of the directory at first, becomes the guest's memory, at the place of the grant
 * in it. Its caller may have left the tree where the directory is.
 */
static int map_grant(int fd, struct ioctl_gntdev_map_grant_ref *map)
{
	char name[32];

	snprintf(name, sizeof(name), "memory.%u", map->refs[0].domid);
	for (uint32_t i = 0; i < map->count; i++)
		if (map->refs[i].ref != map->refs[0].ref + i || map->refs[i].ref >= PAGES) {
			errno = EINVAL;
			return -1;
		}
	map->index = (uint64_t)map->refs[0].ref * PAGE;
	int memory = openat(fd, name, O_RDWR | O_CLOEXEC);
	if (memory < 0)
		return errno == ENOTDIR ? 0 : -1; /* it was mapped from before */
	int result = dup3(memory, fd, O_CLOEXEC);
	close(memory);
	return result < 0 ? -1 : 0;
}

static int order(int fd, int order, uint32_t domid, uint32_t port)
{
	struct channel_order o = {order, domid, port};

	/* Not send(2), which a confined server may not do. */
	return write(fd, &o, sizeof(o)) < 0 ? -1 : (int)port;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list rest;

	va_start(rest, request);
	void *with = va_arg(rest, void *);
	va_end(rest);
	switch (request) {
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		return map_grant(fd, with);
	case IOCTL_EVTCHN_BIND_INTERDOMAIN: {
		const struct ioctl_evtchn_bind_interdomain *bind = with;
		return order(fd, CHANNEL_BIND, bind->remote_domain, bind->remote_port);
	}
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		return 0;
	case IOCTL_EVTCHN_NOTIFY:
		return order(fd, CHANNEL_NOTIFY, 0, ((struct ioctl_evtchn_notify *)with)->port);
	default:
		return __real_ioctl(fd, request, with);
	}
}

/* ---- the host's clock ---- */

static bool clock_is_ours;

int __real_timerfd_create(clockid_t clock, int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *when,
			   struct itimerspec *before);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
			   struct itimerspec *before);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

static int open_of_clock(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", getenv("STANDIN"), name);
	return __real_open(path, flags | O_CLOEXEC);
}

int __wrap_timerfd_create(clockid_t clock, int flags)
{
	int fd = open_of_clock("clock.set", O_RDWR | O_NONBLOCK);

	clock_is_ours = fd >= 0;
	return clock_is_ours ? fd : __real_timerfd_create(clock, flags);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
			   struct itimerspec *before)
{
	return clock_is_ours ? 0 : __real_timerfd_settime(fd, flags, when, before);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	char words[32] = "";
	int rc = __real_clock_gettime(clock, time);

	if (!clock_is_ours || clock != CLOCK_REALTIME)
		return rc;
	int fd = open_of_clock("clock", O_RDONLY);
	(void)!read(fd, words, sizeof(words) - 1);
	close(fd);
	time->tv_sec += atol(words);
	return rc;
}
