/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the file server's sessions: what a guest's kernel asks, on a directory of the host. */
#include "share.h"

#include "helpers/files/tree.h"

#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* ---- files ---- */

static void makes_reads_and_writes(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a;

	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_create(n, 1, "file", 02, 0640, 7), 0);
	assert_int_equal(nine_write(n, 1, 0, "hello", 5), 5);
	assert_int_equal(nine_read(n, 1, 1, 100), 4);
	assert_memory_equal(n->reply + 11, "ello", 4);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(a.mode, S_IFREG | 0640);
	assert_int_equal(a.gid, 7);
	assert_int_equal(a.size, 5);
	assert_int_equal(nine_clunk(n, 1), 0);
	assert_string_equal(content(in_share("file")), "hello");
	assert_int_equal(nine_walk(n, ROOT, 1, "none"), ENOENT);
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	assert_int_equal(nine_open(n, 1, 01001), 0);
	assert_string_equal(content(in_share("file")), "");
	assert_int_equal(nine_walk(n, ROOT, 2, ""), 0);
	assert_int_equal(nine_create(n, 2, "file", 0201, 0600, 0), EEXIST);
	assert_int_equal(nine_create(n, 2, "file", 01, 0600, 0), 0);
}

static void makes_names_of_all_kinds(void **state)
{
	struct nine *n = *state;
	struct stat st;
	char target[64];

	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", ROOT, "dir", 0755, 3), 0);
	assert_int_equal(n->reply[7], 0x80);
	assert_int_equal(nine_ask(n, TSYMLINK, "dssd", ROOT, "link", "dir/no", 3), 0);
	assert_int_equal(n->reply[7], 0x02);
	assert_int_equal(nine_ask(n, TMKNOD, "dsdddd", ROOT, "fifo", S_IFIFO | 0600, 0, 0, 3), 0);
	assert_int_equal(nine_ask(n, TMKNOD, "dsdddd", ROOT, "sock", S_IFSOCK | 0600, 0, 0, 3), 0);
	assert_int_equal(nine_ask(n, TMKNOD, "dsdddd", ROOT, "null", S_IFCHR | 0666, 1, 3, 3), 0);
	assert_int_equal(lstat(in_share("null"), &st), 0);
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(st.st_gid, 3);
	assert_int_equal(nine_walk(n, ROOT, 1, "link"), 0);
	assert_int_equal(nine_ask(n, TREADLINK, "d", 1), 0);
	snprintf(target, sizeof(target), "%.*s", n->reply[7], (char *)n->reply + 9);
	assert_string_equal(target, "dir/no");
	assert_int_equal(nine_walk(n, ROOT, 2, "dir"), 0);
	assert_int_equal(nine_ask(n, TRENAMEAT, "dsds", ROOT, "fifo", 2, "fifo2"), 0);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", 2, "fifo2", 0), 0);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", ROOT, "dir", 0), EISDIR);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", ROOT, "dir", 0x200), 0);
	/* The directory is gone, and its fid is still one of it. */
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 2, "below", 0755, 0), ENOENT);
	put(in_share("file"), "x");
	assert_int_equal(nine_walk(n, ROOT, 3, "file"), 0);
	assert_int_equal(nine_ask(n, TLINK, "dds", ROOT, 3, "hard"), 0);
	assert_int_equal(nine_ask(n, TLINK, "dds", ROOT, 3, "hard"), EEXIST);
	assert_string_equal(content(in_share("hard")), "x");
	/* The old forms, which find the name of a fid. */
	assert_int_equal(nine_ask(n, TRENAME, "dds", 3, ROOT, "moved"), 0);
	assert_string_equal(content(in_share("moved")), "x");
	assert_int_equal(nine_ask(n, TREMOVE, "d", 3), 0);
	assert_int_equal(access(in_share("moved"), F_OK), -1);
	assert_int_equal(nine_clunk(n, 3), EBADF);
	assert_int_equal(nine_ask(n, TREMOVE, "d", ROOT), EBUSY);
}

/* Reads all entries in pieces of `count` bytes. Returns their number. */
static size_t count_entries(struct nine *n, unsigned int fid, unsigned int count)
{
	uint64_t offset = 0;
	size_t entries = 0;

	for (;;) {
		assert_int_equal(nine_ask(n, TREADDIR, "dqd", fid, offset, count), 0);
		size_t size = nine_number(n->reply + 7, 4);
		const uint8_t *at = n->reply + 11, *past = at + size;
		assert_true(size <= count);
		if (size == 0)
			return entries;
		while (at < past) {
			offset = nine_number(at + 13, 8);
			at += 24 + nine_number(at + 22, 2);
			entries++;
		}
		assert_ptr_equal(at, past);
	}
}

static void lists_directories(void **state)
{
	struct nine *n = *state;
	char name[256];

	for (int i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "%0*d", 1 + i % 255, i);
		put(in_share(name), "");
	}
	size_t made = 700;
	/* Short names with the same digits are one. */
	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_open(n, 1, 0200000), 0);
	size_t entries = count_entries(n, 1, 60000);
	assert_true(entries <= made + 2 && entries > 500);
	for (unsigned int count = 279; count < 3000; count += 97)
		assert_int_equal(count_entries(n, 1, count), entries);
	assert_int_equal(nine_ask(n, TREADDIR, "dqd", 1, (uint64_t)0, 10), EINVAL);
	assert_int_equal(nine_ask(n, TREADDIR, "dqd", 1, (uint64_t)-1, 1000), EINVAL);
}

