/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Opens the path only (O_PATH). To open a device or a FIFO for reading would already do something.
 */
static int open_path(int directory, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve};

	return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

static struct stat regular_file(const struct source *s)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		fail("%s %s", s->what, s->path);
	if (!S_ISREG(st.st_mode))
		failx("%s %s: not a regular file", s->what, s->path);
	return st;
}

/* Returns the one of `trees` that contains, or is, the file with the real path `path`, or NULL. */
static const char *within(const char *path, const struct words *trees)
{
	char tree[PATH_MAX];

	for (size_t i = 0; i < trees->count; i++) {
		if (!realpath(trees->list[i], tree)) {
			if (errno == ENOENT)
				continue;
			fail("cannot find out where %s lies", trees->list[i]);
		}
		size_t n = strcmp(tree, "/") ? strlen(tree) : 0;
		if (!strncmp(path, tree, n) && (path[n] == '/' || path[n] == '\0'))
			return trees->list[i];
	}
	return NULL;
}

static void check(const struct source *s, const struct rules *rules)
{
	struct stat st = regular_file(s);
	char link[64], real[PATH_MAX];

	if (st.st_uid != 0 || st.st_mode & 022)
		failx("%s %s: must belong to root, and nobody else may write it", s->what, s->path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->fd);
	ssize_t n = readlink(link, real, sizeof(real) - 1);
	if (n < 0)
		fail("%s %s", s->what, s->path);
	real[n] = '\0';
	const char *tree = within(real, &rules->visible);
	if (tree)
		failx("%s %s: lies in %s, which the container can see", s->what, s->path, tree);
	if (!within(real, &rules->directories))
		failx("%s %s: is not in a directory of host_files (runX.conf)", s->what, s->path);
}

/* Opens for reading the file that the descriptor stands for. */
static void reopen(struct source *s)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->fd);
	int file = open(link, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		fail("%s %s", s->what, s->path);
	close(s->fd);
	s->fd = file;
}

struct source source_open(const char *what, const char *word, const struct rules *rules,
			  struct limit most)
{
	struct source s = {.what = what, .path = strchr(word, ':')};
	bool container = !strncmp(word, "container:", 10), checked = !strncmp(word, "checked:", 8);

	if (!s.path)
		failx("prepare: a file must be named as WHOSE:PATH, not %s", word);
	s.path++;
	if (strlen(s.path) >= PATH_MAX)
		failx("%s: the path is longer than %d bytes", what, PATH_MAX - 1);
	s.fd = container ? open_path(rules->rootfs, s.path, RESOLVE_IN_ROOT)
			 : open_path(AT_FDCWD, s.path, checked ? RESOLVE_NO_MAGICLINKS : 0);
	if (s.fd < 0)
		fail("%s %s", what, s.path);
	s.size = regular_file(&s).st_size;
	if (checked)
		check(&s, rules);
	if ((container || checked) && s.size > most.bytes)
		failx("%s %s: larger than %lld KiB%s", what, s.path, (long long)most.bytes >> 10,
		      most.advice);
	reopen(&s);
	return s;
}
