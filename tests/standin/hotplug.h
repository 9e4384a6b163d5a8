/* SPDX-License-Identifier: Apache-2.0 */
/* What libxl does with a domain's devices, as far as runX meets it. */
#ifndef STANDIN_HOTPLUG_H
#define STANDIN_HOTPLUG_H

#include <stdbool.h>

/*
 * Adds a disk (kind `vbd`), a network interface (`vif`) or a share (`9pfs`) to a domain, and runs
 * its hotplug script. `words` are as in xl.cfg. False: it has said why.
 */
bool hotplug_add(const char *domid, const char *kind, const char *words);

/* Runs the scripts of all devices for their end, and removes them from xenstore. */
void hotplug_remove_all(const char *domid);

/* Starts what serves the domain's shares, which is there until the domain is not. */
bool hotplug_start_qemu(const char *domid);

#endif
