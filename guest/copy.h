/* SPDX-License-Identifier: Apache-2.0 */
/* Copies what is in a directory. */
#ifndef RUNX_COPY_H
#define RUNX_COPY_H

/*
 * What is in the directory `from` to the directory `to`, with owners, modes and times; sockets
 * stay behind. Closes both. 0, or -1 with errno.
 */
int copy_directory(int from, int to);

#endif
