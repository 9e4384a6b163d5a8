/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most bytes of one sendfile(2) */
#define PIECE (1 << 20)

static int close_both(int from, int to, int result)
{
	int error = errno;

	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	errno = error;
	return result;
}

/* Copies the bytes from `at` to `end`, to the same place in the other file. */
static int copy_range(int in, int out, off_t at, off_t end)
{
	ssize_t n = 1;

	if (lseek(out, at, SEEK_SET) < 0)
		return -1;
	while (n > 0 && at < end)
		n = sendfile(out, in, &at, end - at < PIECE ? (size_t)(end - at) : PIECE);
	return n < 0 ? -1 : 0;
}

/*
 * A hole stays a hole: an image or a log of a few bytes can have one of many GiB. A file system
 * that knows no holes, such as 9p, calls all of a file data.
 */
static int copy_content(int in, int out)
{
	struct stat st;
	off_t data, end = 0;

	while ((data = lseek(in, end, SEEK_DATA)) >= 0) {
		end = lseek(in, data, SEEK_HOLE);
		if (end < 0 || copy_range(in, out, data, end) < 0)
			return -1;
	}
	/* ENXIO: there is no data behind `end`. A request is saved where there is no hole either.
	 */
	if (errno != ENXIO || fstat(in, &st) < 0)
		return -1;
	return end < st.st_size ? ftruncate(out, st.st_size) : 0;
}

static int copy_file(int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return close_both(in, out, in < 0 || out < 0 ? -1 : copy_content(in, out));
}

static int copy_link(int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return symlinkat(target, to, name);
}

static int copy_subdirectory(int from, int to, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	if (mkdirat(to, name, 0700) < 0)
		return -1;
	int in = openat(from, name, flags), out = openat(to, name, flags);
	return in < 0 || out < 0 ? close_both(in, out, -1) : copy_directory(in, out);
}

/* The mode comes after the owner: a change of owner clears the setuid bit. */
static int copy_attributes(int to, const char *name, const struct stat *st)
{
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0))
		return -1;
	return utimensat(to, name, (struct timespec[]){st->st_atim, st->st_mtim},
			 AT_SYMLINK_NOFOLLOW);
}

static int copy_entry(int from, int to, const char *name)
{
	struct stat st;
	int failed;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	switch (st.st_mode & S_IFMT) {
	case S_IFSOCK:
		return 0;
	case S_IFREG:
		failed = copy_file(from, to, name);
		break;
	case S_IFDIR:
		failed = copy_subdirectory(from, to, name);
		break;
	case S_IFLNK:
		failed = copy_link(from, to, name);
		break;
	default:
		failed = mknodat(to, name, st.st_mode, st.st_rdev);
		/* QEMU with the first fix of CVE-2023-2861 (before 9.2) refuses to make special
		 * files over 9p. Then the file is left out. */
		if (failed && errno == ENXIO)
			return 0;
	}
	return failed ? -1 : copy_attributes(to, name, &st);
}

/* Calls act(directory, other, name) for each name in `directory`, until one call fails. Closes both
 * descriptors; `other` may be -1. Returns 0, or -1 with errno. */
static int for_each(int directory, int other, int (*act)(int, int, const char *))
{
	int failed = 0, own = dup(directory);
	DIR *entries = own < 0 ? NULL : fdopendir(own);

	if (!entries)
		return close_both(directory, other, -1);
	while (!failed) {
		errno = 0;
		const struct dirent *entry = readdir(entries);
		if (!entry) {
			failed = errno ? -1 : 0;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			failed = act(directory, other, entry->d_name);
	}
	int error = errno;
	closedir(entries);
	errno = error;
	return close_both(directory, other, failed);
}

int copy_directory(int from, int to)
{
	return for_each(from, to, copy_entry);
}

/* ---- changes ---- */

static int remove_entry(int directory, int unused, const char *name)
{
	(void)unused;
	if (unlinkat(directory, name, 0) == 0)
		return 0;
	int inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner < 0 || for_each(inner, -1, remove_entry) < 0)
		return -1;
	return unlinkat(directory, name, AT_REMOVEDIR);
}

static int remove_gone(int to, int from, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return errno == ENOENT ? remove_entry(to, -1, name) : -1;
}

static bool same_target(int from, int to, const char *name)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(from, name, a, sizeof(a));

	return n >= 0 && readlinkat(to, name, b, sizeof(b)) == n && !memcmp(a, b, (size_t)n);
}

/* mke2fs keeps only whole seconds. So if the time in the disk has no nanoseconds, nobody has
 * written the file since, and equal seconds are enough. */
static bool same_content(int from, int to, const char *name, const struct stat *a,
			 const struct stat *b)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return false;
	switch (a->st_mode & S_IFMT) {
	case S_IFREG:
		return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		       (a->st_mtim.tv_nsec == 0 || a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
	case S_IFLNK:
		return same_target(from, to, name);
	case S_IFDIR:
		return true;
	default:
		return a->st_rdev == b->st_rdev;
	}
}

static int update_entry(int from, int to, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat now, before;

	if (fstatat(from, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (fstatat(to, name, &before, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? copy_entry(from, to, name) : -1;
	if (!same_content(from, to, name, &now, &before))
		return remove_entry(to, -1, name) < 0 ? -1 : copy_entry(from, to, name);
	if (S_ISDIR(now.st_mode)) {
		int in = openat(from, name, flags), out = openat(to, name, flags);
		if (in < 0 || out < 0)
			return close_both(in, out, -1);
		if (copy_changes(in, out) < 0)
			return -1;
	}
	if (now.st_mode == before.st_mode && now.st_uid == before.st_uid &&
	    now.st_gid == before.st_gid)
		return 0;
	return copy_attributes(to, name, &now);
}

int copy_changes(int from, int to)
{
	int theirs = dup(from), ours = dup(to);

	if (theirs < 0 || ours < 0 || for_each(ours, theirs, remove_gone) < 0)
		return close_both(from, to, -1);
	return for_each(from, to, update_entry);
}
