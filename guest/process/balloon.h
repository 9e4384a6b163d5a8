/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the memory that the host gives the VM while it runs (`runX update`, `xl mem-set`). */
#ifndef RUNX_BALLOON_H
#define RUNX_BALLOON_H

/*
 * Starts a process that fits the memory of the container's control group to the VM's, until the VM
 * ends. PID 1 calls it after cgroup_make(), and before it has pipes to the container's processes:
 * the new process would keep them open. Without xenstore the process ends at once.
 */
void balloon_follow(void);

#endif
