/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's front end binds to every device/9pfs/N that appears in xenstore, so the server writes the
 * nodes itself, as the proxy does for its console. xl knows nothing of them. The backend's nodes
 * are in the domain's own directory, where the guest can only read them. So they go with the domain
 * when xl destroys it, and the kernel of dom0, which watches the usual place of backends, does not
 * look at them.
 */
#include "device.h"

#include "helpers/shared/common.h"

#include <errno.h>

#define FRONTEND "/local/domain/%u/device/9pfs/%u"
#define BACKEND	 "/local/domain/%u/runx-9pfs/%u"

/*
 * A share costs the guest 2^order * 8 KiB, which it cannot use for anything else. A message has at
 * most a quarter of a ring (device_prepare()). More than 256 KiB is of no use: lib/rootfs.sh mounts
 * with that.
 */
unsigned int device_order(long memory)
{
	static const struct {
		long below; /* KiB */
		unsigned int order;
	} orders[] = {
		{49152, 5},  /* 256 KiB, messages of 32 KiB */
		{98304, 6},  /* 512 KiB, of 64 KiB */
		{131072, 7}, /* 1 MiB, of 128 KiB */
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (memory < orders[i].below)
			return orders[i].order;
	return 8; /* 2 MiB, of 256 KiB */
}

int device_open(struct device *device)
{
	for (int i = 0; i < RINGS; i++) {
		device->ring[i].events.fd = backend_open_events(device->domid, 0);
		if (device->ring[i].events.fd < 0)
			return -1;
	}
	return 0;
}

static void node(char path[XENSTORE_PATH], const char *format, const struct device *device,
		 const char *name)
{
	int n = snprintf(path, XENSTORE_PATH, format, device->domid, device->number);

	snprintf(path + n, XENSTORE_PATH - (size_t)n, "%s%s", *name ? "/" : "", name);
}

int device_publish(struct xenstore *xs, const struct device *device)
{
	char frontend[XENSTORE_PATH], backend[XENSTORE_PATH], path[XENSTORE_PATH], rings[12],
		order[12];
	const struct backend_node nodes[] = {{true, "versions", "1"},
					     {true, "max-rings", rings},
					     {true, "max-ring-page-order", order},
					     {false, "tag", device->tag}};

	node(frontend, FRONTEND, device, "");
	node(backend, BACKEND, device, "");
	node(path, FRONTEND, device, "state");
	snprintf(rings, sizeof(rings), "%d", RINGS);
	snprintf(order, sizeof(order), "%u", device->order);
	if (backend_publish(xs, device->domid, frontend, backend, nodes, ARRAY_SIZE(nodes),
			    BACKEND_INIT_WAIT) < 0)
		return -1;
	return xenstore_watch(xs, path);
}

static long read_number(struct xenstore *xs, const struct device *device, const char *name)
{
	char path[XENSTORE_PATH];

	node(path, FRONTEND, device, name);
	return xenstore_number(xs, path);
}

static int connect_ring(struct xenstore *xs, struct device *device, unsigned int number, int grants)
{
	char name[32];

	snprintf(name, sizeof(name), "ring-ref%u", number);
	long ref = read_number(xs, device, name);
	snprintf(name, sizeof(name), "event-channel-%u", number);
	long port = read_number(xs, device, name);
	if (ref < 0 || port < 0) {
		errno = EPROTO;
		return -1;
	}
	return channel_map(&device->ring[number], grants, device->domid, (uint32_t)ref,
			   (uint32_t)port, device->order);
}

int device_connect(struct xenstore *xs, struct device *device, int grants)
{
	char path[XENSTORE_PATH];

	if (device->rings)
		return 1;
	long state = read_number(xs, device, "state");
	if (state != BACKEND_INITIALISED)
		return state < 0 && errno != EINVAL ? -1 : 0;
	long rings = read_number(xs, device, "num-rings");
	if (rings < 1 || rings > RINGS) {
		errno = EPROTO;
		return -1;
	}
	for (unsigned int i = 0; i < (unsigned int)rings; i++)
		if (connect_ring(xs, device, i, grants) < 0)
			return -1;
	device->rings = (unsigned int)rings;
	node(path, BACKEND, device, "state");
	return xenstore_write(xs, path, BACKEND_CONNECTED) < 0 ? -1 : 1;
}

/*
 * A message may fill half of its half of the ring. Then the ring has room for the next one while a
 * message is read, and a writer in the guest need not wait (taken() in channel.c).
 */
int device_prepare(struct device *device, int proc)
{
	const struct session_limits defaults = {0};
	size_t msize = SESSION_MSIZE_MOST;

	for (unsigned int i = 0; i < device->rings; i++)
		if (device->ring[i].half / 2 < msize)
			msize = device->ring[i].half / 2;
	struct session *session = session_new(device->root, proc, msize, &defaults);
	if (!session)
		return -1;
	for (unsigned int i = 0; i < device->rings; i++)
		if (channel_prepare(&device->ring[i], session, msize) < 0)
			return -1;
	return 0;
}

int device_start(struct device *device, void (*broken)(const char *how))
{
	for (unsigned int i = 0; i < device->rings; i++)
		if (channel_start(&device->ring[i], broken) < 0)
			return -1;
	return 0;
}
