/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of 9P2000.L: bytes to a request, and answers to bytes. It knows no files. */
#ifndef RUNX_FILES_MESSAGE_H
#define RUNX_FILES_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests. The type of an answer is the request's plus 1. */
enum message_type {
	RLERROR = 7,
	TSTATFS = 8,
	TLOPEN = 12,
	TLCREATE = 14,
	TSYMLINK = 16,
	TMKNOD = 18,
	TRENAME = 20,
	TREADLINK = 22,
	TGETATTR = 24,
	TSETATTR = 26,
	TXATTRWALK = 30,
	TXATTRCREATE = 32,
	TREADDIR = 40,
	TFSYNC = 50,
	TLOCK = 52,
	TGETLOCK = 54,
	TLINK = 70,
	TMKDIR = 72,
	TRENAMEAT = 74,
	TUNLINKAT = 76,
	TVERSION = 100,
	TATTACH = 104,
	TFLUSH = 108,
	TWALK = 110,
	TREAD = 116,
	TWRITE = 118,
	TCLUNK = 120,
	TREMOVE = 122,
	MESSAGE_TYPES = 124, /* more than any */
};

#define MESSAGE_HEADER 7 /* size[4] type[1] tag[2] */
#define MESSAGE_WALK   16
#define MESSAGE_NO_FID UINT32_MAX
#define MESSAGE_NO_TAG UINT16_MAX

#define P9_READ_LOCK  0
#define P9_WRITE_LOCK 1
#define P9_UNLOCK     2

/* Flags of Tlock. The last two are of our guest's kernel, which so says which call it was. */
#define P9_LOCK_BLOCK 1
#define P9_LOCK_FLOCK 4
#define P9_LOCK_FCNTL 8

/*
 * A flag of Txattrcreate besides setxattr(2)'s, of our guest's kernel: an empty value stays empty.
 * Linux's own client removes an attribute by an empty value and XATTR_REPLACE.
 */
#define P9_XATTR_EMPTY 0x100

#define P9_LOCK_SUCCESS 0
#define P9_LOCK_BLOCKED 1

/* A string of a message: not ended by a NUL, and any bytes. */
struct text {
	const uint8_t *bytes;
	size_t size;
};

/* Each message has some of these fields, and the others are zero. */
struct request {
	uint8_t type;
	uint16_t tag;
	uint16_t old_tag;
	uint32_t fid;
	uint32_t other; /* the second fid: newfid, dfid, newdirfid, and afid */
	uint32_t flags; /* and datasync */
	uint32_t mode, uid, gid, major, minor;
	uint32_t valid; /* Tsetattr */
	uint32_t count; /* and msize */
	uint32_t process;
	uint64_t mask; /* Tgetattr */
	uint64_t offset, size;
	uint64_t atime[2], mtime[2]; /* seconds, nanoseconds */
	uint8_t kind;		     /* of a lock */
	uint16_t steps;		     /* Twalk: names in walk */
	struct text name;
	struct text second; /* newname, the target of a link, and aname */
	struct text walk[MESSAGE_WALK];
	const uint8_t *data; /* Twrite: `count` bytes */
};

/*
 * Takes a message of `size` bytes apart, at least MESSAGE_HEADER. The request points into it.
 * Returns 0, EOPNOTSUPP for a type that is none of the above, or EPROTO if it is not exactly what
 * its type demands. The request's type and tag are set in any case.
 */
int message_decode(const uint8_t *message, size_t size, struct request *request);

/* An answer that is being written. */
struct reply {
	uint8_t *start, *at, *end;
	bool full; /* something did not fit */
};

/* Begins an answer in `room` bytes, at least MESSAGE_HEADER. reply_finish() writes its header. */
void reply_begin(struct reply *reply, uint8_t *buffer, size_t room);

/*
 * Appends numbers as `layout` says: b, w, d, q are of 1, 2, 4 and 8 bytes. If they do not all fit,
 * none is appended and `full` is set.
 */
#define reply_put(reply, layout, ...) reply_numbers(reply, layout, (const uint64_t[]){__VA_ARGS__})
void reply_numbers(struct reply *reply, const char *layout, const uint64_t *values);

/* Appends a string. */
void reply_text(struct reply *reply, const char *text, size_t size);

/* Sets the number of four bytes at `at`, a place in an answer. */
void reply_set(uint8_t *at, uint32_t value);

/* Completes the answer of `type`. Returns its size. */
size_t reply_finish(struct reply *reply, uint8_t type, uint16_t tag);

/* Writes an answer that says that a request failed with `error`, an errno. Returns its size. */
size_t reply_error(uint8_t *buffer, uint16_t tag, int error);

#endif
