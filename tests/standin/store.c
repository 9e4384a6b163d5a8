/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only what runX asks of a xenstored: no transactions, and permissions are taken and forgotten. The
 * order of events and answers is xenstored's: what a request changes is told to watchers after its
 * answer.
 */
#include "store.h"

#include "loop.h"

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum request {
	XS_DIRECTORY = 1,
	XS_READ = 2,
	XS_WATCH = 4,
	XS_UNWATCH = 5,
	XS_WRITE = 11,
	XS_RM = 13,
	XS_SET_PERMS = 14,
	XS_WATCH_EVENT = 15,
	XS_ERROR = 16,
};

struct header {
	uint32_t type, request, transaction, length;
};

#define PAYLOAD	 4096
#define SOCKET	 (4 << 20) /* bytes of events that a client may leave unread */
#define PATH_END '\0'
#define HOME	 "/local/domain/0/"

struct client {
	int fd;
	bool gone; /* it does not read, or has closed its end */
	size_t used;
	char bytes[sizeof(struct header) + PAYLOAD + 1];
};

struct watch {
	struct client *client;
	char *path, *token;
};

struct node {
	char *path, *value;
};

static struct {
	struct node *nodes; /* in the order in which they were made */
	int node_count;
	struct watch *watches;
	int watch_count;
} store;

void (*store_reads)(const char *path);
void (*store_wrote)(const char *path, const char *value);

static char *copy(const char *text)
{
	char *made = strdup(text);

	if (!made)
		err(1, "no memory");
	return made;
}

/* Whether `path` is `tree` or lies below it. */
static bool within(const char *path, const char *tree)
{
	size_t length = strlen(tree);

	return !strncmp(path, tree, length) && (path[length] == PATH_END || path[length] == '/');
}

/* ---- messages ---- */