/* ---- cases 9, 34 and 40: a descriptor is of a file, not of a name ---- */

static void acts_on_the_file_and_not_on_its_name(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a, before;
	struct stat st;

	put(in_share("file"), "old");
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	assert_int_equal(nine_walk(n, 1, 2, ""), 0);
	assert_int_equal(nine_open(n, 2, 0), 0);
	assert_int_equal(nine_getattr(n, 1, &before), 0);
	put(in_share("new"), "new content");
	assert_int_equal(rename(in_share("new"), in_share("file")), 0);
	for (unsigned int fid = 1; fid <= 2; fid++) {
		assert_int_equal(nine_setattr(n, fid, 8, 0, 0, 0, 1, 0, 0), 0);
		assert_int_equal(nine_setattr(n, fid, 1, 0600 | fid, 0, 0, 0, 0, 0), 0);
		assert_int_equal(nine_setattr(n, fid, 6, 0, 4, 5, 0, 0, 0), 0);
		assert_int_equal(nine_setattr(n, fid, 0x120, 0, 0, 0, 0, 1000, 123456789), 0);
		assert_int_equal(nine_getattr(n, fid, &a), 0);
		assert_int_equal(a.path, before.path);
		assert_int_equal(a.mode & 07777, 0600 | fid);
		assert_int_equal(a.size, 1);
		assert_int_equal(a.uid, 4);
		assert_int_equal(a.links, 0);
		assert_int_equal(a.mtime, 1000);
		assert_int_equal(a.mtime_ns, 123456789);
	}
	/* A clone opens what was walked to: not the new file. */
	assert_int_equal(nine_walk(n, 1, 3, ""), 0);
	assert_int_equal(nine_open(n, 3, 0), 0);
	assert_int_equal(nine_read(n, 3, 0, 100), 1);
	assert_memory_equal(n->reply + 11, "o", 1);
	assert_int_equal(stat(in_share("file"), &st), 0);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(st.st_uid, 0);
}

static void version_of_a_file_says_whether_it_changed(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a, b;
	struct timespec pause = {.tv_nsec = 50000000};

	put(in_share("file"), "1");
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	/* Two changes may come in the same tick. */
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(nine_getattr(n, 1, &b), 0);
	assert_int_not_equal(a.version, b.version);
	nanosleep(&pause, NULL);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(nine_getattr(n, 1, &b), 0);
	assert_int_equal(a.version, b.version);
	put(in_share("file"), "2");
	assert_int_equal(nine_getattr(n, 1, &b), 0);
	assert_int_not_equal(a.version, b.version);
}

/* Some file systems keep only full seconds, or every second one (vfat). */
static void version_knows_coarse_times(void **state)
{
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	struct stat recent = {.st_size = 1, .st_ctim.tv_sec = now.tv_sec};
	assert_int_not_equal(tree_version(&recent), tree_version(&recent));
	recent.st_ctim.tv_sec -= now.tv_nsec < 500000000; /* up to a second and a half ago */
	assert_int_not_equal(tree_version(&recent), tree_version(&recent));
	struct stat old = {.st_size = 1, .st_ctim.tv_sec = now.tv_sec - 3};
	assert_int_equal(tree_version(&old), tree_version(&old));
	struct stat fine = {.st_size = 1, .st_ctim = {now.tv_sec - 2, 1}};
	assert_int_equal(tree_version(&fine), tree_version(&fine));
}

/* ---- names and links ---- */

/* Every message with a name, by every name that could lead elsewhere. */
static void refuses_names_that_lead_elsewhere(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int error;
	} names[] = {{"", 0, EINVAL},
		     {".", 1, EINVAL},
		     {"..", 2, EINVAL},
		     {"/", 1, EINVAL},
		     {"a/b", 3, EINVAL},
		     {"../outside", 10, EINVAL},
		     {"/etc/passwd", 11, EINVAL},
		     {"a\0b", 3, EINVAL},
		     {"\0", 1, EINVAL}};
	struct nine *n = *state;
	char *large = malloc(60000);

	memset(large, 'n', 60000);
	put(in_share("file"), "");
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names) + 2; i++) {
		bool long_name = i >= ARRAY_SIZE(names);
		const char *name = long_name ? large : names[i].bytes;
		size_t size = long_name ? (i == ARRAY_SIZE(names) ? 256 : 60000) : names[i].size;
		int error = long_name ? ENAMETOOLONG : names[i].error;
		/* Of the two only the second may lead up. Here it is the root's parent. */
		if (size != 2 || memcmp(name, "..", 2))
			assert_int_equal(nine_ask(n, TWALK, "ddwS", ROOT, 2, 1, size, (void *)name),
					 error);
		assert_int_equal(nine_ask(n, TLCREATE, "dSddd", ROOT, size, name, 0102, 0600, 0),
				 error);
		assert_int_equal(nine_ask(n, TSYMLINK, "dSsd", ROOT, size, name, "target", 0),
				 error);
		assert_int_equal(
			nine_ask(n, TMKNOD, "dSdddd", ROOT, size, name, S_IFIFO | 0600, 0, 0, 0),
			error);
		assert_int_equal(nine_ask(n, TRENAME, "ddS", 1, ROOT, size, name), error);
		assert_int_equal(nine_ask(n, TLINK, "ddS", ROOT, 1, size, name), error);
		assert_int_equal(nine_ask(n, TMKDIR, "dSdd", ROOT, size, name, 0755, 0), error);
		assert_int_equal(nine_ask(n, TRENAMEAT, "dSds", ROOT, size, name, ROOT, "new"),
				 error);
		assert_int_equal(nine_ask(n, TRENAMEAT, "dsdS", ROOT, "file", ROOT, size, name),
				 error);
		assert_int_equal(nine_ask(n, TUNLINKAT, "dSd", ROOT, size, name, 0), error);
		assert_int_equal(nine_ask(n, TUNLINKAT, "dSd", ROOT, size, name, 0x200), error);
	}
	free(large);
	assert_int_equal(access(in_share("file"), F_OK), 0);
}

