/* SPDX-License-Identifier: Apache-2.0 */
/* What the hotplug scripts share, which libxl calls for a device of a VM (`script=`). */
#ifndef RUNX_HOTPLUG_H
#define RUNX_HOTPLUG_H

#include "xenstore.h"

/* Takes the backend's directory from $XENBUS_PATH; ends the program without one, or without
 * xenstore. */
void hotplug_open(void);

/* A node of the backend: its value, or -1 with errno; writes it, or ends the program. */
long hotplug_read(const char *name, char value[XENSTORE_VALUE + 1]);
void hotplug_tell(const char *name, const char *value);

/* The same connection, for the nodes of others. */
struct xenstore *hotplug_xenstore(void);

/* The device is ready. */
void hotplug_done(void);

/*
 * Ends the program: `hotplug-error` tells libxl why, as the generic scripts do, with what errno
 * says behind it, unless that is 0.
 */
__attribute__((format(printf, 1, 2), noreturn)) void hotplug_refuse(const char *format, ...);

#endif
