/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy and its guardian ask of xl. */
#ifndef RUNX_DOMAIN_H
#define RUNX_DOMAIN_H

#include <stdbool.h>

/* Runs `xl destroy`; true when xl says that it did. */
bool domain_destroy(unsigned int domid);

/* Runs `xl list`; true when that says that the domain shut itself down, crashed, or is no more. */
bool domain_is_over(unsigned int domid);

/*
 * Forks the guardian: a process that waits for the caller to end, in whatever way (SIGKILL leaves
 * no code to run), and then destroys the domain and what it had in xenstore. It leaves `mark` as a
 * file in `state` when done, and keeps `lock` open as long as it lives. Returns the lifeline, whose
 * closing is the caller's death; the caller must keep it.
 */
int guardian_start(unsigned int domid, int state, const char *mark, int lock);

#endif
