/* SPDX-License-Identifier: Apache-2.0 */
/* How many processes the container may have: the control group that all of its processes are in. */
#ifndef RUNX_CGROUP_H
#define RUNX_CGROUP_H

/* Both return NULL, or what could not be done, with errno. */

/* In PID 1, once: makes the group. `pids_max` is decimal; without it there is no group, as no
 * limit. */
const char *cgroup_limit(const char *pids_max);

/* In a new process, whatever its root: enters the group, which it then takes for the root of all.
 */
const char *cgroup_enter(void);

#endif
