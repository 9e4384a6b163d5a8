/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's half of 9pfs: as much of a client as shows that the file server serves. */
#ifndef STANDIN_FILES_H
#define STANDIN_FILES_H

/*
 * Attaches to the first `devices` 9pfs devices, whose rings are in `pages`, and reads a file of the
 * root, which is the first one. Uses both rings. Ends the program if an answer is wrong. `bell` and
 * `faults` are those of vm_run().
 */
void files_check(char *pages, int bell, unsigned int devices, const char *faults);

#endif
