/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a container's program in its root file system, from the host and without trusting the root.
 */
#ifndef RUNX_LOOKUP_H
#define RUNX_LOOKUP_H

#include <stddef.h>

struct program {
	const char *name;    /* args[0] */
	const char *cwd;     /* the working directory: a relative name with a slash begins here */
	const char *path;    /* PATH of the process, or NULL for the default */
	const char **mounts; /* destinations of mounts that the host cannot see */
	size_t mount_count;
};

/*
 * Looks up `program` in the root directory of the descriptor `rootfs`. Returns NULL if the program
 * is there and executable. Also returns NULL if the program lies under a mount, because then only
 * the guest can tell. Otherwise returns what is wrong, in the words of Go's os/exec that runc's
 * callers match (oci-contract 2.1). This text is valid until the next call. If PATH or the links
 * are so many that runX does not follow them all, the text says so. Whatever links say, nothing
 * outside the root is looked at (openat2 with RESOLVE_IN_ROOT, Linux 5.6).
 */
const char *lookup_program(int rootfs, const struct program *program);

#endif
