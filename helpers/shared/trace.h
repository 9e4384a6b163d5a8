/* SPDX-License-Identifier: Apache-2.0 */
/* When what happened, for `runX timeline`: lines in the file RUNX_TRACE, as lib/trace.sh has them.
 */
#ifndef RUNX_TRACE_H
#define RUNX_TRACE_H

#include <stdint.h>

/* Of the container with this state directory. Nothing is traced where the variable is not set. */
void trace_open(const char *directory);

/* What `who` begins now, or began so many microseconds ago. */
void trace(const char *who, const char *what);
void trace_ago(const char *who, const char *what, uint32_t ago);

/* The file, which a fork may keep, or -1. */
int trace_file(void);

#endif
