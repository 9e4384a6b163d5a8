/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's end of the console protocol: frames on /dev/hvc1. */
#ifndef RUNX_IO_H
#define RUNX_IO_H

#include "helpers/shared/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Waits for /dev/NAME to be there, and opens it; -1 with errno (ETIME: it did not come). */
int io_open_device(const char *path, int flags);

/* Opens the console and says hello. */
bool io_open(void);

void io_send(enum wire_type type, unsigned int stream, unsigned int session, const void *payload,
	     size_t length);
void io_send_word(enum wire_type type, unsigned int stream, unsigned int session, uint32_t word);

/* FAILED: why the process of a session could not be executed. */
void io_send_failure(unsigned int session, int error, const char *words);

/* STARTED; that of the container's own process with what was kept by io_time(). */
void io_time(enum wire_time what);
void io_send_started(unsigned int session);

/* To be polled for input; then io_receive() hands each whole frame to `take`. */
int io_descriptor(void);
void io_receive(void (*take)(const struct wire_frame *));

#endif
