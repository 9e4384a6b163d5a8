/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between a container's proxy on the host and PID 1 in its VM:
 * docs/guest-interface.md. */
#ifndef RUNX_WIRE_H
#define RUNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1

/* A frame is this header, little endian, and `length` bytes. */
#define WIRE_HEADER  8	  /* u8 type, u8 stream, u16 session, u32 length */
#define WIRE_PAYLOAD 4096 /* bytes after the header, at most */
#define WIRE_FRAME   (WIRE_HEADER + WIRE_PAYLOAD)

/*
 * What a sender may have on the way, in bytes for each stream of each session, before the receiver
 * gives credit back. It bounds what either side must be able to hold, and with it their memory.
 */
#define WIRE_WINDOW 65536

/* Session 0 is the container's own process; the others are exec's. */
#define WIRE_SESSIONS 64

enum wire_type {
	WIRE_HELLO = 1, /* guest: u32 version. Nothing is sent to a guest before it. */
	WIRE_STARTED,	/* guest: the process was executed; session 0: and when, by wire_time */
	WIRE_FAILED,	/* guest: u32 errno, text: it could not be, and why */
	WIRE_EXITED,	/* guest: u32 status as of wait(2); the last frame of a session */
	WIRE_DATA,	/* both: bytes of a stream, never more than the credit */
	WIRE_EOF,	/* sender of a stream: it ended. Receiver: nobody reads it any more. */
	WIRE_CREDIT,	/* receiver of a stream: u32 bytes were delivered */
	WIRE_SIGNAL,	/* host: u32 signal number, u32 to all (0, or absent: to its own process) */
	WIRE_WINSIZE,	/* host: u32 rows, u32 columns */
	WIRE_PING,	/* host: answer with a PONG, at once */
	WIRE_PONG,	/* guest */
	WIRE_EXEC,	/* host: of a process's description, in pieces; empty: start it */
	WIRE_TYPES
};

enum wire_stream { WIRE_STDIN, WIRE_STDOUT, WIRE_STDERR, WIRE_STREAMS };

/*
 * Words of STARTED: microseconds since the guest's kernel began to count them, when its PID 1
 * began, had the console, had mounted the root, and when the process was executed.
 */
enum wire_time { WIRE_AT_INIT, WIRE_AT_CONSOLE, WIRE_AT_ROOT, WIRE_AT_PROCESS, WIRE_TIMES };

struct wire_frame {
	uint8_t type;
	uint8_t stream;
	uint16_t session;
	uint32_t length;
	const uint8_t *payload;
};

/* Bytes received and not yet taken as frames. Read into wire_space(), then wire_received(). */
struct wire_input {
	size_t head, used;
	uint8_t bytes[2 * WIRE_FRAME];
};

uint8_t *wire_space(struct wire_input *in, size_t *room);
void wire_received(struct wire_input *in, size_t count);

/*
 * The next whole frame. 1: *frame is set, and its payload is good until wire_drop(). 0: more bytes
 * are needed. -1: what came is no frame of this protocol; the peer cannot be understood any more.
 */
int wire_next(const struct wire_input *in, struct wire_frame *frame);
void wire_drop(struct wire_input *in, const struct wire_frame *frame);

/* Writes a header to `out` (WIRE_HEADER bytes). */
void wire_header(uint8_t *out, enum wire_type type, unsigned int stream, unsigned int session,
		 size_t length);

void wire_put32(uint8_t *out, uint32_t value);
uint32_t wire_get32(const uint8_t *in);

/* The u32 at word `index` of the payload; 0 where the payload is shorter. */
uint32_t wire_word(const struct wire_frame *frame, size_t index);

/* The text behind a FAILED frame's errno into `out`, `size` bytes: it reaches a terminal or a log,
 * so nothing but printable characters does. */
void wire_text(const struct wire_frame *frame, char *out, size_t size);

#endif
