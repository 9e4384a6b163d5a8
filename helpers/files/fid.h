/* SPDX-License-Identifier: Apache-2.0 */
/* Fids: the numbers by which a guest names inodes, opened files and values of attributes. */
#ifndef RUNX_FILES_FID_H
#define RUNX_FILES_FID_H

#include "file.h"
#include "running.h"
#include "tree.h"

#include <pthread.h>

/* Functions that return int return 0, or a negative errno. */

/* States of a fid. */
enum {
	PLAIN = 1, /* walked to, not opened */
	FILE_OPEN = 2,
	DIRECTORY_OPEN = 4,
	VALUE = 8,	/* Txattrwalk: the value of an attribute */
	NEW_VALUE = 16, /* Txattrcreate: one that is written, and set by the clunk */
	INODE = PLAIN | FILE_OPEN | DIRECTORY_OPEN,
	ANY = INODE | VALUE | NEW_VALUE,
};

/* An extended attribute on its way. */
struct value {
	size_t references;
	size_t size, written;
	int flags;
	char name[TREE_NAME]; /* of a NEW_VALUE */
	char *bytes;
};

struct fid {
	struct fid *next;
	uint32_t number;
	uid_t uid;
	uint8_t state;
	struct node *node;
	struct file *file;
	struct value *value;
};

struct fids {
	struct tree *tree;
	struct requests *requests;
	size_t most, bytes_most; /* of fids, and of the values of attributes */
	pthread_mutex_t lock;	 /* of what follows, and of the values of NEW_VALUE */
	struct fid **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	size_t bytes;
};

/* Sets up the table, whose limits the caller has set. Returns false if there is no memory. */
bool fids_begin(struct fids *fids, struct tree *tree, struct requests *requests);

/* Removes all fids. */
void fids_clear(struct fids *fids);
void fids_end(struct fids *fids);

/* Makes a value of `size` bytes, without the bytes. Returns NULL if there are too many. */
struct value *value_new(struct fids *fids, size_t size);
void value_drop(struct fids *fids, struct value *value);

/* Writes to a NEW_VALUE. Its parts come in order and once: otherwise EINVAL. */
ssize_t value_write(struct fids *fids, struct value *value, const uint8_t *from, size_t count,
		    uint64_t offset);

/* Ends the writing. Returns false if something is missing. */
bool value_finish(struct fids *fids, struct value *value);

/*
 * Copies the fid, with references, for which fid_drop() is called. EBADF: there is none in one of
 * `states`.
 */
int fid_get(struct fids *fids, uint32_t number, uint8_t states, struct fid *copy);
void fid_drop(struct fids *fids, const struct fid *copy);

/* The same, and holds the node until fid_release(). */
int fid_hold(struct fids *fids, uint32_t number, uint8_t states, struct fid *copy);
void fid_release(struct fids *fids, const struct fid *copy);

/*
 * Makes a fid like `like`, which gives it its references. On failure they are dropped. EBADF: the
 * number is in use. ENFILE: there are too many.
 */
int fid_new(struct fids *fids, uint32_t number, const struct fid *like);

/*
 * Replaces the content of a fid by `to`, which gives it its references. `seen` is the caller's copy
 * of that fid. EBADF: it is not PLAIN, or somebody has changed it since the copy. Then the
 * references are dropped.
 */
int fid_turn(struct fids *fids, const struct fid *seen, const struct fid *to);

/* Takes the fid away from the guest. Returns false if there is none. */
bool fid_remove(struct fids *fids, uint32_t number);

#endif
