/* SPDX-License-Identifier: Apache-2.0 */
#include "system.h"

#include "guest/base/file.h"
#include "guest/mounts/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* `record` is "KEY=VALUE". A dot in the key is a slash in /proc/sys, as with sysctl(8). */
static int set_sysctl(const char *record)
{
	char path[256] = "/proc/sys/";
	const char *value = strchr(record, '=');
	size_t length = value ? (size_t)(value - record) : 0;

	if (length == 0 || length >= sizeof(path) - 10) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < length; i++)
		path[10 + i] = (char)(record[i] == '.' ? '/' : record[i]);
	return file_write(path, value + 1);
}

/* `record` is "TYPE:MAJOR:MINOR:MODE:UID:GID:PATH", with an octal mode. What exists stays as it is,
 * also its owner, as with runc. */
static int make_device(const char *record)
{
	char type, parent[4096];
	unsigned int major, minor, mode, uid, gid;
	int at = 0;

	if (sscanf(record, "%c:%u:%u:%o:%u:%u:%n", &type, &major, &minor, &mode, &uid, &gid, &at) <
		    6 ||
	    record[at] != '/' || strlen(record + at) >= sizeof(parent)) {
		errno = EINVAL;
		return -1;
	}
	const char *path = record + at;
	mode_t kind = type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
	strcpy(parent, path);
	*strrchr(parent, '/') = '\0';
	if (parent[0] && mounts_make_directory(parent, 0755) < 0)
		return -1;
	if (mknod(path, kind | mode, makedev(major, minor)) < 0)
		return errno == EEXIST ? 0 : -1;
	return lchown(path, uid, gid);
}

bool system_is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Hides `path`: a directory becomes empty and read-only, a file becomes /dev/null. A missing path
 * is no error. A /dev of the image may have something else at /dev/null (CVE-2025-31133 of runc).
 */
static int mask(const char *path)
{
	struct stat st, null;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (S_ISDIR(st.st_mode))
		return mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k");
	if (lstat("/dev/null", &null) < 0)
		return -1;
	if (!system_is_null(&null)) {
		errno = ENODEV;
		return -1;
	}
	return mount("/dev/null", path, NULL, MS_BIND, NULL);
}

static int make_readonly(const char *path)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	return mounts_make_readonly(path);
}

static int for_each(const struct list *list, int (*apply)(const char *))
{
	for (size_t i = 0; i < list->count; i++)
		if (apply(list->items[i]) < 0)
			return -1;
	return 0;
}

const char *system_make_devices(const struct spec *spec)
{
	return for_each(&spec->devices, make_device) < 0 ? "cannot make a device" : NULL;
}

const char *system_apply(const struct spec *spec)
{
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return "cannot set the host name";
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return "cannot set the domain name";
	if (for_each(&spec->sysctls, set_sysctl) < 0)
		return "cannot set a sysctl";
	return NULL;
}

const char *system_seal(const struct spec *spec)
{
	if (for_each(&spec->readonly_paths, make_readonly) < 0)
		return "cannot make a path read-only";
	if (for_each(&spec->masked_paths, mask) < 0)
		return "cannot mask a path";
	return NULL;
}

const char *system_personality(const struct spec *spec)
{
	if (spec->personality && personality(strtoul(spec->personality, NULL, 10)) < 0)
		return "cannot set the personality";
	return NULL;
}
