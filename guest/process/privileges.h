/* SPDX-License-Identifier: Apache-2.0 */
/* What the container's process may do: its user, groups, capabilities, limits. */
#ifndef RUNX_PRIVILEGES_H
#define RUNX_PRIVILEGES_H

#include "guest/base/spec.h"

/* NULL when done, else what could not be done, with errno. */
const char *privileges_limit(const struct process *p); /* as root, before the user is taken */
/* The last step before exec; `seccomp` is the record of the description, or NULL. */
const char *privileges_drop(const struct process *p, const char *seccomp);

#endif
