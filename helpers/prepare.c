/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the initrd of one container: the common one, followed by the container's description.
 *
 * usage: prepare ROOTFS COMMON-INITRD OUTPUT <DESCRIPTION
 *
 * The description is a list of `key=value` records, each ended by a NUL (docs/guest-interface.md).
 * Linux unpacks concatenated cpio archives one after another, so it needs no place in the
 * container's own root, on a command line of limited length, or in xenstore. Before that, the
 * program is looked up.
 */
#include "common.h"
#include "lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "container" /* the file's name in the guest's initial root */

struct buffer {
	char *bytes;
	size_t used;
};

static struct buffer read_stdin(void)
{
	struct buffer b = {0};
	size_t size = 0;
	ssize_t n = 1;

	while (n > 0) {
		if (size - b.used < 4096) {
			size = 2 * size + 16384;
			b.bytes = realloc(b.bytes, size);
			if (!b.bytes)
				fail("no memory for the container's description");
		}
		n = read(STDIN_FILENO, b.bytes + b.used, size - b.used);
		if (n < 0)
			fail("cannot read the container's description");
		b.used += (size_t)n;
	}
	if (b.used == 0 || b.bytes[b.used - 1] != '\0')
		failx("the container's description is not whole");
	return b;
}

/* The value where `record` is of `key`, else NULL. */
static const char *value_of(const char *record, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(record, key, n) && record[n] == '=' ? record + n + 1 : NULL;
}

static struct program find_program(const struct buffer *description)
{
	struct program p = {.cwd = "/"};
	const char *end = description->bytes + description->used, *v;

	for (const char *r = description->bytes; r < end; r += strlen(r) + 1)
		p.mount_count += value_of(r, "mount") != NULL;
	p.mounts = calloc(p.mount_count + 1, sizeof(*p.mounts));
	if (!p.mounts)
		fail("no memory");
	p.mount_count = 0;
	for (const char *r = description->bytes; r < end; r += strlen(r) + 1) {
		if (!p.name && (v = value_of(r, "arg")))
			p.name = v;
		if ((v = value_of(r, "cwd")))
			p.cwd = v;
		if ((v = value_of(r, "env")) && !strncmp(v, "PATH=", 5))
			p.path = v + 5;
		if ((v = value_of(r, "mount")))
			p.mounts[p.mount_count++] = v;
	}
	if (!p.name)
		failx("process.args: no command");
	return p;
}

static void check_program(const char *rootfs, const struct buffer *description)
{
	struct program p = find_program(description);
	int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		fail("root file system %s", rootfs);
	const char *problem = lookup_program(root, &p);
	if (problem)
		failx("unable to start container process: exec: \"%s\": %s", p.name, problem);
	close(root);
	free(p.mounts);
}

static void put(int out, const void *bytes, size_t count)
{
	ssize_t n = write(out, bytes, count);

	if (n != (ssize_t)count) {
		if (n >= 0)
			errno = ENOSPC;
		fail("cannot write the container's initrd");
	}
}

static void copy(int out, const char *path, const char *target)
{
	struct stat st;
	int in = open(path, O_RDONLY | O_CLOEXEC);

	if (in < 0 || fstat(in, &st) < 0)
		fail("the guest's initrd %s", path);
	/* The kernel looks for the next archive on a four-byte boundary, which the build sees to.
	 */
	if (st.st_size % 4)
		failx("the guest's initrd %s is not padded to four bytes: build it again", path);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);
		if (n <= 0)
			fail("cannot copy the guest's initrd %s to %s", path, target);
		left -= n;
	}
	close(in);
}

/* One member of a "newc" archive: Documentation/driver-api/early-userspace/buffer-format.rst. */
static void put_member(int out, const char *name, unsigned int mode, const void *data, size_t size)
{
	static const char zeros[4];
	char header[111];
	size_t name_size = strlen(name) + 1;

	snprintf(header, sizeof(header),
		 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 0, mode, 0, 0, 1, 0,
		 (unsigned int)size, 0, 0, 0, 0, (unsigned int)name_size, 0);
	put(out, header, 110);
	put(out, name, name_size);
	put(out, zeros, -(110 + name_size) & 3);
	put(out, data, size);
	put(out, zeros, -size & 3);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		failx("usage: prepare ROOTFS COMMON-INITRD OUTPUT <DESCRIPTION");

	struct buffer description = read_stdin();
	check_program(argv[1], &description);

	/* It holds the process's environment, and with it, often, secrets. */
	int out = open(argv[3], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		fail("%s", argv[3]);
	copy(out, argv[2], argv[3]);
	put_member(out, NAME, S_IFREG | 0400, description.bytes, description.used);
	put_member(out, "TRAILER!!!", 0, "", 0);
	if (close(out) < 0)
		fail("cannot write the container's initrd");
	free(description.bytes);
	return 0;
}
