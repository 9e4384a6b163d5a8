/* SPDX-License-Identifier: Apache-2.0 */
/* Sends and receives frames of the console protocol on /dev/hvc1. */
#ifndef RUNX_IO_H
#define RUNX_IO_H

#include "helpers/shared/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Waits until `path`, a node in /dev, exists, and opens it with `flags` (open(2)). Returns the
 * descriptor, or -1 with errno. ETIME: the node did not appear within 30 s. */
int io_open_device(const char *path, int flags);

/* Opens the console in raw mode and sends HELLO. False: it failed, and errno says why. */
bool io_open(void);

/* Send one frame (wire.h); these block until the console has taken it. `session` is the id. The
 * payload has `length` bytes, at most WIRE_PAYLOAD, or is one number. */
void io_send(enum wire_type type, unsigned int stream, unsigned int session, const void *payload,
	     size_t length);
void io_send_word(enum wire_type type, unsigned int stream, unsigned int session, uint32_t word);

/* Sends FAILED: the process of `session` could not be executed. `error` is an errno. `words` say
 * why, for people; more than 508 bytes of them are cut. */
void io_send_failure(unsigned int session, int error, const char *words);

/* Remembers the present time as the time of `what`. */
void io_time(enum wire_time what);

/* Sends STARTED. Session 0 also sends the times that io_time() has remembered. */
void io_send_started(unsigned int session);

/* The console's descriptor, to poll for input. */
int io_descriptor(void);

/* Reads once, and calls `take` for each whole frame received. A frame is valid only in the call. */
void io_receive(void (*take)(const struct wire_frame *));

#endif
