/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of the container's system calls. */
#ifndef RUNX_GUEST_SECCOMP_H
#define RUNX_GUEST_SECCOMP_H

/*
 * From here on the caller and what it executes can make only the calls that `profile`, the record
 * of the description, lets pass; NULL is no filter. Needs no_new_privs or CAP_SYS_ADMIN. 0, or -1
 * with errno.
 */
int seccomp_install(const char *profile);

#endif