static void up_does_not_leave_the_share(void **state)
{
	struct nine *n = *state;
	struct nine_attributes root, a;
	char path[256];

	assert_int_equal(nine_getattr(n, ROOT, &root), 0);
	assert_int_equal(nine_walk(n, ROOT, 1, ".."), 0);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(a.path, root.path);
	assert_int_equal(mkdir(in_share("dir"), 0755), 0);
	assert_int_equal(mkdir(in_share("dir/below"), 0755), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "dir/below"), 0);
	assert_int_equal(nine_walk(n, 2, 3, ".."), 0);
	assert_int_equal(nine_walk(n, 3, 4, ".."), 0);
	assert_int_equal(nine_getattr(n, 4, &a), 0);
	assert_int_equal(a.path, root.path);
	assert_int_equal(nine_walk(n, ROOT, 9, "dir/.."), ENOENT);
	/* The host moves the directory out. What is below can be used, but leads nowhere. */
	snprintf(path, sizeof(path), "%s/dir", outside);
	assert_int_equal(rename(in_share("dir"), path), 0);
	assert_int_equal(nine_walk(n, 3, 5, ".."), ENOENT);
	assert_int_equal(nine_ask(n, TREMOVE, "d", 3), ENOENT);
	assert_int_equal(nine_walk(n, 2, 6, ".."), ENOENT);
	assert_int_equal(access(path, F_OK), 0);
	/* The root's entry ".." does not say what is above, also not after a walk from below. */
	assert_int_equal(nine_walk(n, ROOT, 7, ""), 0);
	for (unsigned int fid = 4; fid <= 7; fid += 3) {
		assert_int_equal(nine_open(n, fid, 0), 0);
		assert_int_equal(nine_ask(n, TREADDIR, "dqd", fid, (uint64_t)0, 1000), 0);
		for (int i = 0, at = 11; i < 2; i++, at += 24 + n->reply[at + 22])
			assert_int_equal(nine_number(n->reply + at + 5, 8), root.path);
	}
}

