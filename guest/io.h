/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's end of the console protocol: frames on /dev/hvc1, pipes or a terminal behind it. */
#ifndef RUNX_IO_H
#define RUNX_IO_H

#include "child.h"
#include "wire.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io {
	int console;
	struct wire_input input;

	/* Session 0. Streams count as wire.h has them. */
	struct child child;
	size_t credit[WIRE_STREAMS]; /* what we may still send of stdout and stderr */
	size_t head, used, owed;     /* stdin on its way to the process */
	bool input_ended;
	uint8_t bytes[WIRE_WINDOW];
};

/* Waits for /dev/NAME to be there, and opens it; -1 with errno (ETIME: it did not come). */
int io_open_device(const char *path, int flags);

/* Opens the console and says hello. */
bool io_open(struct io *io);

void io_send(struct io *io, enum wire_type type, unsigned int stream, const void *payload,
	     size_t length);

/* Until the process and its streams have ended; `signals` is a signalfd of SIGCHLD. */
int io_serve(struct io *io, int signals);

#endif
