/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A xenstore client on one descriptor. The wire format is in xen/include/public/io/xs_wire.h. The
 * kernel's device works with every xenstored (C, OCaml, a stub domain). The daemon's own socket
 * would not.
 */
#include "xenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum request {
	XS_DIRECTORY = 1,
	XS_READ = 2,
	XS_WATCH = 4,
	XS_WRITE = 11,
	XS_RM = 13,
	XS_SET_PERMS = 14,
	XS_WATCH_EVENT = 15,
	XS_ERROR = 16,
};

/* Most events of one turn. A guest can change its nodes for as long as it likes. */
#define EVENTS 64

struct message {
	uint32_t type, request, transaction, length;
};

static int read_all(int fd, void *into, size_t count)
{
	char *at = into;

	while (count) {
		ssize_t n = read(fd, at, count);
		if (n == 0)
			errno = EIO;
		if (n == 0 || (n < 0 && errno != EINTR))
			return -1;
		if (n > 0) {
			at += n;
			count -= (size_t)n;
		}
	}
	return 0;
}

/*
 * Whoever reads on after half a message takes the rest of it for the next one, and may wait for
 * ever for the length that stands there. So nothing more is sent or read.
 */
static int break_off(struct xenstore *xs)
{
	xs->broken = errno;
	return -1;
}

/* Reads one message. `value` always gets a NUL at its end, also if it has one inside. */
static long receive(struct xenstore *xs, struct message *m, char value[XENSTORE_VALUE + 1])
{
	errno = xs->broken;
	if (xs->broken)
		return -1;
	if (read_all(xs->fd, m, sizeof(*m)) < 0)
		return break_off(xs);
	errno = EIO;
	if (m->length > XENSTORE_VALUE || read_all(xs->fd, value, m->length) < 0)
		return break_off(xs);
	value[m->length] = '\0';
	if (m->type == XS_WATCH_EVENT) {
		xs->changed = true;
		xs->released = xs->released || !strcmp(value, "@releaseDomain");
	}
	return (long)m->length;
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"ENOENT", ENOENT}, {"EACCES", EACCES}, {"EINVAL", EINVAL},
		     {"EEXIST", EEXIST}, {"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i].name))
			return known[i].number;
	return EIO;
}

/*
 * Sends `path`, a NUL and `length` bytes more. The kernel lets several writes make up one request,
 * but a request must be complete before another one begins. Here that is so, because there is one
 * descriptor and one thread.
 */
static int send_request(struct xenstore *xs, enum request type, const char *path, const void *more,
			size_t length, uint32_t id)
{
	char out[sizeof(struct message) + XENSTORE_VALUE];
	size_t path_size = strlen(path) + 1;
	struct message m = {.type = type, .request = id, .length = (uint32_t)(path_size + length)};

	errno = xs->broken;
	if (xs->broken)
		return -1;
	if (path_size + length > XENSTORE_VALUE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(out, &m, sizeof(m));
	memcpy(out + sizeof(m), path, path_size);
	if (length)
		memcpy(out + sizeof(m) + path_size, more, length);
	ssize_t n = write(xs->fd, out, sizeof(m) + m.length);
	if (n < 0 || (size_t)n == sizeof(m) + m.length)
		return n < 0 ? -1 : 0;
	errno = EIO;
	return break_off(xs);
}

/* Asks, and waits for the answer. */
static long ask(struct xenstore *xs, enum request type, const char *path, const void *more,
		size_t length, char value[XENSTORE_VALUE + 1])
{
	struct message m;
	long n;

	if (send_request(xs, type, path, more, length, 0) < 0)
		return -1;
	do
		n = receive(xs, &m, value);
	while (n >= 0 && m.type == XS_WATCH_EVENT);
	if (n >= 0 && m.type == XS_ERROR) {
		errno = error_number(value);
		return -1;
	}
	return n;
}

static int order(struct xenstore *xs, enum request type, const char *path, const void *more,
		 size_t length)
{
	char value[XENSTORE_VALUE + 1];

	return ask(xs, type, path, more, length, value) < 0 ? -1 : 0;
}

int xenstore_open(struct xenstore *xs)
{
	xs->changed = xs->released = false;
	xs->broken = 0;
	xs->fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	return xs->fd < 0 ? -1 : 0;
}

int xenstore_write(struct xenstore *xs, const char *path, const char *value)
{
	return order(xs, XS_WRITE, path, value, strlen(value));
}

int xenstore_remove(struct xenstore *xs, const char *path)
{
	return order(xs, XS_RM, path, NULL, 0);
}

int xenstore_watch(struct xenstore *xs, const char *path)
{
	return order(xs, XS_WATCH, path, "", 1); /* an empty token: we look at every node anyway */
}

int xenstore_permit(struct xenstore *xs, const char *path, unsigned int owner, unsigned int reader)
{
	char perms[32];
	int n = snprintf(perms, sizeof(perms), "n%u%cr%u", owner, '\0', reader);

	return order(xs, XS_SET_PERMS, path, perms, (size_t)n + 1);
}

long xenstore_read(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1])
{
	return ask(xs, XS_READ, path, NULL, 0, value);
}

