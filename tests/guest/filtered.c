/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installs the seccomp filter of a container's description, as PID 1 of a guest does. Then makes
 * one system call, or executes a command.
 *
 * usage: filtered DESCRIPTION NUMBER [ARGUMENT…]   makes a system call, and prints "allowed" or
 *                                                  the name of its errno
 *        filtered DESCRIPTION COMMAND…             executes a command
 */
#include "guest/process/seccomp.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *find_record(const char *path)
{
	FILE *f = fopen(path, "re");
	char *record = NULL;
	size_t size = 0;

	if (!f)
		err(2, "%s", path);
	while (getdelim(&record, &size, '\0', f) > 0)
		if (!strncmp(record, "seccomp=", 8))
			return record + 8;
	errx(2, "%s: no profile", path);
}

int main(int argc, char **argv)
{
	long arguments[6] = {0}, result;

	if (argc < 3)
		errx(2, "usage: filtered DESCRIPTION NUMBER|COMMAND [ARGUMENT…]");
	char *profile = find_record(argv[1]);
	for (int i = 3; i < argc && i < 9; i++)
		arguments[i - 3] = strtol(argv[i], NULL, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(profile) < 0)
		err(2, "cannot install the filter");
	if (!isdigit(argv[2][0])) {
		execvp(argv[2], argv + 2);
		err(2, "%s", argv[2]);
	}
	result = syscall(strtol(argv[2], NULL, 0), arguments[0], arguments[1], arguments[2],
			 arguments[3], arguments[4], arguments[5]);
	puts(result < 0 ? strerrorname_np(errno) : "allowed");
	return 0;
}
