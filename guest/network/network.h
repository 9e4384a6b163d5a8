/* SPDX-License-Identifier: Apache-2.0 */
/* The VM's network interfaces, as the host describes them in xenstore: docs/guest-interface.md. */
#ifndef RUNX_NETWORK_H
#define RUNX_NETWORK_H

#include "guest/base/spec.h"

/*
 * Brings up the loopback and every interface that has a description; returns once all have their
 * addresses. NULL: so it is, or there is none; else what went wrong, with errno.
 */
const char *network_start(const struct spec *spec);

/*
 * The files that say how names are resolved, where the network decides that and config.json mounts
 * nothing in their place. First takes them from the initial root, before the child leaves it; then
 * puts them in their places, from within the container's. 0, or -1 with errno.
 */
int network_take_files(const struct spec *spec);
int network_put_files(void);

#endif
