/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a session that are not answered yet: those that wait, and those to be flushed. */
#ifndef RUNX_FILES_RUNNING_H
#define RUNX_FILES_RUNNING_H

#include "file.h"
#include "session.h"

#include <pthread.h>

#define FLUSHES 4 /* of one request; Linux sends one */

/* What may take long. The thread that does it gives the file back. */
struct task {
	struct file *file;
	bool sync, data_only; /* otherwise: */
	struct lock lock;
};

struct running {
	struct running *next;
	struct channel *channel;
	uint16_t tag;
	uint16_t flushes[FLUSHES];
	size_t flush_count;
	bool deferred; /* another took its place */
	/* Of a request with a thread of its own: */
	struct requests *requests;
	struct task task;
	pthread_t thread;
	bool stop;   /* do not wait any longer */
	bool silent; /* do not answer */
};

struct requests {
	pthread_mutex_t lock;
	pthread_cond_t none; /* threads is 0 */
	struct running *first;
	size_t threads, threads_most;
};

void requests_begin(struct requests *requests, size_t threads_most);

/* Gives up what waits, and returns when there is no thread any more. */
void requests_end(struct requests *requests);

/* Notes the request of the calling thread. Returns false if its tag is in use. */
bool running_begin(struct requests *requests, struct running *running, struct channel *channel,
		   uint16_t tag);

/*
 * Ends it. Returns true if it was deferred, or flushed meanwhile: then the answer, if `size` is not
 * 0, and those of the flushes have been sent.
 */
bool running_end(struct requests *requests, struct running *running, const uint8_t *answer,
		 size_t size);

/*
 * Goes on with the request in a thread, which answers. It takes over `running` and a reference to
 * the task's file. Returns false if there are too many: then nothing was done.
 */
bool running_defer(struct requests *requests, struct running *running, const struct task *task);

/*
 * Flushes the request with the tag `old`. Returns false if there is none, so the flush is to be
 * answered at once.
 */
bool running_flush(struct requests *requests, uint16_t old, uint16_t tag);

/* Gives up what waits for `file`, or everything without an answer if it is NULL. */
void running_stop(struct requests *requests, const struct file *file);

#endif
