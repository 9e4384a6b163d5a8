/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Makefile includes this before everything else. With _GNU_SOURCE, glibc 2.38 and newer give
 * strtol, sscanf and their kin other names (__isoc23_strtol), since C23 has them read 0b1 as a
 * number. An older glibc does not have these names. Nothing here reads such numbers.
 */
#ifndef RUNX_OLDER_H
#define RUNX_OLDER_H

#include <features.h>

#undef __GLIBC_USE_C2X_STRTOL /* glibc 2.38 */
#define __GLIBC_USE_C2X_STRTOL 0
#undef __GLIBC_USE_C23_STRTOL /* glibc 2.39 and newer */
#define __GLIBC_USE_C23_STRTOL 0

#endif
