/* SPDX-License-Identifier: Apache-2.0 */
/* A client of 9P2000.L for tests: it asks a session in the same process. */
#ifndef RUNX_NINE_H
#define RUNX_NINE_H

#include "helpers/files/message.h"
#include "helpers/files/session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NINE_MSIZE 65536

/* One ring of a guest: its requests, and the answers that came later. */
struct nine {
	struct channel channel; /* first: nine_late() gets its address */
	struct session *session;
	uint8_t message[NINE_MSIZE], reply[NINE_MSIZE];
	uint16_t tag;
	size_t size; /* of the last answer; 0: it comes later */
	pthread_mutex_t lock;
	pthread_cond_t came;
	uint8_t late[16][16]; /* those that came later, in their order */
	size_t late_count;
};

static inline void nine_late(struct channel *channel, const uint8_t *message, size_t size)
{
	struct nine *nine = (struct nine *)channel;

	pthread_mutex_lock(&nine->lock);
	memcpy(nine->late[nine->late_count++ % 16], message, size < 16 ? size : 16);
	pthread_cond_signal(&nine->came);
	pthread_mutex_unlock(&nine->lock);
}

static inline void nine_begin(struct nine *nine, struct session *session)
{
	memset(nine, 0, sizeof(*nine));
	nine->channel.answer = nine_late;
	nine->session = session;
	pthread_mutex_init(&nine->lock, NULL);
	pthread_cond_init(&nine->came, NULL);
}

/* Waits for the answer number `count` that comes later. Returns it. */
static inline const uint8_t *nine_await(struct nine *nine, size_t count)
{
	pthread_mutex_lock(&nine->lock);
	while (nine->late_count < count)
		pthread_cond_wait(&nine->came, &nine->lock);
	pthread_mutex_unlock(&nine->lock);
	return nine->late[(count - 1) % 16];
}

static inline uint64_t nine_number(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | at[size];
	return value;
}

/*
 * Builds a message. Layout: b, w, d: an unsigned int. q: a uint64_t. s: a string. S: its size and
 * its bytes. D: bytes and their number.
 */
static inline size_t nine_build_list(uint8_t *to, uint8_t type, uint16_t tag, const char *layout,
				     va_list values)
{
	uint8_t *at = to + 7;

	for (; *layout; layout++) {
		uint64_t number;
		size_t size;
		const void *bytes;
		switch (*layout) {
		case 'b':
		case 'w':
		case 'd':
		case 'q':
			size = *layout == 'b' ? 1 : *layout == 'w' ? 2 : *layout == 'd' ? 4 : 8;
			number =
				size == 8 ? va_arg(values, uint64_t) : va_arg(values, unsigned int);
			for (size_t i = 0; i < size; i++)
				*at++ = (uint8_t)(number >> 8 * i);
			break;
		case 's':
			bytes = va_arg(values, const char *);
			size = strlen(bytes);
			goto text;
		case 'S':
			size = va_arg(values, size_t);
			bytes = va_arg(values, const void *);
		text:
			*at++ = (uint8_t)size;
			*at++ = (uint8_t)(size >> 8);
			memcpy(at, bytes, size);
			at += size;
			break;
		default:
			bytes = va_arg(values, const void *);
			size = va_arg(values, size_t);
			memcpy(at, bytes, size);
			at += size;
		}
	}
	size_t size = (size_t)(at - to);
	for (size_t i = 0; i < 4; i++)
		to[i] = (uint8_t)(size >> 8 * i);
	to[4] = type;
	to[5] = (uint8_t)tag;
	to[6] = (uint8_t)(tag >> 8);
	return size;
}

static inline size_t nine_build(uint8_t *to, uint8_t type, uint16_t tag, const char *layout, ...)
{
	va_list values;

	va_start(values, layout);
	size_t size = nine_build_list(to, type, tag, layout, values);
	va_end(values);
	return size;
}

/* Returns what the answer says: 0, or its errno; -1 if it comes later, -2 if all is over. */
static inline int nine_send(struct nine *nine, size_t size)
{
	ssize_t n =
		session_request(nine->session, &nine->channel, nine->message, size, nine->reply);

	nine->size = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		return n < 0 ? -2 : -1;
	if (n < 7 || nine_number(nine->reply, 4) != (uint64_t)n ||
	    memcmp(nine->reply + 5, nine->message + 5, 2)) {
		fprintf(stderr, "a wrong answer to type %d\n", nine->message[4]);
		abort();
	}
	if (nine->reply[4] == RLERROR)
		return (int)nine_number(nine->reply + 7, 4);
	if (nine->reply[4] != nine->message[4] + 1) {
		fprintf(stderr, "answer %d to type %d\n", nine->reply[4], nine->message[4]);
		abort();
	}
	return 0;
}

