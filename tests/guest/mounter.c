/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes mounts with the guest's own module, and runs a command that sees them.
 *
 * usage: mounter TOP [DESTINATION TYPE OPTIONS]… -- COMMAND…
 *
 * TOP/binds is PID 1's BINDS, TOP/root is the container's root. The command runs in the mount
 * namespace, outside of both. Each mount of type bind takes the next source of BINDS. OPTIONS are
 * separated by commas. Prints a line for each mount that fails.
 */
#include "guest/mounts/mounts.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOUNTS 16

static void split(char *options, struct list *list)
{
	static char *words[MOUNTS][MOUNTS];
	static int used;

	list->items = words[used++];
	for (char *word = strtok(options, ","); word; word = strtok(NULL, ","))
		list->items[list->count++] = word;
}

static void make_mounts(const char *top, const struct spec *spec)
{
	if (chroot(top) < 0 || chdir("/") < 0)
		err(1, "%s", top);
	if (mounts_take_binds(spec) < 0)
		err(1, "binds");
	if (chroot("/root") < 0 || chdir("/") < 0)
		err(1, "root");
	umask(0);
	for (size_t i = 0; i < spec->mount_count; i++)
		if (mounts_mount(&spec->mounts[i]) < 0)
			printf("%s: %s\n", spec->mounts[i].destination, strerror(errno));
	if (mounts_seal(spec) < 0)
		printf("seal: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
	static struct mount_spec mounts[MOUNTS];
	static char numbers[MOUNTS][8], path[4096];
	struct spec spec = {.binds_type = argv[0], .mounts = mounts};
	int at, binds = 0;

	for (at = 2; at + 3 < argc && strcmp(argv[at], "--") != 0; at += 3) {
		struct mount_spec *m = &mounts[spec.mount_count++];
		*m = (struct mount_spec){.destination = argv[at], .type = argv[at + 1]};
		split(argv[at + 2], &m->options);
		if (strcmp(m->type, "bind") != 0)
			continue;
		m->source = numbers[binds];
		snprintf(numbers[binds], sizeof(numbers[binds]), "%d", binds);
		binds++;
	}
	snprintf(path, sizeof(path), "%s/binds", argv[1]);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		err(1, "mount namespace");
	if (fork() == 0) {
		make_mounts(argv[1], &spec);
		return 0;
	}
	wait(NULL);
	execvp(argv[at + 1], argv + at + 1);
	err(1, "%s", argv[at + 1]);
}
