/* SPDX-License-Identifier: Apache-2.0 */
/* How trip knows that a helper's main begins: by a call that no program makes otherwise. */
#ifndef STANDIN_TRIP_H
#define STANDIN_TRIP_H

#include <sys/syscall.h>

#define TRIP_BEGINS SYS_sched_get_priority_max

#endif
