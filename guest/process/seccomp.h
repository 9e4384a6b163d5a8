/* SPDX-License-Identifier: Apache-2.0 */
/* Installs the seccomp filter of the container's processes. */
#ifndef RUNX_GUEST_SECCOMP_H
#define RUNX_GUEST_SECCOMP_H

/*
 * From now on the filter decides about each system call of the caller and of what it executes.
 * `profile` is the `seccomp` record of the description (docs/guest-interface.md); NULL: no filter.
 * Needs no_new_privs or CAP_SYS_ADMIN. Returns 0, or -1 with errno (EINVAL: a malformed record).
 */
int seccomp_install(const char *profile);

#endif
