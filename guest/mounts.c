/* SPDX-License-Identifier: Apache-2.0 */
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Options that are flags of mount(2); all others are the file system's own (runtime-spec, mounts).
 */
static const struct {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{"defaults", 0, 0},
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"nosuid", MS_NOSUID, 0},
	{"suid", 0, MS_NOSUID},
	{"nodev", MS_NODEV, 0},
	{"dev", 0, MS_NODEV},
	{"noexec", MS_NOEXEC, 0},
	{"exec", 0, MS_NOEXEC},
	{"sync", MS_SYNCHRONOUS, 0},
	{"async", 0, MS_SYNCHRONOUS},
	{"dirsync", MS_DIRSYNC, 0},
	{"noatime", MS_NOATIME, 0},
	{"atime", 0, MS_NOATIME},
	{"nodiratime", MS_NODIRATIME, 0},
	{"diratime", 0, MS_NODIRATIME},
	{"relatime", MS_RELATIME, 0},
	{"norelatime", 0, MS_RELATIME},
	{"strictatime", MS_STRICTATIME, 0},
	{"nostrictatime", 0, MS_STRICTATIME},
	{"silent", MS_SILENT, 0},
	{"loud", 0, MS_SILENT},
	/* Propagation ends at the VM's border: nothing outside could see or send a mount. */
	{"private", 0, 0},
	{"rprivate", 0, 0},
	{"slave", 0, 0},
	{"rslave", 0, 0},
	{"shared", 0, 0},
	{"rshared", 0, 0},
	{"unbindable", 0, 0},
	{"runbindable", 0, 0},
};

int mounts_make_directory(const char *path, mode_t mode)
{
	char copy[4096];
	struct stat st;

	if (strlen(path) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (stat(path, &st) == 0) {
		errno = ENOTDIR;
		return S_ISDIR(st.st_mode) ? 0 : -1;
	}
	strcpy(copy, path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST && errno != EROFS)
			return -1;
		*slash = '/';
	}
	return mkdir(copy, mode) < 0 && errno != EEXIST ? -1 : 0;
}

static bool is_flag(const char *option, unsigned long *mount_flags)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(option, flags[i].name) != 0)
			continue;
		*mount_flags = (*mount_flags & ~flags[i].clear) | flags[i].set;
		return true;
	}
	return false;
}

/* cgroup v1 is not in this kernel; its mounts, with its controllers' names, mean v2 here. */
static bool wants_data(const char *type)
{
	return strcmp(type, "cgroup2") != 0;
}

int mounts_mount(const struct mount_spec *m)
{
	const char *type = !m->type ? "none" : !strcmp(m->type, "cgroup") ? "cgroup2" : m->type;
	unsigned long mount_flags = 0;
	char data[2048] = "";
	size_t used = 0;

	for (size_t i = 0; i < m->options.count; i++) {
		const char *option = m->options.items[i];
		if (is_flag(option, &mount_flags) || !wants_data(type))
			continue;
		int n = snprintf(data + used, sizeof(data) - used, "%s%s", used ? "," : "", option);
		used += (size_t)n;
		if (used >= sizeof(data)) {
			errno = E2BIG;
			return -1;
		}
	}
	if (mounts_make_directory(m->destination, 0755) < 0)
		return -1;
	return mount(m->source ? m->source : type, m->destination, type, mount_flags, data);
}

/* runtime-spec, config-linux.md, "Default Devices" and "/dev symbolic links". */
int mounts_fill_dev(void)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} nodes[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
		     {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
					       {"/proc/self/fd/0", "/dev/stdin"},
					       {"/proc/self/fd/1", "/dev/stdout"},
					       {"/proc/self/fd/2", "/dev/stderr"},
					       {"pts/ptmx", "/dev/ptmx"}};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) <
			    0 &&
		    errno != EEXIST)
			return -1;
		(void)chmod(nodes[i].path, 0666); /* the umask had its say */
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			return -1;
	return 0;
}
