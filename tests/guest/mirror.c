/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the directory TO equal to FROM, as a guest does when it writes its root back to the host.
 *
 * usage: mirror FROM TO
 */
#include "guest/mounts/copy.h"

#include <err.h>
#include <fcntl.h>

int main(int argc, char **argv)
{
	int from = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int to = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (from < 0 || to < 0)
		err(1, "directories");
	if (copy_changes(from, to) < 0)
		err(1, "copy");
	return 0;
}
