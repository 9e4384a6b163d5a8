/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the mounts of a container, from within its root, so that no link can lead out of it. */
#ifndef RUNX_MOUNTS_H
#define RUNX_MOUNTS_H

#include "guest/base/spec.h"

/* Where PID 1 mounts the sources of bind mounts, with the names 0, 1, 2, … */
#define BINDS "/binds"

/* The functions that return int return -1 with errno on failure. */

/*
 * Clones the sources of all bind mounts for mounts_mount(), and unmounts BINDS in the caller's
 * mount namespace. The child calls it before it enters its root. A source that fails is no error
 * here: mounts_mount() reports it. Returns 0.
 */
int mounts_take_binds(const struct spec *spec);

/* Clones the mount of a file or directory of the initial root. Returns the descriptor of a detached
 * mount, for mounts_put(). */
int mounts_take(const char *path);

/* Attaches that mount at `destination`, from within the container's root, and closes `tree`. Makes
 * the mount point if it is missing. Returns 0. */
int mounts_put(int tree, const char *destination);

/* Makes the directory `path` and missing ones above it, all with `mode` and the umask. An existing
 * directory is left as it is. Returns 0. ENOTDIR: `path` is no directory. */
int mounts_make_directory(const char *path, mode_t mode);

/*
 * Makes one mount of config.json, and its mount point if that is missing. Returns 0. ENOTDIR: the
 * mount point is no directory, or it is reached by a link and mounts_needs_directory() is true. A
 * tmpfs, and what is at /dev, stay writable until mounts_seal().
 */
int mounts_mount(const struct mount_spec *m);

/* True: links in the root must not move this mount, as with runc: it is of type proc or sysfs. */
bool mounts_needs_directory(const struct mount_spec *m);

/* Makes the mounts read-only that mounts_mount() has left writable. Call it when all that lies in
 * them is made. Returns 0. */
int mounts_seal(const struct spec *spec);

/* Makes the mount at `path` read-only, and keeps its other flags. Returns 0. */
int mounts_make_readonly(const char *path);

/* Makes the default devices and links of runtime-spec in /dev. Existing ones stay, except
 * /dev/ptmx. Call it with the umask 0. Returns 0. */
int mounts_fill_dev(void);

/* True: config.json mounts something at this destination. */
bool mounts_at(const struct spec *spec, const char *destination);

/* True: /dev belongs to the container alone. False: it is a bind mount, and PID 1 must make nothing
 * in it. */
bool mounts_own_dev(const struct spec *spec);

#endif
