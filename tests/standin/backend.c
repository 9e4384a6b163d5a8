/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vif is a tap here, whose descriptor is the guest's end: as netback's, it is gone with the
 * device, whatever network namespace it was moved to.
 */
#include "backend.h"

#include "domain.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024 /* devices of all domains */
#define PATH 256

struct device {
	unsigned int domid; /* 0: the entry is free */
	char kind[8], number[12];
	int held; /* of a tap, a disk's device or a QEMU's connection, or -1 */
};

static struct device devices[MOST];

/* ---- nodes ---- */

static void backend_path(char path[PATH], const struct device *d, const char *name)
{
	snprintf(path, PATH, "/local/domain/0/backend/%s/%u/%s%s%s", d->kind, d->domid, d->number,
		 *name ? "/" : "", name);
}

static void write_node(const struct device *d, const char *name, const char *value)
{
	char path[PATH];

	backend_path(path, d, name);
	store_write(path, value);
}

static const char *read_node(const struct device *d, const char *name)
{
	char path[PATH];

	backend_path(path, d, name);
	return store_read(path);
}

static void make_nodes(const struct device *d, char *nodes)
{
	char domid[12], front[PATH], back[PATH], path[PATH + 16];

	snprintf(domid, sizeof(domid), "%u", d->domid);
	snprintf(front, sizeof(front), "/local/domain/%s/device/%s/%s", domid, d->kind, d->number);
	backend_path(back, d, "");
	write_node(d, "frontend", front);
	write_node(d, "frontend-id", domid);
	write_node(d, "online", "1");
	write_node(d, "state", "1");
	for (char *line = strtok(nodes, "\n"); line; line = strtok(NULL, "\n")) {
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		write_node(d, line, value);
	}
	snprintf(path, sizeof(path), "%s/backend", front);
	store_write(path, back);
	snprintf(path, sizeof(path), "/libxl/%s/device/%s/%s/backend", domid, d->kind, d->number);
	store_write(path, back);
}

/* Removes a node, and the parents that have nothing else (libxl__xs_path_cleanup). */
static void clean_up_path(char *path)
{
	store_remove(path);
	for (char *end = strrchr(path, '/'); end && end != path; end = strrchr(path, '/')) {
		*end = '\0';
		if (!store_is_empty(path))
			return;
		store_remove(path);
	}
}

/* ---- what it is ---- */

static struct device *find(unsigned int domid, const char *kind, const char *number)
{
	for (struct device *d = devices; d < devices + MOST; d++)
		if (d->domid == domid && !strcmp(d->kind, kind) && !strcmp(d->number, number))
			return d;
	return NULL;
}

static struct device *make(unsigned int domid, const char *kind)
{
	int number = strcmp(kind, "vbd") ? 0 : 51712, step = number ? 16 : 1;
	struct device *d = devices;
	char text[12];

	while (d < devices + MOST && d->domid)
		d++;
	if (d == devices + MOST)
		return NULL;
	for (snprintf(text, sizeof(text), "%d", number); find(domid, kind, text); number += step)
		snprintf(text, sizeof(text), "%d", number + step);
	*d = (struct device){.domid = domid, .held = -1};
	snprintf(d->kind, sizeof(d->kind), "%.*s", (int)sizeof(d->kind) - 1, kind);
	snprintf(d->number, sizeof(d->number), "%s", text);
	return d;
}

static void let_go(struct device *d)
{
	if (d->held >= 0)
		close(d->held);
	d->held = -1;
}

static int open_tap(const struct device *d)
{
	struct ifreq interface = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)!snprintf(interface.ifr_name, sizeof(interface.ifr_name), "vif%u.%.4s", d->domid,
			d->number);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &interface) == 0)
		return fd;
	close(fd);
	return -1;
}

static void forget(struct device *d)
{
	char path[PATH];

	let_go(d);
	backend_path(path, d, "");
	clean_up_path(path);
	snprintf(path, sizeof(path), "/libxl/%u/device/%s/%s", d->domid, d->kind, d->number);
	clean_up_path(path);
	snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%s", d->domid, d->kind, d->number);
	clean_up_path(path);
	d->domid = 0;
}

/* ---- what is asked ---- */

const char *backend_add(char *words, char *answer, size_t size)
{
	const char *which = strsep(&words, "\n"), *kind = words ? strsep(&words, "\n") : NULL;

	if (!kind || !words || !domain_find(which))
		return "no such domain";
	struct device *d = make((unsigned int)strtoul(which, NULL, 10), kind);
	if (!d)
		return "too many devices";
	make_nodes(d, words);
	if (!strcmp(kind, "vif") && (d->held = open_tap(d)) < 0)
		return strerror(errno);
	snprintf(answer, size, "%s\n", d->number);
	return NULL;
}

static struct device *named(char *words)
{
	const char *which = strsep(&words, "\n"), *kind = words ? strsep(&words, "\n") : NULL;

	return kind && words ? find((unsigned int)strtoul(which, NULL, 10), kind, words) : NULL;
}

const char *backend_connect(char *words)
{
	struct device *d = named(words);

	if (!d)
		return "no such device";
	if (!strcmp(d->kind, "vbd")) {
		const char *device = read_node(d, "node"), *params = read_node(d, "params");
		d->held = open(device ? device : params ? params : "", O_RDONLY | O_CLOEXEC);
	}
	write_node(d, "state", "2");
	return NULL;
}

const char *backend_close(char *words)
{
	struct device *d = named(words);

	if (!d)
		return "no such device";
	let_go(d);
	write_node(d, "state", "6");
	return NULL;
}

const char *backend_remove(char *words)
{
	struct device *d = named(words);

	if (!d)
		return "no such device";
	forget(d);
	return NULL;
}

void backend_list(unsigned int domid, char *answer, size_t size)
{
	size_t used = 0;

	*answer = '\0';
	for (const struct device *d = devices; d < devices + MOST && used < size; d++) {
		if (d->domid != domid || !strcmp(d->kind, "qemu"))
			continue;
		const char *script = read_node(d, "script");
		used += (size_t)snprintf(answer + used, size - used, "%s %s %s\n", d->kind,
					 d->number, script ? script : "");
	}
}

void backend_qemu(unsigned int domid, int fd)
{
	struct device *d = make(domid, "qemu");
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	char path[PATH], pid[12];

	if (!d || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	d->held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", domid);
	snprintf(pid, sizeof(pid), "%d", peer.pid);
	store_write(path, pid);
}

void backend_drop(unsigned int domid)
{
	for (struct device *d = devices; d < devices + MOST; d++)
		if (d->domid == domid && strcmp(d->kind, "qemu") != 0) {
			forget(d);
		} else if (d->domid == domid) {
			(void)shutdown(d->held, SHUT_RDWR);
			let_go(d);
			d->domid = 0;
		}
}
