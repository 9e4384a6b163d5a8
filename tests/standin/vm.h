/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in a domain: the guest's half of the console, and PID 1 behind it. */
#ifndef STANDIN_VM_H
#define STANDIN_VM_H

#include <stddef.h>

/*
 * Faults are words with commas between them, in the variable STANDIN_FAULTS of the container's
 * process; some have a number:
 *
 * silent      nothing is ever heard of the VM
 * race        its console appears just when the proxy looks which other domain has ended
 * boot=N      its console appears N ms after unpause (0)
 * clock=N     its clock is N s ahead of the host's when it boots
 * early       it sends output before STARTED
 * no-hello    no frame reaches the host
 * no-pong     it answers no PING
 * no-signal   it hears of no signal
 * failed      it cannot start the process, and has a terminal's control bytes in its words
 * reorder     STARTED comes after EXITED
 * deaf        after STARTED it reads nothing
 * stop        after STARTED it does nothing at all
 * crash       after STARTED it crashes
 * slow        64 bytes a millisecond go through its console, each way
 * nine-order  the page of a 9pfs ring says that it has 2^30 pages
 * nine-size   a request's size is larger than the ring
 * nine-index  a ring's index makes no sense
 */

/* The number of this fault in the list, 1 where it has none; `otherwise` where it is not there. */
int vm_fault(const char *faults, const char *name, int otherwise);

/*
 * Becomes the VM with this memory; a datagram in or out of `bell` is an event of the port that it
 * holds. `files` is the number of 9pfs devices. Ends with 0 when PID 1 has.
 */
__attribute__((noreturn)) void vm_run(int memory, int bell, const char *description, size_t size,
				      unsigned int files, const char *faults);

#endif
