/* SPDX-License-Identifier: Apache-2.0 */
/* The frames between a container's proxy and PID 1 in its VM: docs/guest-interface.md. */
#ifndef RUNX_WIRE_H
#define RUNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1

/* A frame is this header, little endian, and a payload of `length` bytes. */
#define WIRE_HEADER  8	  /* u8 type, u8 stream, u16 session, u32 length */
#define WIRE_PAYLOAD 4096 /* most bytes of a payload */
#define WIRE_FRAME   (WIRE_HEADER + WIRE_PAYLOAD)

/*
 * How many bytes a sender may have on the way, for each stream of each session, before the receiver
 * gives credit back. This bounds what each side must be able to hold, and so the memory of both.
 */
#define WIRE_WINDOW 65536

/* Session 0 is the container's own process. The other sessions belong to exec. */
#define WIRE_SESSIONS 64

enum wire_type {
	WIRE_HELLO = 1, /* guest: u32 version. The host sends nothing before it. */
	WIRE_STARTED,	/* guest: the process was executed; session 0 adds wire_time's words */
	WIRE_FAILED,	/* guest: u32 errno, text: why the process could not be executed */
	WIRE_EXITED,	/* guest: u32 status as of wait(2); the last frame of a session */
	WIRE_DATA,	/* both: bytes of a stream, never more than the credit */
	WIRE_EOF,	/* sender of a stream: it ended. Receiver: nobody reads it any more. */
	WIRE_CREDIT,	/* receiver of a stream: it has delivered u32 bytes */
	WIRE_SIGNAL,	/* host: u32 signal, u32 all (0 or absent: only the session's process) */
	WIRE_WINSIZE,	/* host: u32 rows, u32 columns */
	WIRE_PING,	/* host: the guest answers with a PONG at once */
	WIRE_PONG,	/* guest: the answer to PING */
	WIRE_EXEC,	/* host: a piece of a process's description; an empty piece starts it */
	WIRE_CLOCK,	/* host: u64 seconds, u32 nanoseconds of CLOCK_REALTIME. Guest: it is set */
	WIRE_OOM,	/* guest: its kernel has killed a process of the container */
	WIRE_TYPES
};

#define WIRE_CLOCK_LENGTH 12

enum wire_stream { WIRE_STDIN, WIRE_STDOUT, WIRE_STDERR, WIRE_STREAMS };

/*
 * The words of STARTED: when PID 1 began, when it had its console, when it had mounted the root,
 * and when the process was executed. They are microseconds since the guest's kernel began to count.
 */
enum wire_time { WIRE_AT_INIT, WIRE_AT_CONSOLE, WIRE_AT_ROOT, WIRE_AT_PROCESS, WIRE_TIMES };

struct wire_frame {
	uint8_t type;
	uint8_t stream;
	uint16_t session;
	uint32_t length;
	const uint8_t *payload;
};

/* Bytes that were received and not yet taken as frames. */
struct wire_input {
	size_t head, used;
	uint8_t bytes[2 * WIRE_FRAME];
};

/*
 * Returns where the next bytes are to be read to, and sets `room` to how many fit. Frames that
 * wire_next() found before are no longer valid.
 */
uint8_t *wire_space(struct wire_input *in, size_t *room);

/* Says that `count` bytes were read to wire_space(). */
void wire_received(struct wire_input *in, size_t count);

/*
 * Finds the next complete frame. Returns 1 if *frame is set; its payload is valid until
 * wire_drop(). Returns 0 if more bytes are needed. Returns -1 if the bytes are no frame of this
 * protocol: then nothing that the peer sends can be understood any more.
 */
int wire_next(const struct wire_input *in, struct wire_frame *frame);

/* Takes away the frame that wire_next() found. */
void wire_drop(struct wire_input *in, const struct wire_frame *frame);

/* Writes a frame's header to `out` (WIRE_HEADER bytes). */
void wire_header(uint8_t *out, enum wire_type type, unsigned int stream, unsigned int session,
		 size_t length);

/* Write and read a u32, little endian. */
void wire_put32(uint8_t *out, uint32_t value);
uint32_t wire_get32(const uint8_t *in);

/* Returns the u32 at word `index` of the payload, or 0 if the payload is shorter. */
uint32_t wire_word(const struct wire_frame *frame, size_t index);

/*
 * Copies text that somebody else chose to `out`, at most `size` bytes with its NUL. It reaches
 * terminals, and logs in JSON. So it becomes valid UTF-8 whose characters can all be seen: each
 * other byte or character becomes a `?`.
 */
void wire_show(const uint8_t *in, size_t count, char *out, size_t size);

/* Does this for the text of a FAILED frame. */
void wire_text(const struct wire_frame *frame, char *out, size_t size);

#endif
