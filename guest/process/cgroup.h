/* SPDX-License-Identifier: Apache-2.0 */
/* Limits what the container may use, by the control group that all of its processes are in. */
#ifndef RUNX_CGROUP_H
#define RUNX_CGROUP_H

#include "guest/base/spec.h"

#include <stdbool.h>

/* cgroup_make() and cgroup_enter() return NULL, or a message that says what failed, with errno. */

/*
 * Makes the group, and gives it the settings, each "FILE=VALUE" of cgroup v2. PID 1 calls it once,
 * after it has mounted the root and set up the network. In any case the group gets a memory.max,
 * which leaves the kernel what it needs: a setting can only lower it. A kernel that has no control
 * groups, or no memory.max, is no error, because the VM's memory is a limit too. A setting that
 * cannot be made is one.
 */
const char *cgroup_make(const struct list *settings);

/* Returns a descriptor of the group's directory, for clone3(2), or -1 if there is no group. */
int cgroup_directory(void);

/*
 * Returns a descriptor that poll(2) reports by POLLPRI when the kernel may have killed a process of
 * the group for want of memory, or -1 if there is no group.
 */
int cgroup_events(void);

/* Returns true if the kernel has killed some since the last call. */
bool cgroup_has_killed(void);

/* A new process calls it, in any root, to enter the group, unless it was made in there (`inside`).
 * From then on the process sees the group as the root of the hierarchy. Without a group it does
 * nothing. */
const char *cgroup_enter(bool inside);

/*
 * Tells the group that the host has given the VM memory, or taken it: `bytes`, less than 0 if
 * taken, since cgroup_make(). Waits until the group has no more than it may have, and so must not
 * be called by a process that others wait for.
 */
void cgroup_balloon(long long bytes);

#endif
