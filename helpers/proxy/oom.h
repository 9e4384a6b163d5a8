/* SPDX-License-Identifier: Apache-2.0 */
/* Shows engines that the guest's kernel has killed a process for want of memory. */
#ifndef RUNX_OOM_H
#define RUNX_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* The guest says that its kernel has killed a process of the container. */
void oom_killed(void);

/* Shows what is still to be shown, as soon as that may be. `now` is host_now(). */
void oom_advance(int64_t now);

/* Returns when oom_advance() is to be called at the latest, by host_now(), or 0 for never. */
int64_t oom_deadline(void);

/* container.oom.marker is readable: what was to be shown is shown. */
void oom_shown(void);

/* Returns true while something is still to be shown. The proxy must not end before. */
bool oom_pending(void);

#endif
