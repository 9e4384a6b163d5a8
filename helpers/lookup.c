/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* 0 where `path` is a file that somebody may execute, else an errno. */
static int check(int rootfs, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	struct stat st;
	int fd = (int)syscall(SYS_openat2, rootfs, path, &how, sizeof(how));

	if (fd < 0)
		return errno;
	int failed = fstat(fd, &st);
	close(fd);
	if (failed)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return st.st_mode & 0111 ? 0 : EACCES;
}

/* Whether a mount hides `path`: a destination is the path itself or leads to it. */
static bool under_mount(const struct program *program, const char *path)
{
	for (size_t i = 0; i < program->mount_count; i++) {
		const char *m = program->mounts[i];
		size_t n = strlen(m);
		while (n > 0 && m[n - 1] == '/')
			n--;
		if (!strncmp(path, m, n) && (path[n] == '/' || path[n] == '\0'))
			return true;
	}
	return false;
}

static const char *lookup_file(int rootfs, const struct program *program)
{
	static char words[PATH_MAX + 128];
	char path[PATH_MAX];
	const char *name = program->name;
	bool absolute = name[0] == '/';
	int n = snprintf(path, sizeof(path), "%s%s%s", absolute ? "" : program->cwd,
			 absolute ? "" : "/", name);

	if (n >= (int)sizeof(path))
		return "file name too long";
	if (under_mount(program, path))
		return NULL;
	int error = check(rootfs, path);
	switch (error) {
	case 0:
		return NULL;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		snprintf(words, sizeof(words), "stat %s: %s", name,
			 error == ENOENT    ? "no such file or directory"
			 : error == ENOTDIR ? "not a directory"
					    : "too many levels of symbolic links");
		return words;
	case EISDIR:
		return "is a directory";
	default:
		return "permission denied";
	}
}

static const char *search_path(int rootfs, const struct program *program)
{
	const char *at = program->path ? program->path : DEFAULT_PATH;
	const char *problem = "executable file not found in $PATH";
	char path[PATH_MAX];

	for (;;) {
		int length = (int)strcspn(at, ":");
		/* An empty entry is the working directory, as execvp has it. */
		bool relative = length == 0 || at[0] != '/';
		int n = snprintf(path, sizeof(path), "%s%s%.*s/%s", relative ? program->cwd : "",
				 relative ? "/" : "", length, at, program->name);
		if (n < (int)sizeof(path)) {
			if (under_mount(program, path))
				return NULL;
			int error = check(rootfs, path);
			if (error == 0)
				return NULL;
			if (error == EACCES)
				problem = "permission denied";
		}
		if (at[length] == '\0')
			return problem;
		at += length + 1;
	}
}

const char *lookup_program(int rootfs, const struct program *program)
{
	if (program->name[0] == '\0')
		return "no command";
	return strchr(program->name, '/') ? lookup_file(rootfs, program)
					  : search_path(rootfs, program);
}
