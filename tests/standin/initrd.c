/* SPDX-License-Identifier: Apache-2.0 */
#include "initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC  "070701"
#define HEADER 110
#define NAME   "container"

static char *read_whole(const char *path, size_t *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		*size = (size_t)st.st_size;
		bytes = malloc(*size + 1);
	}
	if (bytes && read(fd, bytes, *size) != st.st_size) {
		free(bytes);
		bytes = NULL;
		errno = EIO;
	}
	if (fd >= 0)
		close(fd);
	return bytes;
}

/* Member of an archive in the format "newc": 13 numbers of 8 hexadecimal digits behind MAGIC. */
static char *member(const char *at, const char *end, size_t *size)
{
	unsigned int length;

	if (end - at < HEADER + (ptrdiff_t)sizeof(NAME) ||
	    memcmp(at + HEADER, NAME, sizeof(NAME)) != 0 || sscanf(at + 54, "%8X", &length) != 1)
		return NULL;
	const char *data = at + ((HEADER + sizeof(NAME) + 3) & ~3UL);
	if (length > (size_t)(end - data))
		return NULL;
	char *copy = malloc(length + 1);
	if (copy) {
		memcpy(copy, data, length);
		copy[length] = '\0';
	}
	*size = length;
	return copy;
}

char *initrd_description(const char *path, size_t *size)
{
	size_t all = 0;
	char *bytes = read_whole(path, &all), *at = bytes, *found = NULL;

	while (bytes && !found && (at = memmem(at, all - (size_t)(at - bytes), MAGIC, 6))) {
		found = member(at, bytes + all, size);
		at++;
	}
	free(bytes);
	if (bytes && !found)
		errno = ENOENT;
	return found;
}

const char *initrd_variable(const char *description, size_t size, const char *name)
{
	const char *end = description + size;
	char wanted[64];
	int n = snprintf(wanted, sizeof(wanted), "env=%s=", name);

	for (const char *at = description; at < end; at += strnlen(at, (size_t)(end - at)) + 1)
		if (!strncmp(at, wanted, (size_t)n))
			return at + n;
	return NULL;
}
