/* SPDX-License-Identifier: Apache-2.0 */
/* Sets up what the container sees of its system: host name, sysctls, devices, read-only and masked
 * paths. */
#ifndef RUNX_SYSTEM_H
#define RUNX_SYSTEM_H

#include "guest/base/spec.h"

#include <stdbool.h>
#include <sys/stat.h>

/* These return NULL, or a message that says what failed, with errno. Call them in the container's
 * root, after its mounts are made. */

/* Makes linux.devices. Call it with the umask 0, and before mounts_fill_dev(): they have priority
 * over default devices at the same paths, as with runc. */
const char *system_make_devices(const struct spec *spec);

/* Sets names and sysctls. */
const char *system_apply(const struct spec *spec);

/* Makes paths read-only and masks paths. Nothing can be made there, or set in /proc/sys, after it.
 */
const char *system_seal(const struct spec *spec);

/* Sets the caller's personality, for what it executes. */
const char *system_personality(const struct spec *spec);

/* True: this is the device that /dev/null must be. */
bool system_is_null(const struct stat *st);

#endif
