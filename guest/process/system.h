/* SPDX-License-Identifier: Apache-2.0 */
/* What the container sees of its system: names, kernel settings, devices, hidden and fixed paths.
 */
#ifndef RUNX_SYSTEM_H
#define RUNX_SYSTEM_H

#include "guest/base/spec.h"

/* From within the container's root, its mounts made. NULL, or what could not be done, with errno.
 */
const char *system_apply(const struct spec *spec);

#endif
