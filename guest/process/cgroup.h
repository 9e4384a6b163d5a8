/* SPDX-License-Identifier: Apache-2.0 */
/* Limits the number of the container's processes, by the cgroup that all of them are in. */
#ifndef RUNX_CGROUP_H
#define RUNX_CGROUP_H

/* Both return NULL, or a message that says what failed, with errno. */

/* Makes the cgroup. PID 1 calls it once. `pids_max` is a decimal number. NULL: there is no limit,
 * and so no cgroup. */
const char *cgroup_limit(const char *pids_max);

/* A new process calls it to enter the cgroup, in any root. From then on the process sees this
 * cgroup as the root of the hierarchy. Without a cgroup it does nothing. */
const char *cgroup_enter(void);

#endif
