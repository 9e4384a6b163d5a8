/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the fuzz targets: they take an input apart, and check what must hold. */
#ifndef RUNX_FUZZ_H
#define RUNX_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The rest of an input. Numbers beyond its end are zero. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take8(struct bytes *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint32_t take16(struct bytes *in)
{
	uint32_t low = take8(in);

	return low | (uint32_t)take8(in) << 8;
}

static inline uint32_t take32(struct bytes *in)
{
	uint32_t low = take16(in);

	return low | take16(in) << 16;
}

/* Copies up to `count` bytes of the input to `into`. Returns how many. */
static inline size_t take(struct bytes *in, void *into, size_t count)
{
	if (count > in->left)
		count = in->left;
	if (count)
		memcpy(into, in->at, count);
	in->at += count;
	in->left -= count;
	return count;
}

/*
 * Defines a replacement for a function: with --wrap, the linker makes the modules call it.
 * libFuzzer calls it too. Its descriptors are real, and below FIRST.
 */
#define WRAP(type, name, ...)                                                                      \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

#define FIRST 10000

#endif
