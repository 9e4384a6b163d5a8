/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	struct pollfd *fds; /* -1: its entry is free after this turn */
	struct action {
		loop_ready *ready;
		void *with;
	} * actions;
	int count;
} loop;

void loop_add(int fd, loop_ready *ready, void *with)
{
	size_t count = (size_t)loop.count + 1;

	loop.fds = realloc(loop.fds, count * sizeof(*loop.fds));
	loop.actions = realloc(loop.actions, count * sizeof(*loop.actions));
	if (!loop.fds || !loop.actions)
		err(1, "no memory");
	loop.fds[loop.count] = (struct pollfd){.fd = fd, .events = POLLIN};
	loop.actions[loop.count++] = (struct action){ready, with};
}

void loop_close(int fd)
{
	for (int i = 0; i < loop.count; i++)
		if (loop.fds[i].fd == fd)
			loop.fds[i].fd = -1;
	close(fd);
}

int loop_count(void)
{
	int count = 0;

	for (int i = 0; i < loop.count; i++)
		count += loop.fds[i].fd >= 0;
	return count;
}

static void drop_closed(void)
{
	int kept = 0;

	for (int i = 0; i < loop.count; i++)
		if (loop.fds[i].fd >= 0) {
			loop.fds[kept] = loop.fds[i];
			loop.actions[kept++] = loop.actions[i];
		}
	loop.count = kept;
}

void loop_run(void)
{
	for (;;) {
		drop_closed();
		if (poll(loop.fds, (nfds_t)loop.count, -1) < 0 && errno != EINTR)
			err(1, "poll");
		/* Those that are added meanwhile come next time. */
		const int count = loop.count;
		for (int i = 0; i < count; i++)
			if (loop.fds[i].fd >= 0 && loop.fds[i].revents)
				loop.actions[i].ready(loop.fds[i].fd, loop.actions[i].with);
	}
}