static void follows_no_link(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a;
	char path[256];

	snprintf(path, sizeof(path), "%s/secret", outside);
	put(path, "secret");
	chmod(path, 0600);
	assert_int_equal(symlink(path, in_share("link")), 0);
	assert_int_equal(symlink(outside, in_share("away")), 0);
	assert_int_equal(nine_walk(n, ROOT, 9, "away/secret"), ENOENT);
	assert_int_equal(nine_walk(n, ROOT, 1, "away"), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "link"), 0);
	assert_int_equal(nine_walk(n, 1, 9, "secret"), ENOTDIR);
	assert_int_equal(nine_open(n, 2, 0), ELOOP);
	assert_int_equal(nine_walk(n, ROOT, 3, ""), 0);
	assert_int_equal(nine_create(n, 3, "link", 01102, 0666, 0), ELOOP);
	assert_int_equal(nine_create(n, 1, "new", 0102, 0666, 0), ENOTDIR);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 1, "new", 0755, 0), ENOTDIR);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", 1, "secret", 0), ENOTDIR);
	assert_int_equal(nine_ask(n, TRENAMEAT, "dsds", 1, "secret", ROOT, "got"), ENOTDIR);
	/* Attributes are those of the link. */
	assert_int_equal(nine_setattr(n, 2, 1, 0777, 0, 0, 0, 0, 0), EOPNOTSUPP);
	assert_int_equal(nine_setattr(n, 2, 8, 0, 0, 0, 0, 0, 0), EINVAL);
	assert_int_equal(nine_setattr(n, 2, 6, 0, 5, 5, 0, 0, 0), 0);
	assert_int_equal(nine_setattr(n, 2, 0x1b0, 0, 0, 0, 0, 77, 0), 0);
	assert_int_equal(nine_getattr(n, 2, &a), 0);
	assert_int_equal(a.uid, 5);
	assert_int_equal(a.mtime, 77);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(st.st_mtime, 77);
	assert_int_equal(nine_ask(n, TLINK, "dds", ROOT, 2, "hard"), 0);
	assert_int_equal(lstat(in_share("hard"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(content(path), "secret");
}

static volatile bool swapping;

/* Swaps a directory and a link that leads out, as another with access to the share may. */
static void *swaps(void *unused)
{
	(void)unused;
	while (swapping) {
		renameat2(AT_FDCWD, in_share("dir"), AT_FDCWD, in_share("spare"), RENAME_EXCHANGE);
		renameat2(AT_FDCWD, in_share("f"), AT_FDCWD, in_share("spare-f"), RENAME_EXCHANGE);
	}
	return NULL;
}

static void follows_no_link_that_is_swapped_in(void **state)
{
	struct nine *n = *state;
	char path[256];
	pthread_t thread;
	size_t found = 0, created = 0;

	snprintf(path, sizeof(path), "%s/file", outside);
	put(path, "secret");
	assert_int_equal(mkdir(in_share("dir"), 0755), 0);
	put(in_share("dir/file"), "public");
	assert_int_equal(symlink(outside, in_share("spare")), 0);
	put(in_share("f"), "public");
	assert_int_equal(symlink(path, in_share("spare-f")), 0);
	swapping = true;
	assert_int_equal(pthread_create(&thread, NULL, swaps, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		if (nine_walk(n, ROOT, 1, "dir/file") == 0) {
			assert_int_equal(nine_open(n, 1, 2), 0);
			assert_int_equal(nine_read(n, 1, 0, 10), 6);
			assert_memory_equal(n->reply + 11, "public", 6);
			nine_clunk(n, 1);
			found++;
		}
		assert_int_equal(nine_walk(n, ROOT, 2, ""), 0);
		if (nine_create(n, 2, "f", 02, 0600, 0) == 0) {
			assert_int_equal(nine_read(n, 2, 0, 10), 6);
			assert_memory_equal(n->reply + 11, "public", 6);
			created++;
		}
		nine_clunk(n, 2);
	}
	swapping = false;
	pthread_join(thread, NULL);
	assert_true(found > 0 && found < 20000);
	assert_true(created > 0 && created < 20000);
	assert_string_equal(content(path), "secret");
}

static void opens_no_special_file(void **state)
{
	struct nine *n = *state;
	static const struct {
		const char *name;
		mode_t mode;
	} kinds[] = {{"fifo", S_IFIFO}, {"sock", S_IFSOCK}, {"char", S_IFCHR}, {"block", S_IFBLK}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *name = kinds[i].name;
		unsigned int fid = 1 + (unsigned int)i;
		assert_int_equal(
			nine_ask(n, TMKNOD, "dsdddd", ROOT, name, kinds[i].mode | 0666, 1, 5, 0),
			0);
		assert_int_equal(nine_walk(n, ROOT, fid, name), 0);
		for (unsigned int flags = 0; flags < 3; flags++)
			assert_int_equal(nine_open(n, fid, flags), ENXIO);
		assert_int_equal(nine_setattr(n, fid, 8, 0, 0, 0, 0, 0, 0), EINVAL);
		assert_int_equal(nine_setattr(n, fid, 1, 0600, 0, 0, 0, 0, 0), 0);
		assert_int_equal(nine_walk(n, ROOT, 9, ""), 0);
		assert_int_equal(nine_create(n, 9, name, 0102, 0600, 0), ENXIO);
		assert_int_equal(nine_create(n, 9, name, 0101, 0600, 0), ENXIO);
		assert_int_equal(nine_clunk(n, 9), 0);
	}
	assert_int_equal(nine_ask(n, TMKNOD, "dsdddd", ROOT, "dir", S_IFDIR | 0755, 0, 0, 0),
			 EPERM);
}

/* ---- messages ---- */

/* A right message of each type; fid 1 is the one whose state matters. */
static size_t sample(struct nine *n, uint8_t type)
{
	static const struct {
		uint8_t type;
		const char *bytes;
		size_t size;
	} samples[] = {
#define SAMPLE(type, bytes) {type, bytes, sizeof(bytes) - 1}
#define FID		    "\1\0\0\0"
#define ZERO		    "\0\0\0\0"
#define NAME		    "\4\0some"
#define WORDS8		    ZERO ZERO
		SAMPLE(TSTATFS, FID),
		SAMPLE(TLOPEN, FID ZERO),
		SAMPLE(TLCREATE, FID NAME ZERO "\xff\1\0\0" ZERO),
		SAMPLE(TSYMLINK, FID NAME NAME ZERO),
		SAMPLE(TMKNOD, FID NAME "\0\20\0\0" ZERO ZERO ZERO),
		SAMPLE(TRENAME, FID ZERO NAME),
		SAMPLE(TREADLINK, FID),
		SAMPLE(TGETATTR, FID WORDS8),
		SAMPLE(TSETATTR, FID ZERO ZERO ZERO ZERO WORDS8 WORDS8 WORDS8 WORDS8 WORDS8),
		SAMPLE(TXATTRWALK, FID "\2\0\0\0\0\0"),
		SAMPLE(TXATTRCREATE, FID "\6\0user.a\1\0\0\0\0\0\0\0" ZERO),
		SAMPLE(TREADDIR, FID WORDS8 "\0\4\0\0"),
		SAMPLE(TFSYNC, FID ZERO),
		SAMPLE(TLOCK, FID "\0" ZERO WORDS8 WORDS8 ZERO NAME),
		SAMPLE(TGETLOCK, FID "\0" WORDS8 WORDS8 ZERO NAME),
		SAMPLE(TLINK, "\0\0\0\0" FID NAME),
		SAMPLE(TMKDIR, FID NAME "\xff\1\0\0" ZERO),
		SAMPLE(TRENAMEAT, FID NAME ZERO NAME),
		SAMPLE(TUNLINKAT, FID NAME ZERO),
		SAMPLE(TVERSION, "\0\0\1\0\10\09P2000.L"),
		SAMPLE(TATTACH, "\3\0\0\0\xff\xff\xff\xff\0\0\0\0" ZERO),
		SAMPLE(TFLUSH, "\0\4"),
		SAMPLE(TWALK, FID "\4\0\0\0\0\0"),
		SAMPLE(TREAD, FID WORDS8 "\0\4\0\0"),
		SAMPLE(TWRITE, FID WORDS8 "\1\0\0\0x"),
		SAMPLE(TCLUNK, FID),
		SAMPLE(TREMOVE, FID),
	};

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		if (samples[i].type != type)
			continue;
		memset(n->message, 0, 7);
		memcpy(n->message + 7, samples[i].bytes, samples[i].size);
		n->message[0] = (uint8_t)(7 + samples[i].size);
		n->message[4] = type;
		return 7 + samples[i].size;
	}
	return 0;
}

enum state { NO_FID, ROOT_FID, LINK, FIFO, PLAIN, READABLE, WRITABLE, LISTED, VALUE, NEW, STATES };

static void enter_state(struct nine *n, enum state state)
{
	static const char *const names[STATES] = {
		[LINK] = "link",     [FIFO] = "fifo",  [PLAIN] = "file", [READABLE] = "file",
		[WRITABLE] = "file", [VALUE] = "file", [NEW] = "file",
	};

	assert_int_equal(nine_version(n, NINE_MSIZE), 0);
	assert_int_equal(nine_attach(n, ROOT, 0), 0);
	if (state == NO_FID)
		return;
	if (state == VALUE) {
		assert_int_equal(nine_walk(n, ROOT, 9, names[state]), 0);
		assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 9, 1, "user.x"), 0);
		return;
	}
	assert_int_equal(nine_walk(n, ROOT, 1, names[state] ? names[state] : ""), 0);
	if (state == READABLE || state == WRITABLE || state == LISTED)
		assert_int_equal(nine_open(n, 1, state == WRITABLE), 0);
	if (state == NEW)
		assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 1, "user.y", (uint64_t)1, 0), 0);
}