static void send_message(struct client *c, enum request type, uint32_t request, const void *bytes,
			 size_t length)
{
	char out[sizeof(struct header) + PAYLOAD];
	struct header h = {type, request, 0, (uint32_t)length};

	memcpy(out, &h, sizeof(h));
	if (length)
		memcpy(out + sizeof(h), bytes, length);
	length += sizeof(h);
	if (send(c->fd, out, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length)
		c->gone = true;
}

static void send_event(const struct watch *w, const char *path)
{
	char event[PAYLOAD];
	size_t at = strlen(path) + 1, end = at + strlen(w->token) + 1;

	if (end > sizeof(event))
		return;
	memcpy(event, path, at);
	memcpy(event + at, w->token, end - at);
	send_message(w->client, XS_WATCH_EVENT, 0, event, end);
}

void store_fire(const char *path)
{
	for (int i = 0; i < store.watch_count; i++)
		if (within(path, store.watches[i].path))
			send_event(&store.watches[i], path);
}

/* Whoever watches a node below one that is removed hears of it, too. */
static void fire_below(const char *tree)
{
	for (int i = 0; i < store.watch_count; i++) {
		const char *path = store.watches[i].path;
		if (within(path, tree) && strcmp(path, tree) != 0)
			send_event(&store.watches[i], path);
	}
}

/* ---- nodes ---- */

static struct node *find(const char *path)
{
	for (int i = 0; i < store.node_count; i++)
		if (!strcmp(store.nodes[i].path, path))
			return &store.nodes[i];
	return NULL;
}

const char *store_read(const char *path)
{
	const struct node *node = find(path);

	return node ? node->value : NULL;
}

static void add(const char *path, const char *value)
{
	store.nodes = realloc(store.nodes, (size_t)(store.node_count + 1) * sizeof(*store.nodes));
	if (!store.nodes)
		err(1, "no memory");
	store.nodes[store.node_count++] = (struct node){copy(path), copy(value)};
}

static void make_parents(const char *path)
{
	char *parent = copy(path);

	for (char *at = strchr(parent + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = PATH_END;
		if (!find(parent))
			add(parent, "");
		*at = '/';
	}
	free(parent);
}

static void put(const char *path, const char *value)
{
	struct node *node = find(path);

	if (node) {
		free(node->value);
		node->value = copy(value);
		return;
	}
	make_parents(path);
	add(path, value);
}

void store_write(const char *path, const char *value)
{
	put(path, value);
	store_fire(path);
}

static void drop(const char *tree)
{
	int kept = 0;

	for (int i = 0; i < store.node_count; i++) {
		struct node node = store.nodes[i];
		if (!within(node.path, tree)) {
			store.nodes[kept++] = node;
			continue;
		}
		free(node.path);
		free(node.value);
	}
	store.node_count = kept;
}

void store_remove(const char *path)
{
	drop(path);
	store_fire(path);
	fire_below(path);
}

int store_count(void)
{
	return store.node_count;
}

bool store_is_empty(const char *path)
{
	const struct node *node = find(path);

	for (int i = 0; node && i < store.node_count; i++)
		if (&store.nodes[i] != node && within(store.nodes[i].path, path))
			return false;
	return node && !*node->value;
}

void store_list(char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < store.node_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\n", store.nodes[i].path);
}

/* ---- requests ---- */

static void refuse(struct client *c, const struct header *h, const char *error)
{
	send_message(c, XS_ERROR, h->request, error, strlen(error) + 1);
}

static void agree(struct client *c, const struct header *h)
{
	send_message(c, h->type, h->request, "OK", sizeof("OK"));
}

static void read_node(struct client *c, const struct header *h, const char *path)
{
	if (store_reads)
		store_reads(path);
	const struct node *node = find(path);
	if (node)
		send_message(c, XS_READ, h->request, node->value, strlen(node->value));
	else
		refuse(c, h, "ENOENT");
}

static void list_node(struct client *c, const struct header *h, const char *path)
{
	char names[PAYLOAD];
	size_t used = 0, length = strlen(path);

	if (!find(path)) {
		refuse(c, h, "ENOENT");
		return;
	}
	for (int i = 0; i < store.node_count; i++) {
		const char *name = store.nodes[i].path + length + 1;
		if (!within(store.nodes[i].path, path) || strlen(store.nodes[i].path) <= length ||
		    strchr(name, '/') || used + strlen(name) + 1 > sizeof(names))
			continue;
		memcpy(names + used, name, strlen(name) + 1);
		used += strlen(name) + 1;
	}
	send_message(c, XS_DIRECTORY, h->request, names, used);
}

static void remove_node(struct client *c, const struct header *h, const char *path)
{
	if (!find(path)) {
		refuse(c, h, "ENOENT");
		return;
	}
	agree(c, h);
	store_remove(path);
}

static void write_node(struct client *c, const struct header *h, const char *path,
		       const char *value)
{
	put(path, value);
	agree(c, h);
	store_fire(path);
	if (store_wrote)
		store_wrote(path, value);
}

/* A watch fires once at once. */
static void watch(struct client *c, const struct header *h, const char *path, const char *token)
{
	store.watches =
		realloc(store.watches, (size_t)(store.watch_count + 1) * sizeof(*store.watches));
	if (!store.watches)
		err(1, "no memory");
	store.watches[store.watch_count] = (struct watch){c, copy(path), copy(token)};
	agree(c, h);
	send_event(&store.watches[store.watch_count++], path);
}

/* `text` and what stands behind it end with a NUL. A path without a slash is dom0's own. */
static void answer(struct client *c, const struct header *h, const char *text)
{
	const char *rest = text + strlen(text) + 1;
	char path[PAYLOAD + 2 + sizeof(HOME)];

	snprintf(path, sizeof(path), "%s%s", *text == '/' || *text == '@' ? "" : HOME, text);

	switch (h->type) {
	case XS_DIRECTORY:
		list_node(c, h, path);
		break;
	case XS_READ:
		read_node(c, h, path);
		break;
	case XS_WATCH:
		watch(c, h, path, rest);
		break;
	case XS_WRITE:
		write_node(c, h, path, rest);
		break;
	case XS_RM:
		remove_node(c, h, path);
		break;
	case XS_SET_PERMS:
		agree(c, h);
		break;
	default:
		refuse(c, h, "EINVAL");
	}
}

/* ---- clients ---- */

static void drop_watches(const struct client *c)
{
	int kept = 0;

	for (int i = 0; i < store.watch_count; i++) {
		struct watch w = store.watches[i];
		if (w.client != c) {
			store.watches[kept++] = w;
			continue;
		}
		free(w.path);
		free(w.token);
	}
	store.watch_count = kept;
}

/* Takes the first request off what was received; false: it is not whole. */
static bool take_request(struct client *c)
{
	struct header h;

	if (c->used < sizeof(h))
		return false;
	memcpy(&h, c->bytes, sizeof(h));
	if (h.length > PAYLOAD) {
		c->gone = true;
		return false;
	}
	size_t size = sizeof(h) + h.length;
	if (c->used < size)
		return false;
	char text[PAYLOAD + 2] = {0};
	memcpy(text, c->bytes + sizeof(h), h.length);
	answer(c, &h, text);
	c->used -= size;
	memmove(c->bytes, c->bytes + size, c->used);
	return true;
}

static void client_ready(int fd, void *with)
{
	struct client *c = with;
	ssize_t n = recv(fd, c->bytes + c->used, sizeof(c->bytes) - 1 - c->used, MSG_DONTWAIT);

	if (n > 0) {
		c->used += (size_t)n;
		while (take_request(c))
			;
	}
	if (n > 0 && !c->gone)
		return;
	drop_watches(c);
	loop_close(fd);
	free(c);
}

void store_client(int fd)
{
	const int size = SOCKET;
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		err(1, "no memory");
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	c->fd = fd;
	loop_add(fd, client_ready, c);
}
