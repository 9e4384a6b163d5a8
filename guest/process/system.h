/* SPDX-License-Identifier: Apache-2.0 */
/* Sets up what the container sees of its system: host name, sysctls, devices, read-only and masked
 * paths. */
#ifndef RUNX_SYSTEM_H
#define RUNX_SYSTEM_H

#include "guest/base/spec.h"

/* Applies these settings of `spec`. Call it in the container's root, after its mounts are made.
 * Returns NULL, or a message that says what failed, with errno. */
const char *system_apply(const struct spec *spec);

#endif
