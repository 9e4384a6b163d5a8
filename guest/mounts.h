/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a container, made from within its root: no link can lead out of it. */
#ifndef RUNX_MOUNTS_H
#define RUNX_MOUNTS_H

#include "spec.h"

/* All return 0, or -1 with errno. */
int mounts_make_directory(const char *path, mode_t mode);
int mounts_mount(const struct mount_spec *m);
int mounts_fill_dev(void);

#endif
