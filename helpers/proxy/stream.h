/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor of somebody else's, read and written without ever waiting for them. */
#ifndef RUNX_STREAM_H
#define RUNX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stream {
	int fd; /* -1: there is none */
	bool socket;
};

/*
 * Takes `fd` over, to read (O_RDONLY) or write (O_WRONLY); -1 is no stream. What cannot be read or
 * written without waiting gets a child process that waits in our stead. Should even that fail, the
 * stream is as one whose other end is gone.
 */
struct stream stream_take(int fd, int access);

/* As read(2) and write(2) without waiting: -1 with EAGAIN where they would. */
ssize_t stream_read(const struct stream *s, void *into, size_t room);
ssize_t stream_write(const struct stream *s, const void *from, size_t count);

void stream_close(struct stream *s);

#endif
