/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the container's stdio on the host without ever waiting. */
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
 * Takes over the descriptor `fd`, for reading (access O_RDONLY) or writing (O_WRONLY). -1 gives an
 * empty stream. If there is no way to use `fd` without waiting, a child process waits instead of
 * us. If even that fails, the stream is empty.
 */
struct stream stream_take(int fd, int access);

/* Like read(2) and write(2), but return -1 with EAGAIN instead of waiting. */
ssize_t stream_read(const struct stream *s, void *into, size_t room);
ssize_t stream_write(const struct stream *s, const void *from, size_t count);

/* Closes the descriptor, if there is one. */
void stream_close(struct stream *s);

#endif
