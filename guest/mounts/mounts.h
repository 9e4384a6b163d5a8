/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a container, made from within its root: no link can lead out of it. */
#ifndef RUNX_MOUNTS_H
#define RUNX_MOUNTS_H

#include "guest/base/spec.h"

/* Where the sources of bind mounts are mounted, in PID 1's view: 0, 1, 2, … */
#define BINDS "/binds"

/* All return 0, or -1 with errno. */

/*
 * Takes what mounts_mount() will need of BINDS, which is gone from the child's view then. Before
 * the child enters its root.
 */
int mounts_take_binds(const struct spec *spec);

/* The same of any file or directory of the initial root: a mount that lies nowhere yet, to be put,
 * once, in its place in the container's. */
int mounts_take(const char *path);
int mounts_put(int tree, const char *destination);

/* Makes a directory, and those that lead to it, unless it is there. */
int mounts_make_directory(const char *path, mode_t mode);
int mounts_mount(const struct mount_spec *m);
int mounts_fill_dev(void);

/* Whether config.json mounts something there. */
bool mounts_at(const struct spec *spec, const char *destination);

/* Whether /dev is the container's: where it is a bind mount, nothing is to be made in it. */
bool mounts_own_dev(const struct spec *spec);

#endif
