/* SPDX-License-Identifier: Apache-2.0 */
#include "mounts.h"

#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* From linux/mount.h, which cannot be included together with musl's sys/mount.h. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000
#endif
#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25)
#endif

#define LINKS_MAX 40	  /* the limit of Linux's own path lookup */
#define DISK	  "/disk" /* where a disk is mounted for a moment, to clone that mount */

/* The options that are flags of mount(2). All other options go to the file system (runtime-spec,
 * config.md, "Mounts"). */
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
	{"nosymfollow", MS_NOSYMFOLLOW, 0},
	{"symfollow", 0, MS_NOSYMFOLLOW},
	{"iversion", MS_I_VERSION, 0},
	{"noiversion", 0, MS_I_VERSION},
	{"lazytime", MS_LAZYTIME, 0},
	{"nolazytime", 0, MS_LAZYTIME},
	{"acl", MS_POSIXACL, 0},
	{"noacl", 0, MS_POSIXACL},
	{"silent", MS_SILENT, 0},
	{"loud", 0, MS_SILENT},
	/* Linux has had no mandatory locks since 5.15. */
	{"mand", 0, 0},
	{"nomand", 0, 0},
	{"bind", 0, 0},
	{"rbind", 0, 0},
	{"tmpcopyup", 0, 0},
	/* The recursive forms. Each bind mount is a single mount here, even if the host has further
	 * mounts below its source. */
	{"rro", MS_RDONLY, 0},
	{"rrw", 0, MS_RDONLY},
	{"rnosuid", MS_NOSUID, 0},
	{"rsuid", 0, MS_NOSUID},
	{"rnodev", MS_NODEV, 0},
	{"rdev", 0, MS_NODEV},
	{"rnoexec", MS_NOEXEC, 0},
	{"rexec", 0, MS_NOEXEC},
	{"rnoatime", MS_NOATIME, 0},
	{"ratime", 0, MS_NOATIME},
	{"rnodiratime", MS_NODIRATIME, 0},
	{"rdiratime", 0, MS_NODIRATIME},
	{"rrelatime", MS_RELATIME, 0},
	{"rnorelatime", 0, MS_RELATIME},
	{"rstrictatime", MS_STRICTATIME, 0},
	{"rnostrictatime", 0, MS_STRICTATIME},
	{"rnosymfollow", MS_NOSYMFOLLOW, 0},
	{"rsymfollow", 0, MS_NOSYMFOLLOW},
	/* Propagation has no effect: no mount can pass the border of the VM. */
	{"private", 0, 0},
	{"rprivate", 0, 0},
	{"slave", 0, 0},
	{"rslave", 0, 0},
	{"shared", 0, 0},
	{"rshared", 0, 0},
	{"unbindable", 0, 0},
	{"runbindable", 0, 0},
};

/* The bind mounts by number. An entry is a detached mount, or -errno if its source failed. */
static int *trees;

int mounts_take(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
}

/* `disk` is "DEVICE:ACCESS:TYPE". Returns a clone of the device node or, with a TYPE, of the file
 * system on the device. */
static int take_disk(const char *disk)
{
	char device[32], access[4], type[16] = "";

	if (sscanf(disk, "%31[^:]:%3[^:]:%15s", device, access, type) < 2) {
		errno = EINVAL;
		return -1;
	}
	if (type[0] == '\0')
		return mounts_take(device);
	mkdir(DISK, 0700);
	if (mount(device, DISK, type, strcmp(access, "ro") ? 0 : MS_RDONLY, NULL) < 0)
		return -1;
	int tree = mounts_take(DISK), error = errno;
	(void)umount2(DISK, MNT_DETACH);
	errno = error;
	return tree;
}

static int take_bind(const struct spec *spec, size_t number)
{
	char path[32];
	char *end;

	for (size_t i = 0; i < spec->disks.count; i++)
		if (strtoul(spec->disks.items[i], &end, 10) == number && *end == ':')
			return take_disk(end + 1);
	snprintf(path, sizeof(path), BINDS "/%zu", number);
	return mounts_take(path);
}

int mounts_take_binds(const struct spec *spec)
{
	if (!spec->binds_type && !spec->disks.count)
		return 0;
	/* There are at most as many bind mounts as mounts. */
	trees = calloc(spec->mount_count, sizeof(*trees));
	if (!trees)
		return -1;
	for (size_t i = 0, n = 0; i < spec->mount_count; i++) {
		if (strcmp(spec->mounts[i].type, "bind") != 0)
			continue;
		trees[n] = take_bind(spec, n);
		if (trees[n] < 0)
			trees[n] = -errno;
		n++;
	}
	/* Otherwise root could reach BINDS by breaking out of its chroot. */
	return spec->binds_type ? umount2(BINDS, MNT_DETACH) : 0;
}

struct way {
	char path[PATH_MAX];  /* the part that is resolved: it exists and has no links */
	size_t used;	      /* the length of `path`; 0: the root */
	char ahead[PATH_MAX]; /* the part that is still to resolve */
	int links;	      /* how many links were followed */
};

