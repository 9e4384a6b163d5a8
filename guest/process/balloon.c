/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of its own does this, because a lower memory.max makes the one that writes it wait:
 * the kernel reclaims memory, and may write it to the host before that. The kernel's balloon driver
 * looks at the same node, so no frame from the host is needed.
 */
#include "balloon.h"

#include "cgroup.h"
#include "helpers/shared/xenstore.h"

#include <poll.h>
#include <unistd.h>

/* How much memory the VM shall have, in KiB. libxl writes it. */
#define TARGET "memory/target"

static void await_change(struct xenstore *xs)
{
	struct pollfd p = {.fd = xs->fd, .events = POLLIN};
	struct xenstore_answer none;

	xs->changed = false;
	while (!xs->changed)
		if (poll(&p, 1, -1) < 0 || xenstore_next(xs, &none) < 0)
			_exit(1);
}

void balloon_follow(void)
{
	struct xenstore xs;
	long first, target, last;

	if (fork() != 0)
		return;
	if (xenstore_open(&xs) < 0 || (first = xenstore_number(&xs, TARGET)) < 0 ||
	    xenstore_watch(&xs, TARGET) < 0)
		_exit(1);
	for (last = first;; await_change(&xs)) {
		target = xenstore_number(&xs, TARGET);
		if (target < 0 || target == last)
			continue;
		cgroup_balloon((target - first) * 1024LL);
		last = target;
	}
}
