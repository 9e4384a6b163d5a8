/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for many descriptors, and calls the function of each that is ready. */
#ifndef STANDIN_LOOP_H
#define STANDIN_LOOP_H

/* What is called with a descriptor that has input, or whose other end is gone. */
typedef void loop_ready(int fd, void *with);

/* From now on `ready` is called with `with`. Ends the program where there is no memory. */
void loop_add(int fd, loop_ready *ready, void *with);

/* Forgets `fd` and closes it. `ready` may do this to any descriptor, also its own. */
void loop_close(int fd);

/* How many descriptors are waited for. */
int loop_count(void);

/* Serves until the program ends. */
__attribute__((noreturn)) void loop_run(void);

#endif
