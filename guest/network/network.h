/* SPDX-License-Identifier: Apache-2.0 */
/* Sets up the VM's network interfaces, as the host describes them in xenstore
 * (docs/guest-interface.md). */
#ifndef RUNX_NETWORK_H
#define RUNX_NETWORK_H

#include "guest/base/spec.h"

/*
 * Brings up the loopback and every interface with a description, and waits until all have their
 * addresses. PID 1 calls it once. Returns NULL, also if there is no interface. On failure it
 * returns a message that says what went wrong, and errno is set.
 */
const char *network_start(const struct spec *spec);

/*
 * /etc/resolv.conf, /etc/hosts and /etc/hostname, if network_start() has made them and config.json
 * mounts nothing there. The child calls network_take_files() in the initial root, which clones
 * their mounts. Then it calls network_put_files() in the container's root, which attaches them.
 * Both return 0, or -1 with errno.
 */
int network_take_files(const struct spec *spec);
int network_put_files(void);

#endif
