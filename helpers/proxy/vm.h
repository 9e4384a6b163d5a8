/* SPDX-License-Identifier: Apache-2.0 */
/* The VM of a proxy's container: the bytes in its console's ring, and whether it is still there. */
#ifndef RUNX_VM_H
#define RUNX_VM_H

#include <stdint.h>

/* Takes what is in the ring as frames; puts there what waits for the guest. */
void vm_read(void);
void vm_write(void);

/* xenstore has something to say: of the console, or of a domain's end. */
void vm_event(void);

/* Looks again, where it has been silent for too long, or when it may have crashed. */
void vm_check(int64_t now);

/* The container is over: lets go of the VM, and sets the guardian off, which destroys it. */
void vm_leave(void);

#endif
