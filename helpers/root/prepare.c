/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathers in STATE what the VM of one container boots: initrd, kernel, and additions to its xl.cfg.
 *
 * usage: prepare [-k KERNEL] [-c XLCONF] [-m MIB] [-d DIRECTORY]… [-x TREE]… ROOTFS INITRD STATE
 *                [BIND…] <DESCRIPTION
 *
 * KERNEL, XLCONF, INITRD and NETCONF are files, named as WHOSE:PATH (source.h). A checked file must
 * lie in one of the directories of -d. It must not lie in ROOTFS, in a TREE of -x, or in the source
 * of a BIND. A BIND is three words: MODE SOURCE DESTINATION. Together, a KERNEL and an INITRD that
 * the container names have at most MIB.
 *
 * STATE/initrd is INITRD followed by the container's description. The description is read from
 * stdin: a list of `key=value` records, each ended by a NUL (docs/guest-interface.md). Linux
 * unpacks concatenated cpio archives one after another. So the description needs no place in the
 * container's own root, on a command line of limited length, or in xenstore. STATE/kernel and
 * STATE/xlconf are copies of KERNEL and XLCONF. Before all this, the container's program is looked
 * up in ROOTFS.
 *
 * usage: prepare -n NETCONF [-d DIRECTORY]… [-x TREE]… ROOTFS STATE [BIND…]
 *
 * Only copies NETCONF to STATE/netconf, because create must read it before it can do the rest.
 */
#include "helpers/shared/common.h"
#include "lookup.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "container" /* name of the description in the guest's initial root */

#define MIB_MAX (1 << 24) /* of a number of MiB: 16 TiB */

/* The most bytes of an XLCONF or NETCONF, because the shell reads them. */
static const struct limit text_limit = {64 << 10, ""};

static const char zeros[4]; /* padding of archives */

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
		failx("the container's description is incomplete");
	return b;
}

/* Returns the value if the record's key is `key`, else NULL. */
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

static void check_program(int root, const struct buffer *description)
{
	struct program p = find_program(description);

	/* Messages are short, because the shell takes the square of their length to quote them. */
	if (strlen(p.name) >= PATH_MAX)
		failx("process.args: the program's name is longer than %d bytes", PATH_MAX - 1);
	const char *problem = lookup_program(root, &p);
	if (problem)
		failx("unable to start container process: exec: \"%s\": %s", p.name, problem);
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

/*
 * Copies `source`, with the size that it had when it was checked. Returns the copy, open for more.
 */
static int copy(const struct source *source, const char *state, const char *name)
{
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s/%s", state, name);
	/*
	 * Only root may read it, because the initrd holds the process's environment, which often
	 * has secrets.
	 */
	int out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		fail("cannot make %s", target);
	for (off_t left = source->size; left > 0;) {
		ssize_t n = sendfile(out, source->fd, NULL, (size_t)left);
		if (n == 0)
			failx("%s %s: became shorter while it was copied", source->what,
			      source->path);
		if (n < 0)
			fail("cannot copy %s %s to %s", source->what, source->path, target);
		left -= n;
	}
	close(source->fd);
	return out;
}

/*
 * Writes one member of an archive in the format "newc":
 * Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
 */
static void put_member(int out, const char *name, unsigned int mode, const void *data, size_t size)
{
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

static void make_initrd(const struct source *source, const char *state,
			const struct buffer *description)
{
	int out = copy(source, state, "initrd");

	/* The kernel skips zeros and looks for the next archive on a four-byte boundary. */
	put(out, zeros, -source->size & 3);
	put_member(out, NAME, S_IFREG | 0400, description->bytes, description->used);
	put_member(out, "TRAILER!!!", 0, "", 0);
	if (close(out) < 0)
		fail("cannot write the container's initrd");
}

static void copy_whole(const struct source *source, const char *state, const char *name)
{
	if (close(copy(source, state, name)) < 0)
		fail("cannot write %s/%s", state, name);
}

static void add(struct words *words, const char *word)
{
	words->list = realloc(words->list, (words->count + 1) * sizeof(*words->list));
	if (!words->list)
		fail("no memory");
	words->list[words->count++] = word;
}

static struct {
	const char *kernel, *xlconf, *netconf;
	struct limit boot;
	struct rules rules;
} option = {.boot.advice = " (boot_max in runX.conf)"};

static off_t mebibytes(const char *text)
{
	unsigned long long number = strtoull(text, NULL, 10);

	return (off_t)(number < MIB_MAX ? number : MIB_MAX) << 20;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+k:c:n:m:d:x:")) != -1)
		switch (c) {
		case 'k':
			option.kernel = optarg;
			break;
		case 'c':
			option.xlconf = optarg;
			break;
		case 'n':
			option.netconf = optarg;
			break;
		case 'm':
			option.boot.bytes = mebibytes(optarg);
			break;
		case 'd':
			add(&option.rules.directories, optarg);
			break;
		case 'x':
			add(&option.rules.visible, optarg);
			break;
		default:
			exit(EXIT_HELPER);
		}
	int words = option.netconf ? 2 : 3;
	if (argc - optind < words || (argc - optind - words) % 3)
		failx("usage: prepare [-k KERNEL] [-c XLCONF] [-m MIB] [-d DIRECTORY]… [-x TREE]… "
		      "ROOTFS INITRD STATE [BIND…] <DESCRIPTION");
	for (int bind = optind + words; bind < argc; bind += 3)
		add(&option.rules.visible, argv[bind + 1]);
}

static void copy_netconf(const struct rules *rules, const char *state)
{
	struct source source = source_open("NETCONF", option.netconf, rules, text_limit);

	copy_whole(&source, state, "netconf");
}

static void gather(const struct rules *rules, const char *initrd, const char *state)
{
	struct buffer description = read_stdin();
	struct source source;

	check_program(rules->rootfs, &description);
	if (option.kernel) {
		source = source_open("kernel", option.kernel, rules, option.boot);
		option.boot.bytes -= source.size;
		option.boot.advice = " (what the kernel leaves of boot_max in runX.conf)";
		copy_whole(&source, state, "kernel");
	}
	if (option.xlconf) {
		source = source_open("XLCONF", option.xlconf, rules, text_limit);
		copy_whole(&source, state, "xlconf");
	}
	source = source_open("the guest's initrd", initrd, rules, option.boot);
	make_initrd(&source, state, &description);
	free(description.bytes);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	struct rules *rules = &option.rules;
	const char *rootfs = argv[optind];

	rules->rootfs = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rules->rootfs < 0)
		fail("root file system %s", rootfs);
	add(&rules->visible, rootfs);
	if (option.netconf)
		copy_netconf(rules, argv[optind + 1]);
	else
		gather(rules, argv[optind + 1], argv[optind + 2]);
	return 0;
}
