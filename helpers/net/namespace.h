/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out which network namespace a path names. */
#ifndef RUNX_NAMESPACE_H
#define RUNX_NAMESPACE_H

#include <stdbool.h>

/*
 * Opens the network namespace at `path`. Returns a descriptor for setns(2), or -1 with errno
 * (ENOENT: there is none any more; EPERM: it is the host's own, which a VM must not get).
 */
int namespace_open(const char *path);

#endif
