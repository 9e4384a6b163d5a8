/* SPDX-License-Identifier: Apache-2.0 */
/* The back ends of domains' disks, network interfaces and shares, and QEMU. */
#ifndef STANDIN_BACKEND_H
#define STANDIN_BACKEND_H

#include <stddef.h>

/*
 * What xl asks for: `words` are lines, the first of them the domain's number, then the kind (vbd,
 * vif or 9pfs) and the device's number. Each returns an error, or NULL with the answer, if it has
 * one, in `answer`.
 */

/* Makes the nodes, which follow as "name=value", and a vif's interface. Answers with the number. */
const char *backend_add(char *words, char *answer, size_t size);

/* From here on a disk's device is open, as blkback has it, until it is closed. */
const char *backend_connect(char *words);
const char *backend_close(char *words);
const char *backend_remove(char *words);

/* Answers with a line for each device of the domain: kind, number, script. */
void backend_list(unsigned int domid, char *answer, size_t size);

/* The process at the other end of `fd` is the domain's QEMU. It hears of the domain's end. */
void backend_qemu(unsigned int domid, int fd);

/* The domain is gone: nothing of its devices stays. */
void backend_drop(unsigned int domid);

#endif
