/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy and its guardian do with the domain through xl. */
#ifndef RUNX_DOMAIN_H
#define RUNX_DOMAIN_H

#include <stdbool.h>

/* Runs `xl destroy` and waits for it. Returns true if xl reports success. */
bool domain_destroy(unsigned int domid);

/*
 * Runs `xl list` and waits for it. Returns true if xl succeeds and its list says that the domain
 * has shut itself down, has crashed, is dying, or is gone.
 */
bool domain_is_over(unsigned int domid);

/*
 * Forks the guardian: a process that waits until the caller ends in any way (SIGKILL leaves the
 * caller no code to run). The guardian then destroys the domain and removes what the domain had in
 * xenstore. Once the domain is gone, it makes the file `mark` in the directory of the descriptor
 * `state`. It keeps the descriptor `lock` open as long as it lives. Returns the lifeline, a
 * descriptor that the caller must keep open: the guardian takes its closing for the caller's end.
 * Ends the program with EXIT_HELPER if the guardian cannot be started.
 */
int guardian_start(unsigned int domid, int state, const char *mark, int lock);

#endif
