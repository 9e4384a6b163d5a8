/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the kernel, which take one write. */
#ifndef RUNX_FILE_H
#define RUNX_FILE_H

/* Writes `text` to the file that is there at `path`. 0, or -1 with errno. */
int file_write(const char *path, const char *text);

#endif