/* EBADF is the answer where there is a b, and only there. */
static void answers_each_message_in_each_state(void **state)
{
	static const struct {
		uint8_t type;
		char answers[STATES + 1];
	} matrix[] = {
		{TSTATFS, "b-------bb"},    {TLOPEN, "b----bbbbb"},	  {TLCREATE, "b----bbbbb"},
		{TSYMLINK, "b-------bb"},   {TMKNOD, "b-------bb"},	  {TRENAME, "b-------bb"},
		{TREADLINK, "b-------bb"},  {TGETATTR, "b-------bb"},	  {TSETATTR, "b-------bb"},
		{TXATTRWALK, "b-------bb"}, {TXATTRCREATE, "b----bbbbb"}, {TREADDIR, "bbbbbbb-bb"},
		{TFSYNC, "bbbbb---bb"},	    {TLOCK, "bbbbb---bb"},	  {TGETLOCK, "bbbbb---bb"},
		{TLINK, "b-------bb"},	    {TMKDIR, "b-------bb"},	  {TRENAMEAT, "b-------bb"},
		{TUNLINKAT, "b-------bb"},  {TVERSION, "----------"},	  {TATTACH, "----------"},
		{TFLUSH, "----------"},	    {TWALK, "b-------bb"},	  {TREAD, "bbbbb-bb-b"},
		{TWRITE, "bbbbbb-bb-"},	    {TCLUNK, "b---------"},	  {TREMOVE, "b---------"},
	};
	struct nine *n = *state;
	char command[128];
	size_t later = 0;
	int answer;

	snprintf(command, sizeof(command), "rm -rf %s/*", share);

	for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
		for (enum state s = 0; s < STATES; s++) {
			assert_int_equal(system(command), 0);
			put(in_share("file"), "content");
			assert_int_equal(setxattr(in_share("file"), "user.x", "y", 1, 0), 0);
			assert_int_equal(symlink("file", in_share("link")), 0);
			assert_int_equal(mkfifo(in_share("fifo"), 0600), 0);
			enter_state(n, s);
			answer = nine_send(n, sample(n, matrix[i].type));
			/* READ of a descriptor to write, as the host's kernel says it. */
			bool by_kernel = matrix[i].type == TREAD && s == WRITABLE;
			if (by_kernel)
				assert_int_equal(answer, EBADF);
			else if ((answer == EBADF) != (matrix[i].answers[s] == 'b'))
				fail_msg("type %d in state %d: %d", matrix[i].type, s, answer);
			if (answer == -1)
				nine_await(n, ++later);
		}
	}
}

