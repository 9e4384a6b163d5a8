/* SPDX-License-Identifier: Apache-2.0 */
#include "clone.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* setns(2) with a PID namespace changes only where the caller's next children are. So PID 1 sets
 * it, clones, and sets it back. */
pid_t clone_into(int container, unsigned long namespaces)
{
	unsigned long flags = SIGCHLD;
	int own = -1;

	if (container < 0) {
		flags |= CLONE_NEWPID | namespaces;
	} else {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(container, CLONE_NEWPID) < 0) {
			close_all(&own, 1);
			return -1;
		}
	}
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid != 0 && own >= 0) {
		(void)setns(own, CLONE_NEWPID);
		close(own);
	}
	return pid;
}

void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
