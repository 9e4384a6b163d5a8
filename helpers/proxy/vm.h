/* SPDX-License-Identifier: Apache-2.0 */
/* The VM of a proxy's container: the bytes in its console's ring, and whether it is still there. */
#ifndef RUNX_VM_H
#define RUNX_VM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes the bytes in the ring as frames, up to a bound for each turn. The ring must be connected.
 */
void vm_read(void);

/* Puts what waits for the guest to the ring, as far as it fits. The ring must be connected. */
void vm_write(void);

/*
 * Handles the events of xenstore: connects the console when the guest's driver is ready, and
 * notices the end of the domain.
 */
void vm_event(void);

/*
 * Looks whether the VM is still there, if it has been silent for too long or may have crashed.
 * `now` is host_now().
 */
void vm_check(int64_t now);

/*
 * Finds the VM's file server by its record, and sets container.files. With `wait`, waits for the
 * record. Ends the program with EXIT_HELPER if the server has ended already.
 */
void vm_find_files(bool wait);

/* The file server has ended, and with it the container's files: ends the container. */
void vm_files_ended(void);

/* The container is over: lets go of the VM, and sets the guardian off, which destroys it. */
void vm_leave(void);

#endif