static void refuses_broken_messages(void **state)
{
	struct nine *n = *state;

	for (unsigned int type = 0; type < 256; type++) {
		size_t size = sample(n, (uint8_t)type);
		if (size == 0) {
			/* An answer, or what 9P2000.L does not have. */
			n->tag = 5;
			assert_int_equal(nine_ask(n, (uint8_t)type, "d", ROOT), EOPNOTSUPP);
			continue;
		}
		for (size_t cut = 7; cut <= size + 1; cut++) {
			if (cut == size)
				continue;
			sample(n, (uint8_t)type);
			n->message[size] = 0;
			n->message[0] = (uint8_t)cut;
			assert_int_equal(nine_send(n, cut), EPROTO);
		}
	}
	/* A walk of more names than there may be, and data that is longer than the message. */
	assert_int_equal(nine_ask(n, TWALK, "ddw", ROOT, 5, 17), EPROTO);
	assert_int_equal(nine_ask(n, TWRITE, "dqd", 1, (uint64_t)0, UINT32_MAX), EPROTO);
	assert_int_equal(nine_ask(n, TMKDIR, "dwb", ROOT, 65535, 'x'), EPROTO);
	/* A message larger than agreed breaks the protocol. */
	assert_int_equal(nine_version(n, 4096), 0);
	assert_int_equal(nine_number(n->reply + 7, 4), 4096);
	memset(n->message, 0, 5000);
	assert_int_equal(nine_send(n, 4097), -2);
	assert_int_equal(nine_version(n, 4095), 0);
	assert_memory_equal(n->reply + 11, "\7\0unknown", 9);
	assert_int_equal(nine_attach(n, ROOT, 0), EPROTO);
	assert_int_equal(nine_ask(n, TVERSION, "ds", 8192, "9P2000"), 0);
	assert_memory_equal(n->reply + 11, "\7\0unknown", 9);
	assert_int_equal(nine_version(n, UINT32_MAX), 0);
	assert_int_equal(nine_number(n->reply + 7, 4), NINE_MSIZE);
	assert_int_equal(nine_ask(n, TATTACH, "ddssd", ROOT, 1, "", "", 0), EOPNOTSUPP);
	assert_int_equal(nine_ask(n, TATTACH, "ddssd", ROOT, MESSAGE_NO_FID, "", "/etc", 0),
			 ENOENT);
	assert_int_equal(nine_attach(n, MESSAGE_NO_FID, 0), EBADF);
}

/* Counts and offsets near the ends of their ranges. */
static void bounds_counts_and_offsets(void **state)
{
	static const uint64_t offsets[] = {0x7fffffff,	       0xffffffff, 0x100000000,
					   INT64_MAX - 1,      INT64_MAX,  (uint64_t)INT64_MAX + 1,
					   UINT64_MAX - 65536, UINT64_MAX};
	static const unsigned int counts[] = {0, 1, NINE_MSIZE, 0x7fffffff, 0xfffffff5, UINT32_MAX};
	struct nine *n = *state;

	put(in_share("file"), "content");
	assert_int_equal(setxattr(in_share("file"), "user.x", "12345", 5, 0), 0);
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 1, 2, "user.x"), 0);
	assert_int_equal(nine_open(n, 1, 2), 0);
	assert_int_equal(nine_walk(n, ROOT, 3, ""), 0);
	assert_int_equal(nine_open(n, 3, 0), 0);
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		assert_true(nine_read(n, 1, 0, counts[c]) == (counts[c] > 7 ? 7 : (int)counts[c]));
		assert_true(nine_read(n, 2, 1, counts[c]) == (counts[c] > 4 ? 4 : (int)counts[c]));
		for (size_t o = 0; o < ARRAY_SIZE(offsets); o++) {
			assert_true(nine_read(n, 1, offsets[o], counts[c]) <= 0);
			assert_int_equal(nine_read(n, 2, offsets[o], counts[c]), 0);
			nine_ask(n, TREADDIR, "dqd", 3, offsets[o], counts[c]);
			assert_int_equal(nine_lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, offsets[o],
						   offsets[c], 1) &
						 ~(EINVAL | EOVERFLOW),
					 0);
		}
	}
	assert_int_equal(nine_write(n, 1, UINT64_MAX, "x", 1), -EINVAL);
	assert_int_equal(nine_write(n, 1, INT64_MAX - 1, "x", 1), -EFBIG);
	assert_int_equal(nine_setattr(n, 1, 8, 0, 0, 0, UINT64_MAX, 0, 0), EFBIG);
	assert_int_equal(nine_setattr(n, 1, 0x120, 0, 0, 0, 0, 0, 1000000000), EINVAL);
	assert_int_equal(nine_setattr(n, 1, 0x120, 0, 0, 0, 0, 0, UTIME_OMIT), EINVAL);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", ROOT, "dir", 0755, UINT32_MAX), EPERM);
}

/* ---- large things ---- */

