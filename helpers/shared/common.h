/* SPDX-License-Identifier: Apache-2.0 */
/* How every helper says what went wrong: one line on stderr, then the exit status. */
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

/* The helper's own fault. What a container's process returns comes from the guest alone. */
#define EXIT_HELPER 125

/*
 * The message goes to stderr without the program's name: the shell that called us puts the verb and
 * the container before it. `fail` adds what errno says, `failx` does not.
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