/* The first name ahead is a symbolic link of `length` characters. Its target replaces the name. */
static int follow(struct way *way, size_t length)
{
	char link[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(way->path, link, sizeof(link) - 1);

	if (n < 0)
		return -1;
	link[n] = '\0';
	strcpy(rest, way->ahead + length);
	if (snprintf(way->ahead, sizeof(way->ahead), "%s%s", link, rest) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (link[0] == '/')
		way->used = 0;
	return 0;
}

static int enter_name(struct way *way, size_t length, mode_t mode)
{
	const char *after = way->ahead + length;
	bool last = after[strspn(after, "/")] == '\0';
	struct stat st;

	if (way->used + length + 2 > sizeof(way->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	way->path[way->used] = '/';
	memcpy(way->path + way->used + 1, way->ahead, length);
	way->path[way->used + 1 + length] = '\0';
	int missing = lstat(way->path, &st);
	if (!missing && S_ISLNK(st.st_mode)) {
		if (++way->links <= LINKS_MAX)
			return follow(way, length);
		errno = ELOOP;
		return -1;
	}
	if (missing &&
	    (errno != ENOENT || (last && S_ISREG(mode) ? mknod(way->path, mode, 0)
						       : mkdir(way->path, mode & 0777)) < 0))
		return -1;
	way->used += length + 1;
	memmove(way->ahead, after, strlen(after) + 1);
	return 0;
}

/*
 * Resolves `path` and leaves the result in way->path. Makes what is missing: directories, and as
 * the last part a directory or a regular file, as `mode` says. It does this also for the target of
 * a dangling link, which images often have for resolv.conf. The kernel would make nothing there.
 * The caller is already in the container's root, so no link leads out of it.
 */
static int make_place(struct way *way, const char *path, mode_t mode)
{
	if (strlen(path) >= sizeof(way->ahead)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(way->ahead, path);
	way->used = 0;
	way->links = 0;
	for (;;) {
		size_t slashes = strspn(way->ahead, "/");
		memmove(way->ahead, way->ahead + slashes, strlen(way->ahead + slashes) + 1);
		size_t length = strcspn(way->ahead, "/");
		bool dot = length == 1 && way->ahead[0] == '.';
		bool up = length == 2 && !strncmp(way->ahead, "..", 2);
		if (length == 0)
			break;
		if (!dot && !up) {
			if (enter_name(way, length, mode) < 0)
				return -1;
			continue;
		}
		while (up && way->used > 0 && way->path[--way->used] != '/')
			;
		memmove(way->ahead, way->ahead + length, strlen(way->ahead + length) + 1);
	}
	strcpy(way->path + way->used, way->used ? "" : "/");
	return 0;
}

int mounts_make_directory(const char *path, mode_t mode)
{
	struct way way;
	struct stat st;

	if (make_place(&way, path, S_IFDIR | mode) < 0 || stat(way.path, &st) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
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

/* This kernel has no cgroup v1. A mount of it becomes one of v2, which does not take the names of
 * controllers as options. */
static bool wants_data(const char *type)
{
	return strcmp(type, "cgroup2") != 0;
}

/* Attaches `tree` at `destination`. Linux cannot mount a directory on a file, nor a file on a
 * directory, and says only EINVAL. So this checks first, and says ENOTDIR. */
static int attach(int tree, const char *destination, struct way *way)
{
	struct stat from, to;

	if (fstat(tree, &from) < 0 ||
	    make_place(way, destination, (S_ISDIR(from.st_mode) ? S_IFDIR : S_IFREG) | 0755) < 0 ||
	    stat(way->path, &to) < 0)
		return -1;
	if (S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, way->path, MOVE_MOUNT_F_EMPTY_PATH);
}

int mounts_put(int tree, const char *destination)
{
	struct way way;
	int result = attach(tree, destination, &way);

	close(tree);
	return result;
}

static int bind_mount(const struct mount_spec *m)
{
	int tree = trees[strtoul(m->source, NULL, 10)];
	unsigned long mount_flags = 0;
	struct way way;

	if (tree < 0) {
		errno = -tree;
		return -1;
	}
	for (size_t i = 0; i < m->options.count; i++)
		(void)is_flag(m->options.items[i], &mount_flags);
	if (attach(tree, m->destination, &way) < 0)
		return -1;
	close(tree);
	if (mount_flags == 0)
		return 0;
	return mount(NULL, way.path, NULL, MS_REMOUNT | MS_BIND | mount_flags, NULL);
}

/* Mounts a file system at `place`. With `copy`, it first gets what was in `place` (tmpcopyup). */
static int mount_over(const struct mount_spec *m, const char *place, const char *type,
		      unsigned long mount_flags, const char *data, bool copy)
{
	const char *source = m->source ? m->source : type;
	int from = copy ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if ((copy && from < 0) || mount(source, place, type, mount_flags, data) < 0)
		return -1;
	if (!copy)
		return 0;
	int to = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return to < 0 ? -1 : copy_directory(from, to);
}

/* True: both paths are the same place, unless there are links or "..". */
static bool same_place(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, "/");
		b += strspn(b, "/");
		size_t length = strcspn(a, "/");
		if (length != strcspn(b, "/") || strncmp(a, b, length) != 0)
			return false;
		if (length == 0)
			return true;
		a += length;
		b += length;
	}
}

/* True: things are made in this mount after it, such as mount points and devices. runc has the same
 * two kinds. */
static bool sealed_later(const struct mount_spec *m)
{
	return m->type && strcmp(m->type, "bind") != 0 &&
	       (!strcmp(m->type, "tmpfs") || same_place(m->destination, "/dev"));
}

bool mounts_needs_directory(const struct mount_spec *m)
{
	return m->type && (!strcmp(m->type, "proc") || !strcmp(m->type, "sysfs"));
}

int mounts_mount(const struct mount_spec *m)
{
	const char *type = !m->type ? "none" : !strcmp(m->type, "cgroup") ? "cgroup2" : m->type;
	unsigned long mount_flags = 0;
	struct way way;
	struct stat st;
	char data[2048] = "";
	size_t used = 0;
	bool tmpfs = !strcmp(type, "tmpfs"), copy = false, own_mode = false;

	if (!strcmp(type, "bind"))
		return bind_mount(m);
	for (size_t i = 0; i < m->options.count; i++) {
		const char *option = m->options.items[i];
		copy = copy || (tmpfs && !strcmp(option, "tmpcopyup"));
		if (is_flag(option, &mount_flags) || !wants_data(type))
			continue;
		own_mode = own_mode || !strncmp(option, "mode=", 5);
		int n = snprintf(data + used, sizeof(data) - used, "%s%s", used ? "," : "", option);
		used += (size_t)n;
		if (used >= sizeof(data)) {
			errno = E2BIG;
			return -1;
		}
	}
	/* A tmpfs gets the mode of the directory that it hides, as with runc. */
	if (tmpfs && !own_mode && stat(m->destination, &st) == 0)
		snprintf(data + used, sizeof(data) - used, "%smode=%o", used ? "," : "",
			 st.st_mode & 07777);
	if (make_place(&way, m->destination, S_IFDIR | 0755) < 0)
		return -1;
	if (way.links && mounts_needs_directory(m)) {
		errno = ENOTDIR;
		return -1;
	}
	if (sealed_later(m))
		mount_flags &= ~(unsigned long)MS_RDONLY;
	return mount_over(m, way.path, type, mount_flags, data, copy);
}

int mounts_make_readonly(const char *path)
{
	static const struct {
		unsigned long has, flag;
	} kept[] = {
		{ST_NOSUID, MS_NOSUID},		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},		{ST_NOSYMFOLLOW, MS_NOSYMFOLLOW},
		{ST_NOATIME, MS_NOATIME},	{ST_RELATIME, MS_RELATIME},
		{ST_NODIRATIME, MS_NODIRATIME},
	};
	unsigned long mount_flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (st.f_flag & kept[i].has)
			mount_flags |= kept[i].flag;
	if (!(st.f_flag & (ST_NOATIME | ST_RELATIME)))
		mount_flags |= MS_STRICTATIME;
	return mount(NULL, path, NULL, mount_flags, NULL);
}

/* True: an option of the mount makes it read-only, and no later option takes that back. */
static bool asks_readonly(const struct mount_spec *m)
{
	unsigned long mount_flags = 0;

	for (size_t i = 0; i < m->options.count; i++)
		(void)is_flag(m->options.items[i], &mount_flags);
	return mount_flags & MS_RDONLY;
}

/* True: a later mount hides this one. */
static bool hidden(const struct spec *spec, size_t number)
{
	for (size_t i = number + 1; i < spec->mount_count; i++)
		if (same_place(spec->mounts[i].destination, spec->mounts[number].destination))
			return true;
	return false;
}

int mounts_seal(const struct spec *spec)
{
	struct way way;

	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct mount_spec *m = &spec->mounts[i];
		if (!sealed_later(m) || !asks_readonly(m) || hidden(spec, i))
			continue;
		if (make_place(&way, m->destination, S_IFDIR | 0755) < 0 ||
		    mounts_make_readonly(way.path) < 0)
			return -1;
	}
	return 0;
}

bool mounts_at(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (same_place(spec->mounts[i].destination, destination))
			return true;
	return false;
}

bool mounts_own_dev(const struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (same_place(spec->mounts[i].destination, "/dev") &&
		    !strcmp(spec->mounts[i].type, "bind"))
			return false;
	return true;
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
		mode_t mode = S_IFCHR | 0666;
		if (mknod(nodes[i].path, mode, makedev(nodes[i].major, nodes[i].minor)) < 0 &&
		    errno != EEXIST)
			return -1;
	}
	/* Only this link replaces what is there, as with runc: a privileged container of Docker
	 * asks for all devices of the host, also for this one. */
	(void)unlink("/dev/ptmx");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			return -1;
	return 0;
}