static void holds_large_and_sparse_files(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a;
	struct stat st;
	uint64_t far = 5ULL << 30;

	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_create(n, 1, "large", 02, 0600, 0), 0);
	assert_int_equal(nine_write(n, 1, far, "end", 3), 3);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(a.size, far + 3);
	assert_int_equal(nine_read(n, 1, far - 1, 100), 4);
	assert_memory_equal(n->reply + 11, "\0end", 4);
	assert_int_equal(stat(in_share("large"), &st), 0);
	assert_true(st.st_blocks < 1000);
	assert_int_equal(nine_setattr(n, 1, 8, 0, 0, 0, far * 2, 0, 0), 0);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(a.size, far * 2);
}

static void takes_names_of_any_bytes(void **state)
{
	struct nine *n = *state;
	char name[256];

	for (int i = 0; i < 255; i++)
		name[i] = (char)(i + 1 == '/' ? 0xff : i + 1);
	assert_int_equal(nine_ask(n, TMKDIR, "dSdd", ROOT, (size_t)255, (void *)name, 0700, 0), 0);
	assert_int_equal(nine_ask(n, TWALK, "ddwS", ROOT, 1, 1, (size_t)255, (void *)name), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, ""), 0);
	assert_int_equal(nine_open(n, 2, 0), 0);
	assert_int_equal(count_entries(n, 2, 279), 3);
	assert_int_equal(
		nine_ask(n, TRENAMEAT, "dSds", ROOT, (size_t)255, (void *)name, ROOT, "..."), 0);
	assert_int_equal(access(in_share("..."), F_OK), 0);
	char target[4097];
	memset(target, 't', sizeof(target));
	assert_int_equal(nine_ask(n, TSYMLINK, "dsSd", ROOT, "l", (size_t)4096, (void *)target, 0),
			 ENAMETOOLONG);
	assert_int_equal(nine_ask(n, TSYMLINK, "dsSd", ROOT, "l", (size_t)4095, (void *)target, 0),
			 0);
	assert_int_equal(nine_walk(n, ROOT, 3, "l"), 0);
	assert_int_equal(nine_ask(n, TREADLINK, "d", 3), 0);
	assert_int_equal(nine_number(n->reply + 7, 2), 4095);
	assert_int_equal(nine_ask(n, TSYMLINK, "dsSd", ROOT, "m", (size_t)3, "a\0b", 0), EINVAL);
	assert_int_equal(nine_ask(n, TSYMLINK, "dssd", ROOT, "m", "", 0), ENOENT);
}

/* ---- owners ---- */

static void makes_files_for_their_users(void **state)
{
	struct nine *n = *state;
	struct stat st;

	chmod(share, 0700);
	assert_int_equal(nine_attach(n, 10, 1000), 0);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 10, "theirs", 0755, 50), 0);
	assert_int_equal(nine_walk(n, 10, 11, ""), 0);
	assert_int_equal(nine_create(n, 11, "file", 02, 06755, 50), 0);
	assert_int_equal(stat(in_share("theirs"), &st), 0);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 50);
	assert_int_equal(stat(in_share("file"), &st), 0);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 50);
	assert_int_equal(st.st_mode & 07777, 06755);
	/* The thread acts for another user now. */
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", ROOT, "roots", 0755, 0), 0);
	assert_int_equal(stat(in_share("roots"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	/* In a setgid directory the group is the directory's, and directories are setgid, too. */
	assert_int_equal(chown(in_share("theirs"), 1000, 77), 0);
	assert_int_equal(chmod(in_share("theirs"), 02777), 0);
	assert_int_equal(nine_walk(n, 10, 12, "theirs"), 0);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 12, "dir", 0755, 50), 0);
	assert_int_equal(stat(in_share("theirs/dir"), &st), 0);
	assert_int_equal(st.st_gid, 77);
	assert_true(st.st_mode & S_ISGID);
	assert_int_equal(nine_create(n, 12, "file", 02, 0644, 50), 0);
	assert_int_equal(stat(in_share("theirs/file"), &st), 0);
	assert_int_equal(st.st_gid, 77);
	/* chown takes setuid away; chown and chmod in one keep what chmod says. */
	assert_int_equal(nine_setattr(n, 11, 2, 0, 1001, 0, 0, 0, 0), 0);
	assert_int_equal(stat(in_share("file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(nine_setattr(n, 11, 3, 04755, 1002, 0, 0, 0, 0), 0);
	assert_int_equal(stat(in_share("file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 04755);
	/* Without a user it is nobody's. */
	assert_int_equal(nine_attach(n, 20, UINT32_MAX), 0);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 20, "nobody", 0755, 0), 0);
	assert_int_equal(stat(in_share("nobody"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
}

/* ---- extended attributes: case 12 ---- */

static int set_xattr(struct nine *n, const char *name, const void *value, size_t size,
		     unsigned int flags)
{
	int r = nine_walk(n, 1, 9, "");

	assert_int_equal(r, 0);
	r = nine_ask(n, TXATTRCREATE, "dsqd", 9, name, (uint64_t)size, flags);
	if (r == 0 && size > 0)
		assert_int_equal(nine_write(n, 9, 0, value, size), size);
	int closed = nine_clunk(n, 9);
	return r ? r : closed;
}

static void sets_and_gets_attributes(void **state)
{
	/* A file capability, cap_net_raw=ep, and an access list: user::rwx user:1:r-- … */
	static const char capability[] = "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const char list[] =
		"\2\0\0\0\1\0\7\0\xff\xff\xff\xff\2\0\4\0\1\0\0\0\4\0\0\0\xff\xff\xff\xff"
		"\20\0\4\0\xff\xff\xff\xff\40\0\0\0\xff\xff\xff\xff";
	struct nine *n = *state;
	char value[256];

	put(in_share("file"), "");
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), 0);
	assert_int_equal(set_xattr(n, "user.one", "1", 1, 0), 0);
	assert_int_equal(set_xattr(n, "user.one", "22", 2, XATTR_CREATE), EEXIST);
	assert_int_equal(set_xattr(n, "user.two", "22", 2, XATTR_REPLACE), ENODATA);
	assert_int_equal(set_xattr(n, "user.none", "", 0, 0), 0);
	assert_int_equal(getxattr(in_share("file"), "user.none", value, 256), 0);
	assert_int_equal(set_xattr(n, "user.none", "", 0, XATTR_REPLACE), 0);
	assert_int_equal(getxattr(in_share("file"), "user.none", value, 256), -1);
	/* Our guest's kernel says when an empty value is to stay. */
	assert_int_equal(set_xattr(n, "user.one", "", 0, XATTR_REPLACE | P9_XATTR_EMPTY), 0);
	assert_int_equal(getxattr(in_share("file"), "user.one", value, 256), 0);
	assert_int_equal(set_xattr(n, "user.none", "", 0, XATTR_REPLACE | P9_XATTR_EMPTY), ENODATA);
	assert_int_equal(set_xattr(n, "user.one", "1", 1, XATTR_REPLACE), 0);
	assert_int_equal(set_xattr(n, "security.capability", capability, 20, 0), 0);
	assert_int_equal(getxattr(in_share("file"), "security.capability", value, 256), 20);
	assert_memory_equal(value, capability, 20);
	assert_int_equal(set_xattr(n, "system.posix_acl_access", list, 44, 0), 0);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 1, 2, "user.one"), 0);
	assert_int_equal(nine_number(n->reply + 7, 8), 1);
	assert_int_equal(nine_read(n, 2, 0, 10), 1);
	/* The value was read when it was asked for: it does not change its size in between. */
	assert_int_equal(setxattr(in_share("file"), "user.one", "larger now", 10, 0), 0);
	assert_int_equal(nine_read(n, 2, 0, 10), 1);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 1, 3, ""), 0);
	assert_true(nine_read(n, 3, 0, 1000) > 30);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 1, 4, "user.three"), ENODATA);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 1, 3, "user.one"), EBADF);
}

