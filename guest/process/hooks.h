/* SPDX-License-Identifier: Apache-2.0 */
/* Runs startContainer hooks: programs in the container that run before the container process. */
#ifndef RUNX_HOOKS_H
#define RUNX_HOOKS_H

#include "guest/base/spec.h"

/*
 * Runs the hooks of `spec` in order. They have the caller's user and working directory, and
 * `environment` unless they have their own. Returns true if all ended with status 0. The first hook
 * that fails is the last to run: then `problem`, which has room for `size` bytes, says why in
 * runc's words.
 */
bool hooks_run(const struct spec *spec, char **environment, char *problem, size_t size);

#endif
