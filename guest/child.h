/* SPDX-License-Identifier: Apache-2.0 */
/* The container's process between fork and exec. */
#ifndef RUNX_CHILD_H
#define RUNX_CHILD_H

#include "spec.h"

#include <sys/types.h>

#define ROOT "/root" /* where the container's root is mounted, in PID 1's view */

/* What a child says on its report socket before it executes the program, or instead of doing so. */
struct report {
	int error; /* errno, 0 for a report that carries a terminal's master */
	char words[400];
};

struct child {
	pid_t pid;
	bool terminal;
	int input, output, error; /* our ends of its stdio, -1: closed; no error with a terminal */
};

/*
 * Starts the process that `spec` describes, as pid 1 of a PID namespace. True: it was executed, and
 * `child` is filled. False: it was not, and `report` says why.
 */
bool child_start(const struct spec *spec, struct child *child, struct report *report);

#endif
