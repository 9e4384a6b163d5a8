/* SPDX-License-Identifier: Apache-2.0 */
/* On /dev/xen/gntdev and /dev/xen/evtchn, without any Xen library. */
#include "backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The headers of linux-libc-dev use these two types but define them nowhere. */
typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

static int make_directory(struct xenstore *xs, const char *path, unsigned int owner,
			  unsigned int reader)
{
	return xenstore_write(xs, path, "") < 0 ? -1 : xenstore_permit(xs, path, owner, reader);
}

static int write_node(struct xenstore *xs, const char *directory, const char *name,
		      const char *value)
{
	char path[XENSTORE_PATH];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return xenstore_write(xs, path, value);
}

/*
 * The directories come first: a new node takes its permissions from its directory. The states come
 * last, because they make the guest's xenbus look at the other nodes.
 */
int backend_publish(struct xenstore *xs, unsigned int domid, const char *frontend,
		    const char *backend, const struct backend_node *nodes, size_t count,
		    const char *state)
{
	char id[12];
	const struct {
		const char *directory, *name, *value;
	} common[] = {{backend, "frontend", frontend},
		      {backend, "frontend-id", id},
		      {backend, "online", "1"},
		      {backend, "state", state},
		      {frontend, "backend", backend},
		      {frontend, "backend-id", "0"},
		      {frontend, "state", BACKEND_INITIALISING}};

	snprintf(id, sizeof(id), "%u", domid);
	if (make_directory(xs, backend, 0, domid) < 0 || make_directory(xs, frontend, domid, 0) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (write_node(xs, nodes[i].ours ? backend : frontend, nodes[i].name,
			       nodes[i].value) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (write_node(xs, common[i].directory, common[i].name, common[i].value) < 0)
			return -1;
	return 0;
}

int backend_open_grants(void)
{
	return open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
}

int backend_open_events(unsigned int domid, int flags)
{
	struct ioctl_evtchn_restrict_domid only = {(domid_t)domid};
	int fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | flags);

	if (fd >= 0 && ioctl(fd, IOCTL_EVTCHN_RESTRICT_DOMID, &only) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

void *backend_map(int grants, unsigned int domid, const uint32_t *refs, size_t count)
{
	union {
		struct ioctl_gntdev_map_grant_ref map;
		char room[sizeof(struct ioctl_gntdev_map_grant_ref) +
			  BACKEND_PAGES * sizeof(struct ioctl_gntdev_grant_ref)];
	} grant = {.map = {.count = (uint32_t)count}};

	/* The kernel's struct ends in an array of one. */
	struct ioctl_gntdev_grant_ref *all =
		(void *)(grant.room + offsetof(struct ioctl_gntdev_map_grant_ref, refs));

	for (size_t i = 0; i < count; i++)
		all[i] = (struct ioctl_gntdev_grant_ref){domid, refs[i]};
	if (ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &grant) < 0)
		return NULL;
	void *pages = mmap(NULL, count * BACKEND_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, grants,
			   (off_t)grant.map.index);
	return pages == MAP_FAILED ? NULL : pages;
}

int backend_bind(struct backend_events *events, unsigned int domid, uint32_t port)
{
	struct ioctl_evtchn_bind_interdomain bind = {domid, port};
	int local = ioctl(events->fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);

	if (local < 0)
		return -1;
	events->port = (uint32_t)local;
	return 0;
}

void backend_ring(const struct backend_events *events)
{
	struct ioctl_evtchn_notify notify = {events->port};

	(void)ioctl(events->fd, IOCTL_EVTCHN_NOTIFY, &notify);
}

/*
 * The barrier makes the reads of the ring's indices come later. Otherwise bytes from before the
 * next event could be missed.
 */
void backend_acknowledge(struct backend_events *events)
{
	uint32_t port;

	if (read(events->fd, &port, sizeof(port)) == sizeof(port))
		events->masked = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void backend_await(struct backend_events *events)
{
	if (events->masked)
		(void)!write(events->fd, &events->port, sizeof(events->port));
	events->masked = false;
}
