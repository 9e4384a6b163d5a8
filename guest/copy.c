/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int copy_file(int from, int to, const char *name)
{
	ssize_t n = 1;
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (in < 0 || out < 0)
		n = -1;
	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	return close_both(in, out, n < 0 ? -1 : 0);
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
	}
	/* The mode last: another owner takes the setuid bit away. */
	if (failed || fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0))
		return -1;
	return utimensat(to, name, (struct timespec[]){st.st_atim, st.st_mtim},
			 AT_SYMLINK_NOFOLLOW);
}

int copy_directory(int from, int to)
{
	int failed = 0;
	DIR *entries = fdopendir(from);

	if (!entries)
		return close_both(from, to, -1);
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(entries);
		if (!entry) {
			failed = errno ? -1 : 0;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			failed = copy_entry(from, to, entry->d_name);
		if (failed)
			break;
	}
	int error = errno;
	closedir(entries);
	close(to);
	errno = error;
	return failed;
}
