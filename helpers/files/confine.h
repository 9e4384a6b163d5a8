/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away from the file server what it does not need, in four steps (docs/security.md). */
#ifndef RUNX_FILES_CONFINE_H
#define RUNX_FILES_CONFINE_H

/* A function here that fails prints the reason to stderr and ends the program with EXIT_HELPER. */

/*
 * Returns the directory of this process's descriptors, /proc/self/fd, as a mount of its own that
 * has no place in any tree. So nothing else of /proc can be reached from it. The process must not
 * fork later. Needs /proc.
 */
int confine_proc(void);

/*
 * Makes `directory`, a mount in a mount namespace of our own, the root directory. Everything else
 * is unmounted from that namespace.
 */
void confine_tree(const char *directory);

/*
 * Lowers the limits of resources, and drops all capabilities but those that the core needs
 * (session_prepare()). No program that is executed can get more.
 */
void confine_privileges(void);

/*
 * From now on the process can only do the system calls of a list, in all its threads. It can open
 * nothing by a path of the host any more, bind no event channel and map no grant.
 */
void confine_calls(void);

#endif
