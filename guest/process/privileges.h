/* SPDX-License-Identifier: Apache-2.0 */
/* Sets what a process of the container may do: its user, groups, capabilities and limits. */
#ifndef RUNX_PRIVILEGES_H
#define RUNX_PRIVILEGES_H

#include "guest/base/spec.h"

/* Sets the limits that a process has if config.json has none of their kind: those that engines'
 * units have under systemd. PID 1 calls it once, and its children inherit them. */
void privileges_default_limits(void);

/* Raises what the kernel allows at most, if `p` asks for more open files. PID 1 calls it: in the
 * container /proc/sys may be read-only. */
void privileges_allow(const struct process *p);

/* These return NULL, or a message that says what failed, with errno. */

/* Sets oom_score_adj. Call it while PID 1's own /proc is there: that of the container may be
 * read-only, masked, or hidden by another mount. */
const char *privileges_oom_score(const struct process *p);

/* Sets the resource limits and the scheduling. Call it as root, before privileges_drop(). */
const char *privileges_limit(const struct process *p);

/* Sets groups, user, capabilities, umask, no_new_privs and the seccomp filter. Only hooks and the
 * exec come after it. `seccomp` is the record of the description, or NULL. */
const char *privileges_drop(const struct process *p, const char *seccomp);

#endif