static void takes_attributes_only_whole_and_in_order(void **state)
{
	struct nine *n = *state;
	char value[8];

	put(in_share("file"), "");
	for (int i = 1; i <= 6; i++)
		assert_int_equal(nine_walk(n, ROOT, (unsigned int)i, "file"), 0);
	/* CVE-2016-9103: nothing can be read before it was written. */
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)8, 0), 0);
	assert_int_equal(nine_read(n, 1, 0, 8), -EBADF);
	assert_int_equal(nine_write(n, 1, 4, "1234", 4), -EINVAL);
	assert_int_equal(nine_write(n, 1, 0, "123456789", 9), -EINVAL);
	assert_int_equal(nine_write(n, 1, 0, "1234", 4), 4);
	assert_int_equal(nine_clunk(n, 1), EINVAL);
	assert_int_equal(getxattr(in_share("file"), "user.a", value, 8), -1);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "user.a", (uint64_t)65537, 0), E2BIG);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "user.a", UINT64_MAX, 0), E2BIG);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "", (uint64_t)1, 0), ERANGE);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "user.a", (uint64_t)1, 4), EINVAL);
	end_client(n);
	/* What waits to be set is bounded. */
	*state = n = new_client(&(struct session_limits){.xattr_bytes = 100000});
	for (unsigned int fid = 1; fid <= 2; fid++)
		assert_int_equal(nine_walk(n, ROOT, fid, "file"), 0);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 1, "user.a", (uint64_t)65536, 0), 0);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "user.a", (uint64_t)65536, 0),
			 ENOMEM);
	nine_clunk(n, 1);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 2, "user.a", (uint64_t)65536, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(makes_reads_and_writes),
		TEST(makes_names_of_all_kinds),
		TEST(lists_directories),
		TEST(acts_on_the_file_and_not_on_its_name),
		TEST(version_of_a_file_says_whether_it_changed),
		TEST(version_knows_coarse_times),
		TEST(refuses_names_that_lead_elsewhere),
		TEST(up_does_not_leave_the_share),
		TEST(follows_no_link),
		TEST(follows_no_link_that_is_swapped_in),
		TEST(opens_no_special_file),
		TEST(answers_each_message_in_each_state),
		TEST(refuses_broken_messages),
		TEST(bounds_counts_and_offsets),
		TEST(holds_large_and_sparse_files),
		TEST(takes_names_of_any_bytes),
		TEST(makes_files_for_their_users),
		TEST(sets_and_gets_attributes),
		TEST(takes_attributes_only_whole_and_in_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files", tests, begin_all, end_all);
}
