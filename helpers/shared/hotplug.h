/* SPDX-License-Identifier: Apache-2.0 */
/* What the hotplug scripts share. libxl calls such a script for a device of a VM (`script=`). */
#ifndef RUNX_HOTPLUG_H
#define RUNX_HOTPLUG_H

#include "xenstore.h"

/*
 * Takes the backend's xenstore directory from $XENBUS_PATH and connects to xenstore. Ends the
 * program with EXIT_HELPER if the variable is missing or xenstore cannot be reached.
 */
void hotplug_open(void);

/*
 * Reads the backend's node `name` into `value`, and adds a NUL. Returns the length in bytes without
 * that NUL, or -1 with errno (ENOENT: there is no such node).
 */
long hotplug_read(const char *name, char value[XENSTORE_VALUE + 1]);

/* Writes `value` to the backend's node `name`. Ends the program with EXIT_HELPER on failure. */
void hotplug_tell(const char *name, const char *value);

/* Returns the same connection, for nodes outside the backend's directory. */
struct xenstore *hotplug_xenstore(void);

/*
 * Tells libxl that the device is ready: `hotplug-status` becomes "connected". Returns false if
 * libxl has removed the device in the meantime. Then no node of it is left.
 */
bool hotplug_done(void);

/*
 * Ends the program with EXIT_HELPER and tells libxl why, as the generic scripts do: the text goes
 * to the node `hotplug-error`, and to stderr. What errno says is added to it, unless errno is 0.
 */
__attribute__((format(printf, 1, 2), noreturn)) void hotplug_refuse(const char *format, ...);

#endif
