/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that waits has a thread. That costs less than it seems (15 us to begin, 10 KiB), and a
 * lock cannot be waited for otherwise. There is no thread while nothing waits.
 */
#include "running.h"

#include "message.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#define STACK 32768

void requests_begin(struct requests *requests, size_t threads_most)
{
	*requests = (struct requests){.threads_most = threads_most};
	pthread_mutex_init(&requests->lock, NULL);
	pthread_cond_init(&requests->none, NULL);
}

void requests_end(struct requests *requests)
{
	running_stop(requests, NULL);
	pthread_mutex_lock(&requests->lock);
	while (requests->threads > 0)
		pthread_cond_wait(&requests->none, &requests->lock);
	pthread_mutex_unlock(&requests->lock);
	pthread_cond_destroy(&requests->none);
	pthread_mutex_destroy(&requests->lock);
}

static struct running **find(struct requests *requests, uint16_t tag)
{
	struct running **at = &requests->first;

	while (*at && (*at)->tag != tag)
		at = &(*at)->next;
	return at;
}

bool running_begin(struct requests *requests, struct running *running, struct channel *channel,
		   uint16_t tag)
{
	*running = (struct running){.channel = channel, .tag = tag, .requests = requests};
	pthread_mutex_lock(&requests->lock);
	struct running **at = find(requests, tag);
	bool unused = !*at;
	if (unused)
		*at = running;
	pthread_mutex_unlock(&requests->lock);
	return unused;
}

static void take_out(struct requests *requests, struct running *running)
{
	struct running **at = &requests->first;

	while (*at != running)
		at = &(*at)->next;
	*at = running->next;
}

/* The answers of flushes go the way of the request's own, so that they come behind it. */
static void answer_flushes(const struct running *running)
{
	for (size_t i = 0; i < running->flush_count; i++) {
		uint8_t buffer[MESSAGE_HEADER];
		struct reply reply;
		reply_begin(&reply, buffer, sizeof(buffer));
		size_t size = reply_finish(&reply, TFLUSH + 1, running->flushes[i]);
		running->channel->answer(running->channel, buffer, size);
	}
}

bool running_end(struct requests *requests, struct running *running, const uint8_t *answer,
		 size_t size)
{
	if (running->deferred)
		return true;
	pthread_mutex_lock(&requests->lock);
	take_out(requests, running);
	pthread_mutex_unlock(&requests->lock);
	if (running->flush_count == 0)
		return false;
	if (size > 0)
		running->channel->answer(running->channel, answer, size);
	answer_flushes(running);
	return true;
}

/* Writes the answer of a deferred request. */
static size_t finished(const struct running *running, int r, uint8_t *buffer, size_t room)
{
	struct reply reply;

	if (r < 0)
		return reply_error(buffer, running->tag, -r);
	reply_begin(&reply, buffer, room);
	if (!running->task.sync)
		reply_put(&reply, "b", P9_LOCK_SUCCESS);
	return reply_finish(&reply, running->task.sync ? TFSYNC + 1 : TLOCK + 1, running->tag);
}

static void *run(void *argument)
{
	struct running *running = argument;
	struct requests *requests = running->requests;
	struct task *task = &running->task;
	uint8_t buffer[MESSAGE_HEADER + 4];
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	if (task->sync)
		r = file_sync(task->file, task->data_only);
	else
		r = file_lock(task->file, &task->lock, &running->stop);
	size_t size = finished(running, r, buffer, sizeof(buffer));

	pthread_mutex_lock(&requests->lock);
	/* As long as it is in the list, a signal may come. */
	if (!running->silent)
		take_out(requests, running);
	bool silent = running->silent || (r == -EINTR && running->flush_count > 0);
	pthread_mutex_unlock(&requests->lock);
	/* Whoever has the answer finds nothing of the request left. */
	file_drop(task->file);
	if (!silent)
		running->channel->answer(running->channel, buffer, size);
	if (!running->silent)
		answer_flushes(running);
	free(running);
	pthread_mutex_lock(&requests->lock);
	if (--requests->threads == 0)
		pthread_cond_broadcast(&requests->none);
	pthread_mutex_unlock(&requests->lock);
	return NULL;
}

static bool start(struct running *running)
{
	pthread_attr_t attributes;
	size_t stack = STACK > PTHREAD_STACK_MIN ? STACK : (size_t)PTHREAD_STACK_MIN;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	bool started = pthread_create(&running->thread, &attributes, run, running) == 0;
	pthread_attr_destroy(&attributes);
	return started;
}

bool running_defer(struct requests *requests, struct running *running, const struct task *task)
{
	struct running *new = malloc(sizeof(*new));
	bool started = false;

	if (!new)
		return false;
	pthread_mutex_lock(&requests->lock);
	if (requests->threads < requests->threads_most) {
		*new = *running;
		new->task = *task;
		/* It may have been flushed before it came here. */
		new->stop = new->flush_count > 0;
		/* The thread needs the lock before it ends, so new->thread is set until then. */
		started = start(new);
	}
	if (started) {
		file_keep(task->file);
		requests->threads++;
		take_out(requests, running);
		running->deferred = true;
		new->next = requests->first;
		requests->first = new;
	}
	pthread_mutex_unlock(&requests->lock);
	if (!started)
		free(new);
	return started;
}

static void stop(struct running *running)
{
	if (!running->task.file || running->task.sync || running->stop)
		return;
	__atomic_store_n(&running->stop, true, __ATOMIC_RELEASE);
	pthread_kill(running->thread, SIGUSR1);
}

bool running_flush(struct requests *requests, uint16_t old, uint16_t tag)
{
	pthread_mutex_lock(&requests->lock);
	struct running *running = *find(requests, old);
	bool found = running && running->flush_count < FLUSHES && old != tag;
	if (found) {
		running->flushes[running->flush_count++] = tag;
		stop(running);
	}
	pthread_mutex_unlock(&requests->lock);
	return found;
}

void running_stop(struct requests *requests, const struct file *file)
{
	struct running **at = &requests->first, *running;

	pthread_mutex_lock(&requests->lock);
	while ((running = *at)) {
		bool meant = running->task.file && (!file || running->task.file == file);
		if (meant)
			stop(running);
		/* The guest may use the tag of what is not answered for something else. */
		if (meant && !file) {
			running->silent = true;
			*at = running->next;
		} else {
			at = &running->next;
		}
	}
	pthread_mutex_unlock(&requests->lock);
}
