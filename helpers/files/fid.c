/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is held only to look up and to change: what a fid refers to is counted. */
#include "fid.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

struct value *value_new(struct fids *fids, size_t size)
{
	struct value *value = NULL;

	pthread_mutex_lock(&fids->lock);
	bool room = size <= fids->bytes_most - fids->bytes;
	if (room)
		value = calloc(1, sizeof(*value));
	if (value) {
		value->references = 1;
		value->size = size;
		fids->bytes += size;
	}
	pthread_mutex_unlock(&fids->lock);
	return value;
}

void value_drop(struct fids *fids, struct value *value)
{
	pthread_mutex_lock(&fids->lock);
	bool last = --value->references == 0;
	if (last)
		fids->bytes -= value->size;
	pthread_mutex_unlock(&fids->lock);
	if (last) {
		free(value->bytes);
		free(value);
	}
}

ssize_t value_write(struct fids *fids, struct value *value, const uint8_t *from, size_t count,
		    uint64_t offset)
{
	pthread_mutex_lock(&fids->lock);
	bool good = value->written <= value->size && offset == value->written &&
		    count <= value->size - value->written;
	if (good && count > 0) {
		memcpy(value->bytes + value->written, from, count);
		value->written += count;
	}
	pthread_mutex_unlock(&fids->lock);
	return good ? (ssize_t)count : -EINVAL;
}

bool value_finish(struct fids *fids, struct value *value)
{
	pthread_mutex_lock(&fids->lock);
	bool whole = value->written == value->size;
	value->written = SIZE_MAX;
	pthread_mutex_unlock(&fids->lock);
	return whole;
}

/* ---- fids ---- */

static struct fid **find(struct fids *fids, uint32_t number)
{
	uint32_t mixed = number * 0x9e3779b1;
	struct fid **at = &fids->buckets[(mixed ^ mixed >> 16) & (fids->bucket_count - 1)];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* Doubles the table. Without memory, the chains get longer. */
static void grow(struct fids *fids)
{
	struct fid **old = fids->buckets, *fid, *next;
	size_t count = fids->bucket_count;
	struct fid **new = calloc(2 * count, sizeof(*new));

	if (!new)
		return;
	fids->buckets = new;
	fids->bucket_count = 2 * count;
	for (size_t i = 0; i < count; i++) {
		for (fid = old[i]; fid; fid = next) {
			next = fid->next;
			fid->next = NULL;
			*find(fids, fid->number) = fid;
		}
	}
	free(old);
}

/* Takes a reference to all that the fid has, for a copy of it. */
static void fid_keep(struct fids *fids, const struct fid *fid)
{
	node_keep(fids->tree, fid->node);
	if (fid->file)
		file_keep(fid->file);
	if (fid->value)
		fid->value->references++;
}

/* Drops what a fid, or a copy, refers to. */
void fid_drop(struct fids *fids, const struct fid *fid)
{
	if (fid->value)
		value_drop(fids, fid->value);
	if (fid->file)
		file_drop(fid->file);
	node_drop(fids->tree, fid->node);
}

/* Copies the fid with references. It must be in one of `states`. */
int fid_get(struct fids *fids, uint32_t number, uint8_t states, struct fid *copy)
{
	pthread_mutex_lock(&fids->lock);
	const struct fid *fid = *find(fids, number);
	bool good = fid && fid->state & states;
	if (good) {
		*copy = *fid;
		fid_keep(fids, fid);
	}
	pthread_mutex_unlock(&fids->lock);
	return good ? 0 : -EBADF;
}

/* The same, and holds its node until fid_release(). */
int fid_hold(struct fids *fids, uint32_t number, uint8_t states, struct fid *copy)
{
	int r = fid_get(fids, number, states, copy);

	if (r < 0)
		return r;
	r = node_hold(fids->tree, copy->node, copy->file ? copy->file->fd : -1);
	if (r < 0)
		fid_drop(fids, copy);
	return r;
}

void fid_release(struct fids *fids, const struct fid *copy)
{
	node_release(fids->tree, copy->node);
	fid_drop(fids, copy);
}

/* Makes a fid like `like`, which gives it its references. On failure they are dropped. */
int fid_new(struct fids *fids, uint32_t number, const struct fid *like)
{
	struct fid *new = malloc(sizeof(*new));
	int r = new ? 0 : -ENOMEM;

	pthread_mutex_lock(&fids->lock);
	if (r == 0 && fids->count >= fids->most)
		r = -ENFILE;
	if (r == 0 && (number == MESSAGE_NO_FID || *find(fids, number)))
		r = -EBADF;
	if (r == 0) {
		if (++fids->count > fids->bucket_count)
			grow(fids);
		*new = *like;
		new->number = number;
		new->next = NULL;
		*find(fids, number) = new;
	}
	pthread_mutex_unlock(&fids->lock);
	if (r < 0) {
		free(new);
		fid_drop(fids, like);
	}
	return r;
}

/*
 * Gives the fid that the call has seen the content of `to`, if nobody has changed it since. If
 * somebody has, EBADF. The references of the loser are dropped.
 */
int fid_turn(struct fids *fids, const struct fid *seen, const struct fid *to)
{
	pthread_mutex_lock(&fids->lock);
	struct fid *fid = *find(fids, seen->number);
	bool same = fid && fid->state == PLAIN && seen->state == PLAIN && fid->node == seen->node;
	struct fid loser = same ? *fid : *to;
	if (same) {
		struct fid *next = fid->next;
		*fid = *to;
		fid->number = seen->number;
		fid->next = next;
	}
	pthread_mutex_unlock(&fids->lock);
	fid_drop(fids, &loser);
	return same ? 0 : -EBADF;
}

/* Takes the fid away from the guest. Returns false if there is none. */
bool fid_remove(struct fids *fids, uint32_t number)
{
	pthread_mutex_lock(&fids->lock);
	struct fid **at = find(fids, number), *fid = *at;
	if (fid) {
		*at = fid->next;
		fids->count--;
	}
	pthread_mutex_unlock(&fids->lock);
	if (!fid)
		return false;
	if (fid->file)
		running_stop(fids->requests, fid->file);
	fid_drop(fids, fid);
	free(fid);
	return true;
}

/* Finds a fid in the bucket `*at` or after it. The table may grow between two calls. */
static bool next_fid(struct fids *fids, size_t *at, uint32_t *number)
{
	pthread_mutex_lock(&fids->lock);
	while (*at < fids->bucket_count && !fids->buckets[*at])
		++*at;
	bool found = *at < fids->bucket_count;
	if (found)
		*number = fids->buckets[*at]->number;
	pthread_mutex_unlock(&fids->lock);
	return found;
}

void fids_clear(struct fids *fids)
{
	uint32_t number = 0;

	for (size_t at = 0; next_fid(fids, &at, &number);)
		fid_remove(fids, number);
}

/* ---- the table ---- */

bool fids_begin(struct fids *fids, struct tree *tree, struct requests *requests)
{
	fids->tree = tree;
	fids->requests = requests;
	fids->bucket_count = 64;
	fids->buckets = calloc(fids->bucket_count, sizeof(struct fid *));
	pthread_mutex_init(&fids->lock, NULL);
	return fids->buckets;
}

void fids_end(struct fids *fids)
{
	free(fids->buckets);
	pthread_mutex_destroy(&fids->lock);
}
