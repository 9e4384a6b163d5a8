/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a container's control group with the guest's own module, over plain files.
 *
 * usage: grouper TOP [+BYTES|-BYTES|FILE=VALUE|killed]…
 *
 * TOP becomes the root, and TOP/cgroup stands for a mounted cgroup v2: it has the files that the
 * group shall have. The settings FILE=VALUE make the group, and then the VM's memory grows or
 * shrinks by each number of bytes. Each `killed` prints whether the group's kernel has killed a
 * process since the last. Prints what went wrong.
 */
#include "guest/process/cgroup.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __wrap_mount(const char *source, const char *target, const char *type, unsigned long flags,
		 const void *data);

int __wrap_mount(const char *source, const char *target, const char *type, unsigned long flags,
		 const void *data)
{
	(void)source;
	(void)target;
	(void)type;
	(void)flags;
	(void)data;
	return access("/cgroup/cgroup.subtree_control", F_OK);
}

int main(int argc, char **argv)
{
	struct list settings = {.items = calloc((size_t)argc, sizeof(char *))};

	if (argc < 2 || !settings.items || chroot(argv[1]) < 0 || chdir("/") < 0)
		err(2, "usage: grouper TOP [+BYTES|-BYTES|FILE=VALUE|killed]…");
	for (int i = 2; i < argc; i++)
		if (strchr(argv[i], '='))
			settings.items[settings.count++] = argv[i];
	const char *problem = cgroup_make(&settings);
	if (problem) {
		printf("%s: %s\n", problem, strerror(errno));
		return 1;
	}
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "killed") == 0)
			puts(cgroup_has_killed() ? "yes" : "no");
		else if (!strchr(argv[i], '='))
			cgroup_balloon(strtoll(argv[i], NULL, 10));
	free(settings.items);
	return 0;
}
