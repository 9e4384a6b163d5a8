/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to files of the kernel in /proc, /sys and cgroupfs, which expect one write(2). */
#ifndef RUNX_FILE_H
#define RUNX_FILE_H

/* Writes `text` in one write to the existing file `path`. Returns 0, or -1 with errno. */
int file_write(const char *path, const char *text);

#endif
