/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <linux/filter.h> and <linux/seccomp.h>, which musl's compiler may not find. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};
struct program {
	unsigned short count;
	struct instruction *instructions;
};
#define PROGRAM_MAX	4096
#define SET_MODE_FILTER 1

static uint32_t hexadecimal(const char *digits, int count)
{
	uint32_t value = 0;

	for (; count > 0; count--, digits++)
		value = value << 4 |
			(uint32_t)(*digits <= '9' ? *digits - '0' : *digits - 'a' + 10);
	return value;
}

/* `profile` is "FLAGS:" and 16 hexadecimal digits for each instruction. */
int seccomp_install(const char *profile)
{
	static struct instruction instructions[PROGRAM_MAX];
	struct program program = {0, instructions};
	char *at;

	if (!profile)
		return 0;
	unsigned long flags = strtoul(profile, &at, 10);
	size_t length = strlen(at);
	if (*at != ':' || length % 16 != 1 || length / 16 > PROGRAM_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (at++; *at; at += 16)
		instructions[program.count++] = (struct instruction){
			(uint16_t)hexadecimal(at, 4), (uint8_t)hexadecimal(at + 4, 2),
			(uint8_t)hexadecimal(at + 6, 2), hexadecimal(at + 8, 8)};
	return (int)syscall(SYS_seccomp, SET_MODE_FILTER, flags, &program);
}
