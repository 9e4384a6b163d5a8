/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of the VM: the guest's own code for sessions and frames, without mounts and namespaces. */
#ifndef STANDIN_INIT_H
#define STANDIN_INIT_H

#include <stddef.h>

/* Runs the container of a description, with `console` for /dev/hvc1 and faults of vm.h. */
__attribute__((noreturn)) void init_run(int console, const char *description, size_t size,
					const char *faults);

#endif
