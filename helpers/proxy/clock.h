/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's clock, which follows the host's: when a CLOCK frame is to go to the guest. */
#ifndef RUNX_CLOCK_H
#define RUNX_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Begins to watch the host's clock (CLOCK_REALTIME). Returns false with errno if the kernel has no
 * room for that. container.clock.set is then a descriptor that becomes readable whenever somebody
 * sets the clock, and when the host wakes from a suspend. Slewing by NTP does not count.
 */
bool clock_watch(void);

/* container.clock.set is readable: the guest will be told the time. */
void clock_was_set(void);

/*
 * Puts a CLOCK frame to the outbox if the guest must be told the time, has answered the last one,
 * and there is room. `now` is host_now().
 */
void clock_tell(int64_t now);

/*
 * Handles the guest's answer to CLOCK. Returns false if none is due. If it comes late, the guest's
 * clock is now late by as much, so the guest is told the time once more.
 */
bool clock_answered(int64_t now);

/* Returns true if the guest is to be told the time, and only room in the outbox may be missing. */
bool clock_owes(void);

#endif
