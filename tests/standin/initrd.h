/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the container's description in the initrd that runX made. */
#ifndef STANDIN_INITRD_H
#define STANDIN_INITRD_H

#include <stddef.h>

/* The member `container` of the archive at the end of `path`, or NULL with errno; to be freed. */
char *initrd_description(const char *path, size_t *size);

/* The value of the variable `name` in the environment of a description, or NULL. */
const char *initrd_variable(const char *description, size_t size, const char *name);

#endif
