/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the bytes that a program must read to copy a tree of files. */
#ifndef RUNX_CONTENT_H
#define RUNX_CONTENT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * True if the files in `tree` have more than `most` bytes. Each file counts by its size, with its
 * holes, and only once if it has several names there. What cannot be read counts as nothing: the
 * program that copies the tree will say why.
 */
bool content_exceeds(const char *tree, off_t most);

#endif
