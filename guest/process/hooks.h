/* SPDX-License-Identifier: Apache-2.0 */
/* startContainer hooks: programs of the container that run in it before its own. */
#ifndef RUNX_HOOKS_H
#define RUNX_HOOKS_H

#include "guest/base/spec.h"

/*
 * Runs them in order, as the process that they come before: its user, its working directory, and
 * `environment` where they have none of their own. True: all ended with 0. Else the first that did
 * not was the last, and `problem`, `size` bytes, says why, in runc's words.
 */
bool hooks_run(const struct spec *spec, char **environment, char *problem, size_t size);

#endif
