/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a container's program in its root file system, from outside and without trusting it. */
#ifndef RUNX_LOOKUP_H
#define RUNX_LOOKUP_H

#include <stddef.h>

struct program {
	const char *name;    /* args[0] */
	const char *cwd;     /* where a relative name with a slash begins */
	const char *path;    /* the process's own PATH, or NULL */
	const char **mounts; /* what will be mounted over the root: not to be seen from here */
	size_t mount_count;
};

/*
 * NULL: the program is there and executable, or lies under a mount, so that only the guest can
 * tell. Otherwise what is wrong, in the words of Go's os/exec that runc's callers match
 * (oci-contract 2.1). `rootfs` is a descriptor of the root directory; nothing outside of it is
 * looked at, whatever links say (openat2 with RESOLVE_IN_ROOT, Linux 5.6).
 */
const char *lookup_program(int rootfs, const struct program *program);

#endif
