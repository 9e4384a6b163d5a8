/* SPDX-License-Identifier: Apache-2.0 */
/* Starts processes of the container: everything between clone(2) and execve(2). */
#ifndef RUNX_CHILD_H
#define RUNX_CHILD_H

#include "guest/base/spec.h"

#include <stdbool.h>
#include <sys/types.h>

#define ROOT "/root" /* where PID 1 mounts the container's root */

/* A message of a child on its report socket, from before it executes the program. */
struct report {
	int error;	 /* errno; 0: the message only carries the master of a terminal */
	char words[400]; /* why it failed, for people */
};

struct child {
	pid_t pid;
	bool terminal;
	int input, output, error; /* PID 1's ends of its stdio; -1: closed, /dev/null, or a
				   * terminal's error */
	int report;		  /* readable when child_report() has news */
};

/*
 * Starts the process that `spec` describes. With `container` 0 it becomes pid 1 of new namespaces,
 * and makes their root and mounts. Otherwise `container` is the pid of that process, and the new
 * one joins its namespaces. Returns 0: `child` is valid, but the ends of a terminal come later, by
 * child_report(). Returns -1 with errno: there is no child.
 */
int child_start(const struct spec *spec, pid_t container, struct child *child);

/* Reads the child's reports, without blocking. CHILD_FAILED: `report` says why. The child then
 * ends, and the caller still has to reap it. */
enum child_progress { CHILD_STARTING, CHILD_EXECUTED, CHILD_FAILED };
enum child_progress child_report(struct child *child, struct report *report);

/* Closes all descriptors of `child`. It does not end the process. */
void child_close(struct child *child);

#endif
