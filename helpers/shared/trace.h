/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to $RUNX_TRACE when something happened, for `runX timeline` (lines as in lib/trace.sh). */
#ifndef RUNX_TRACE_H
#define RUNX_TRACE_H

#include <stdint.h>

/*
 * Opens the file that $RUNX_TRACE names. `directory` is the container's state directory and must
 * stay valid, because its last part is the id in each line. If the variable is not set or the file
 * cannot be opened, the other functions do nothing.
 */
void trace_open(const char *directory);

/* Writes that `who` begins `what` now, or began it `ago` microseconds ago. */
void trace(const char *who, const char *what);
void trace_ago(const char *who, const char *what, uint32_t ago);

/* Returns the file's descriptor, which a forked process may keep, or -1 if there is no trace. */
int trace_file(void);

#endif
