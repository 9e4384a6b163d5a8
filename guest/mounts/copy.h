/* SPDX-License-Identifier: Apache-2.0 */
/* Copies directory trees. */
#ifndef RUNX_COPY_H
#define RUNX_COPY_H

/*
 * Copies all entries of the directory `from` into the directory `to`, with owners, modes and times.
 * Sockets are left out. Both are descriptors, and both are closed. Returns 0, or -1 with errno.
 */
int copy_directory(int from, int to);

/*
 * Makes the content of the directory `to` equal to that of `from`. Entries that `from` does not
 * have are removed. Entries that differ in type, size or time are copied again. Extended attributes
 * and hard links are not kept. Both are descriptors, and both are closed. Returns 0, or -1 with
 * errno.
 */
int copy_changes(int from, int to);

#endif
