/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the environment of a process, or of a hook. */
#ifndef RUNX_ENVIRONMENT_H
#define RUNX_ENVIRONMENT_H

#include "guest/base/spec.h"

#include <sys/types.h>

/*
 * Sets `environment` to the variables in `list`, and a NULL. Of several entries for one variable
 * only the last is in it, as with runc. The texts are those of `list`; the array is the caller's to
 * free. Returns NULL, or the first entry that has no name or no '='; such entries are kept. Without
 * memory it returns "", and `environment` is NULL.
 */
const char *environment_make(const struct list *list, char ***environment);

/*
 * The same for a process of the user `uid`, in the container's root. HOME is added if it is unset
 * or empty. It comes from the user's line in /etc/passwd, and is "/" without one.
 */
const char *environment_of_user(const struct list *list, uid_t uid, char ***environment);

#endif
