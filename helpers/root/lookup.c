/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40 /* the same as in Linux */
/*
 * An image chooses PATH, and the links of each path in it. These bound what dom0 does for one
 * lookup: the entries of PATH, and the names that follow() opens for all paths together. A deep
 * path takes 0.1 ms for each name.
 */
#define ENTRIES_MAX 512
#define NAMES_MAX   16384

/* The guest's execvp() searches this without PATH (src/process/execvp.c of musl). */
#define DEFAULT_PATH "/usr/local/bin:/bin:/usr/bin"

/* Returns 0 if `path` is a file that somebody may execute, else an errno. */
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

/*
 * Writes to `target` where the link `path` of the root leads. Returns false if `path` is no link.
 */
static bool read_link(int rootfs, const char *path, char target[PATH_MAX])
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT};
	int fd = (int)syscall(SYS_openat2, rootfs, path, &how, sizeof(how));

	if (fd < 0)
		return false;
	ssize_t n = readlinkat(fd, "", target, PATH_MAX - 1);
	close(fd);
	target[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

static size_t names_opened;

/*
 * Writes to `to` where `path` leads, without links. Names that the root does not have stay as they
 * are. Returns false if this cannot be found out: a path is too long, or there are too many links
 * or names.
 */
static bool follow(int rootfs, const char *path, char to[PATH_MAX])
{
	char ahead[PATH_MAX], target[PATH_MAX], rest[PATH_MAX];
	const char *at = ahead;
	size_t used = 0, length;

	if (snprintf(ahead, sizeof(ahead), "%s", path) >= PATH_MAX)
		return false;
	for (int links = 0; links <= LINKS_MAX;) {
		at += strspn(at, "/");
		length = strcspn(at, "/");
		to[used] = '\0';
		if (length == 0)
			return true;
		if (length == 2 && !strncmp(at, "..", 2)) {
			while (used > 0 && to[--used] != '/')
				;
		} else if (length != 1 || at[0] != '.') {
			if (used + length + 2 > PATH_MAX || names_opened++ >= NAMES_MAX)
				return false;
			snprintf(to + used, PATH_MAX - used, "/%.*s", (int)length, at);
			if (read_link(rootfs, to, target)) {
				links++;
				strcpy(rest, at + length);
				if (snprintf(ahead, sizeof(ahead), "%s%s", target, rest) >=
				    PATH_MAX)
					return false;
				at = ahead;
				used = target[0] == '/' ? 0 : used;
				continue;
			}
			used += length + 1;
		}
		at += length;
	}
	return false;
}

/* Where the mounts are, without links. Each is followed only once. */
static struct {
	char **list;
	size_t count;
} places;

static void follow_mounts(int rootfs, const struct program *program)
{
	char place[PATH_MAX];

	if (places.list)
		return;
	places.list = calloc(program->mount_count, sizeof(*places.list));
	if (!places.list)
		fail("no memory");
	for (size_t i = 0; i < program->mount_count; i++) {
		if (!follow(rootfs, program->mounts[i], place))
			continue;
		places.list[places.count] = strdup(place);
		if (!places.list[places.count++])
			fail("no memory");
	}
}

/* True if a mount hides `path`: its destination is the path itself or a directory above it. */
static bool under_mount(int rootfs, const struct program *program, const char *path)
{
	char place[PATH_MAX];

	if (program->mount_count == 0 || !follow(rootfs, path, place))
		return false;
	follow_mounts(rootfs, program);
	for (size_t i = 0; i < places.count; i++) {
		size_t n = strlen(places.list[i]);
		if (!strncmp(place, places.list[i], n) && (place[n] == '/' || place[n] == '\0'))
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
	int error = check(rootfs, path);
	if (error && under_mount(rootfs, program, path))
		return NULL;
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

/*
 * Takes the next entry of a PATH from *at, which is NULL after the last one, and adds the program's
 * name. Returns false if the result is too long.
 */
static bool next_place(const char **at, const struct program *program, char path[PATH_MAX])
{
	const char *entry = *at;
	int length = (int)strcspn(entry, ":");
	/* An empty entry means the working directory, as in execvp(3). */
	bool relative = length == 0 || entry[0] != '/';

	*at = entry[length] ? entry + length + 1 : NULL;
	return snprintf(path, PATH_MAX, "%s%s%.*s/%s", relative ? program->cwd : "",
			relative ? "/" : "", length, entry, program->name) < PATH_MAX;
}

/* Mounts are looked at only if nothing is found, because each one costs several system calls. */
static const char *search_path(int rootfs, const struct program *program)
{
	const char *entries = program->path ? program->path : DEFAULT_PATH, *at = entries;
	const char *problem = "executable file not found in $PATH";
	char path[PATH_MAX];

	for (int left = ENTRIES_MAX; at && left > 0; left--) {
		if (!next_place(&at, program, path))
			continue;
		int error = check(rootfs, path);
		if (error == 0)
			return NULL;
		if (error == EACCES)
			problem = "permission denied";
	}
	if (at)
		return "not in the first 512 entries of $PATH, and runX looks at no more (use a "
		       "shorter PATH, or the program's path)";
	for (at = entries; at;)
		if (next_place(&at, program, path) && under_mount(rootfs, program, path))
			return NULL;
	return problem;
}

static const char *lookup(int rootfs, const struct program *program)
{
	return strchr(program->name, '/') ? lookup_file(rootfs, program)
					  : search_path(rootfs, program);
}

const char *lookup_program(int rootfs, const struct program *program)
{
	names_opened = 0;
	if (program->name[0] == '\0')
		return "no command";
	const char *problem = lookup(rootfs, program);
	if (problem && names_opened > NAMES_MAX)
		return "cannot find out whether a mount hides it: the links of PATH and of mounts "
		       "lead through too many directories (use paths without links)";
	return problem;
}
