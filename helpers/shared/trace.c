/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	int file;
	const char *id;
} self = {.file = -1};

/*
 * The calling shell has already written to this file and reported any failure. If it cannot be
 * opened now, the container matters more than its trace.
 */
void trace_open(const char *directory)
{
	const char *name = getenv("RUNX_TRACE"), *slash = strrchr(directory, '/');

	if (!name || !*name)
		return;
	self.id = slash ? slash + 1 : directory;
	self.file =
		open(name, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
}

int trace_file(void)
{
	return self.file;
}

void trace(const char *who, const char *what)
{
	trace_ago(who, what, 0);
}

void trace_ago(const char *who, const char *what, uint32_t ago)
{
	struct timespec t;
	char line[512];

	if (self.file < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - ago;
	if (us < 0)
		us = 0;
	int n = snprintf(line, sizeof(line), "%lld.%06lld\t%s\t%s\t-\t%s\n",
			 (long long)(us / 1000000), (long long)(us % 1000000), self.id, who, what);
	if (n > 0 && n < (int)sizeof(line))
		(void)!write(self.file, line, (size_t)n);
}
