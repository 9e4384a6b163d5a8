/* SPDX-License-Identifier: Apache-2.0 */
/* How PID 1 makes a process: the clone into PID namespaces, and descriptors that it gives away. */
#ifndef RUNX_CLONE_H
#define RUNX_CLONE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Forks into the PID namespace of the process with the pidfd `container`. If that is -1, forks into
 * a new PID namespace, and into other new ones, by their CLONE_ flags in `namespaces`. `group` is
 * the directory of the control group to fork into, or -1. In the child `in_group` then says whether
 * it is there, or has to enter. Returns as fork(2) does.
 */
pid_t clone_into(int container, unsigned long namespaces, int group, bool *in_group);

/* Closes the `count` descriptors that are not -1, and sets them to -1. */
void close_all(int *fds, size_t count);

#endif