long xenstore_list(struct xenstore *xs, const char *path, char value[XENSTORE_VALUE + 1])
{
	return ask(xs, XS_DIRECTORY, path, NULL, 0, value);
}

static long parse_number(const char *value, long n)
{
	char *end;

	if (n < 0)
		return -1;
	errno = 0;
	unsigned long number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || end != value + n || errno || number > INT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	return (long)number;
}

long xenstore_number(struct xenstore *xs, const char *path)
{
	char value[XENSTORE_VALUE + 1];
	long n = xenstore_read(xs, path, value);

	return parse_number(value, n);
}

long xenstore_domain(struct xenstore *xs, const char *uuid)
{
	char domains[XENSTORE_VALUE + 1], vm[XENSTORE_VALUE + 1];
	char path[XENSTORE_PATH], wanted[XENSTORE_PATH];
	long n = xenstore_list(xs, "/local/domain", domains);

	snprintf(wanted, sizeof(wanted), "/vm/%s", uuid);
	/*
	 * xenstore lists the newest domain last, and callers ask for a new domain. So the search
	 * begins at the end.
	 */
	for (long i = n; i-- > 0;) {
		const char *id = domains + i;
		if (*id == '\0' || (i > 0 && id[-1] != '\0'))
			continue;
		if (snprintf(path, sizeof(path), "/local/domain/%s/vm", id) >= (int)sizeof(path))
			continue;
		if (xenstore_read(xs, path, vm) > 0 && !strcmp(vm, wanted))
			return strtol(id, NULL, 10);
	}
	if (n >= 0)
		errno = ENOENT;
	return -1;
}

/*
 * The node `domid` comes in one transaction with all that libxl writes of a built domain, right
 * before the introduction. Without it, xl is still building: an event of another domain may lead
 * here then.
 */
static long built_domain(struct xenstore *xs, const char *uuid)
{
	char path[XENSTORE_PATH], value[XENSTORE_VALUE + 1];

	/* This node comes with the domain. Without it, there is no need to look at all domains. */
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	if (xenstore_read(xs, path, value) < 0)
		return -1;
	long domid = xenstore_domain(xs, uuid);
	if (domid < 0)
		return -1;
	snprintf(path, sizeof(path), "/local/domain/%ld/domid", domid);
	return xenstore_number(xs, path);
}

/* Events may come at any time, so `changed` is reset before the look. */
long xenstore_await(struct xenstore *xs, const char *uuid)
{
	struct pollfd p = {.fd = xs->fd, .events = POLLIN};
	struct xenstore_answer answer;

	if (xenstore_watch(xs, "@introduceDomain") < 0)
		return -1;
	for (;;) {
		xs->changed = false;
		long domid = built_domain(xs, uuid);
		if (domid >= 0 || errno != ENOENT)
			return domid;
		while (!xs->changed)
			if (poll(&p, 1, -1) > 0 && xenstore_next(xs, &answer) < 0)
				return -1;
	}
}

long xenstore_await_domain(const char *uuid)
{
	struct xenstore xs;

	if (xenstore_open(&xs) < 0)
		return -1;
	long domid = xenstore_await(&xs, uuid);
	const int error = errno;
	close(xs.fd);
	errno = error;
	return domid;
}

int xenstore_ask(struct xenstore *xs, const char *path, const char *value, uint32_t id)
{
	return send_request(xs, value ? XS_WRITE : XS_READ, path, value, value ? strlen(value) : 0,
			    id);
}

int xenstore_next(struct xenstore *xs, struct xenstore_answer *answer)
{
	struct pollfd p = {.fd = xs->fd, .events = POLLIN};
	struct message m;

	for (int i = 0; i < EVENTS && poll(&p, 1, 0) > 0; i++) {
		long n = receive(xs, &m, answer->value);
		if (n < 0)
			return -1;
		if (m.type == XS_WATCH_EVENT)
			continue;
		answer->id = m.request;
		answer->error = m.type == XS_ERROR ? error_number(answer->value) : 0;
		answer->length = m.type == XS_ERROR ? -1 : n;
		return 1;
	}
	return 0;
}

long xenstore_answer_number(const struct xenstore_answer *answer)
{
	errno = answer->error;
	return parse_number(answer->value, answer->length);
}
