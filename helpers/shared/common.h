/* SPDX-License-Identifier: Apache-2.0 */
/* How every helper reports an error: one line on stderr, then exit status 125. */
#ifndef RUNX_COMMON_H
#define RUNX_COMMON_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

_Static_assert(sizeof(off_t) == 8, "-D_FILE_OFFSET_BITS=64 is missing");

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Exit status of a helper that failed itself. A container process's status comes only from the
 * guest.
 */
#define EXIT_HELPER 125

/*
 * fail(FORMAT, …) and failx(FORMAT, …) print one line to stderr and exit with EXIT_HELPER. `fail`
 * adds what errno says, `failx` does not. The line does not begin with the program's name, because
 * the calling shell puts the verb and the container before it.
 */
#define fail(...)                                                                                  \
	do {                                                                                       \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fprintf(stderr, ": %m\n");                                                         \
		exit(EXIT_HELPER);                                                                 \
	} while (0)
#define failx(...)                                                                                 \
	do {                                                                                       \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		exit(EXIT_HELPER);                                                                 \
	} while (0)

#endif