static inline int nine_ask(struct nine *nine, uint8_t type, const char *layout, ...)
{
	va_list values;

	va_start(values, layout);
	size_t size = nine_build_list(nine->message, type, nine->tag, layout, values);
	va_end(values);
	return nine_send(nine, size);
}

static inline int nine_version(struct nine *nine, unsigned int msize)
{
	nine->tag = MESSAGE_NO_TAG;
	int r = nine_ask(nine, TVERSION, "ds", msize, "9P2000.L");
	nine->tag = 0;
	return r;
}

static inline int nine_attach(struct nine *nine, unsigned int fid, unsigned int uid)
{
	return nine_ask(nine, TATTACH, "ddssd", fid, MESSAGE_NO_FID, "", "", uid);
}

/* Walks `path`, names with '/' between, from `from` to the new fid `to`. */
static inline int nine_walk(struct nine *nine, unsigned int from, unsigned int to, const char *path)
{
	uint8_t names[8192], *at = names;
	unsigned int count = 0;

	while (*path) {
		size_t size = strcspn(path, "/");
		*at++ = (uint8_t)size;
		*at++ = (uint8_t)(size >> 8);
		memcpy(at, path, size);
		at += size;
		path += size + (path[size] == '/');
		count++;
	}
	int r = nine_ask(nine, TWALK, "ddwD", from, to, count, (void *)names, (size_t)(at - names));
	return r == 0 && nine_number(nine->reply + 7, 2) != count ? ENOENT : r;
}

static inline int nine_clunk(struct nine *nine, unsigned int fid)
{
	return nine_ask(nine, TCLUNK, "d", fid);
}

static inline int nine_open(struct nine *nine, unsigned int fid, unsigned int flags)
{
	return nine_ask(nine, TLOPEN, "dd", fid, flags);
}

static inline int nine_create(struct nine *nine, unsigned int fid, const char *name,
			      unsigned int flags, unsigned int mode, unsigned int gid)
{
	return nine_ask(nine, TLCREATE, "dsddd", fid, name, flags, mode, gid);
}

/* Returns the number of bytes written, or the negative errno. */
static inline int nine_write(struct nine *nine, unsigned int fid, uint64_t offset,
			     const void *bytes, size_t count)
{
	int r = nine_ask(nine, TWRITE, "dqdD", fid, offset, (unsigned int)count, bytes, count);

	return r ? -r : (int)nine_number(nine->reply + 7, 4);
}

/* Returns the number of bytes read, which are then at nine->reply + 11, or the negative errno. */
static inline int nine_read(struct nine *nine, unsigned int fid, uint64_t offset,
			    unsigned int count)
{
	int r = nine_ask(nine, TREAD, "dqd", fid, offset, count);

	return r ? -r : (int)nine_number(nine->reply + 7, 4);
}

struct nine_attributes {
	uint8_t type;
	uint32_t version;
	uint64_t path;
	uint32_t mode, uid, gid;
	uint64_t links, size, mtime, mtime_ns;
};

static inline int nine_getattr(struct nine *nine, unsigned int fid, struct nine_attributes *to)
{
	int r = nine_ask(nine, TGETATTR, "dq", fid, (uint64_t)0x7ff);
	const uint8_t *at = nine->reply + 7;

	if (r == 0)
		*to = (struct nine_attributes){
			at[8],
			(uint32_t)nine_number(at + 9, 4),
			nine_number(at + 13, 8),
			(uint32_t)nine_number(at + 21, 4),
			(uint32_t)nine_number(at + 25, 4),
			(uint32_t)nine_number(at + 29, 4),
			nine_number(at + 33, 8),
			nine_number(at + 49, 8),
			nine_number(at + 89, 8),
			nine_number(at + 97, 8),
		};
	return r;
}

/* Sets one kind of attributes: `valid`, and their value. */
static inline int nine_setattr(struct nine *nine, unsigned int fid, unsigned int valid,
			       unsigned int mode, unsigned int uid, unsigned int gid, uint64_t size,
			       uint64_t mtime, uint64_t mtime_ns)
{
	return nine_ask(nine, TSETATTR, "dddddqqqqq", fid, valid, mode, uid, gid, size, (uint64_t)0,
			(uint64_t)0, mtime, mtime_ns);
}

static inline int nine_lock(struct nine *nine, unsigned int fid, unsigned int type,
			    unsigned int flags, uint64_t start, uint64_t length,
			    unsigned int process)
{
	return nine_ask(nine, TLOCK, "dbdqqds", fid, type, flags, start, length, process, "guest");
}

#endif
