/* SPDX-License-Identifier: Apache-2.0 */
#include "clone.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <linux/sched.h>, which musl's compiler may not find. */
struct clone_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};
#define INTO_CGROUP 0x200000000 /* CLONE_INTO_CGROUP */

/* A process that enters a group later waits until no CPU is in a fork or an exit: some 10 ms in a
 * VM with several CPUs. Linux before 5.7 has no other way. Nor has a process that joins a container
 * with as many processes as it may have. */
static pid_t clone_in_group(unsigned long flags, int group, bool *in_group)
{
	struct clone_arguments arguments = {
		.flags = flags | INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group};
	pid_t pid = group < 0 ? -1 : (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	*in_group = pid == 0;
	return pid < 0 ? (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : pid;
}

/* setns(2) with a PID namespace changes only where the caller's next children are. So PID 1 sets
 * it, clones, and sets it back. */
pid_t clone_into(int container, unsigned long namespaces, int group, bool *in_group)
{
	unsigned long flags = 0;
	int own = -1;

	if (container < 0) {
		flags = CLONE_NEWPID | namespaces;
	} else {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(container, CLONE_NEWPID) < 0) {
			close_all(&own, 1);
			return -1;
		}
	}
	pid_t pid = clone_in_group(flags, group, in_group);
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
