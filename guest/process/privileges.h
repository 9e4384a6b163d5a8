/* SPDX-License-Identifier: Apache-2.0 */
/* Sets what a process of the container may do: its user, groups, capabilities and limits. */
#ifndef RUNX_PRIVILEGES_H
#define RUNX_PRIVILEGES_H

#include "guest/base/spec.h"

/* Both return NULL, or a message that says what failed, with errno. */

/* Sets the resource limits and oom_score_adj. Call it as root, before privileges_drop(). */
const char *privileges_limit(const struct process *p);

/* Sets groups, user, capabilities, umask, no_new_privs and the seccomp filter. Only hooks and the
 * exec come after it. `seccomp` is the record of the description, or NULL. */
const char *privileges_drop(const struct process *p, const char *seccomp);

#endif
