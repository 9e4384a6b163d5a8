/* SPDX-License-Identifier: Apache-2.0 */
/* Copies what is in a directory. */
#ifndef RUNX_COPY_H
#define RUNX_COPY_H

/*
 * What is in the directory `from` to the directory `to`, with owners, modes and times; sockets
 * stay behind. Closes both. 0, or -1 with errno.
 */
int copy_directory(int from, int to);

/*
 * Makes what is in `to` what is in `from`: what is not there goes, what differs in type, size or
 * time is copied. Extended attributes and hard links are not kept. Closes both. 0, or -1 with
 * errno.
 */
int copy_changes(int from, int to);

#endif
