/* SPDX-License-Identifier: Apache-2.0 */
/* A process of the container between clone and exec. */
#ifndef RUNX_CHILD_H
#define RUNX_CHILD_H

#include "guest/base/spec.h"

#include <stdbool.h>
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
	int report;		  /* readable when there is news for child_report() */
};

/*
 * Starts the process that `spec` describes: as pid 1 of namespaces of its own, whose root and
 * mounts it makes; or, with the pid of that one as `container`, beside it in the same namespaces.
 * All of `child` but its terminal is good from then on. -1 with errno: there is no child.
 */
int child_start(const struct spec *spec, pid_t container, struct child *child);

/* Without blocking. FAILED: `report` says why; the child ends, and is still to be reaped. */
enum child_progress { CHILD_STARTING, CHILD_EXECUTED, CHILD_FAILED };
enum child_progress child_report(struct child *child, struct report *report);

void child_close(struct child *child);

#endif
