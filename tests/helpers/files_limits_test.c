/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests what the file server may hold, and what it does at the end of it: descriptors, fids, space.
 *
 * usage: files_limits_test [FIDS [FAILURES]]   default: 3000 fids, and 500 failures of each kind
 */
#include "share.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* Of the sanitizer with which this is built. gcc has no header for it. */
size_t __sanitizer_get_current_allocated_bytes(void);

static unsigned int rounds = 3000, failures = 500;

static size_t descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static const char *numbered(unsigned int number)
{
	static char name[32];

	snprintf(name, sizeof(name), "f%u", number);
	return name;
}

static struct nine *restart(void **state, const struct session_limits *limits)
{
	end_client(*state);
	*state = new_client(limits);
	return *state;
}

/* ---- descriptors ---- */

static void closes_and_reopens_files(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.descriptors = 16});
	struct nine_attributes a;
	uint64_t paths[200];
	size_t before = descriptors();

	for (unsigned int i = 0; i < 200; i++) {
		put(in_share(numbered(i)), "content");
		assert_int_equal(nine_walk(n, ROOT, 1000 + i, numbered(i)), 0);
		assert_int_equal(nine_getattr(n, 1000 + i, &a), 0);
		paths[i] = a.path;
	}
	assert_true(descriptors() <= before + 18);
	/* They are what they were, by other names and in other places. */
	assert_int_equal(mkdir(in_share("dir"), 0755), 0);
	for (unsigned int i = 0; i < 200; i++) {
		char to[64];
		snprintf(to, sizeof(to), "dir/%u", 199 - i);
		assert_int_equal(rename(in_share(numbered(i)), in_share(to)), 0);
		put(in_share(numbered(i)), "another");
	}
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(nine_getattr(n, 1000 + i, &a), 0);
		assert_int_equal(a.path, paths[i]);
		assert_int_equal(nine_walk(n, 1000 + i, 2000, ""), 0);
		assert_int_equal(nine_open(n, 2000, 0), 0);
		assert_int_equal(nine_read(n, 2000, 0, 10), 7);
		assert_memory_equal(n->reply + 11, "content", 7);
		assert_int_equal(nine_clunk(n, 2000), 0);
	}
	/* What is open stays, even if its name and its descriptor are gone. */
	assert_int_equal(nine_open(n, 1000, 2), 0);
	for (unsigned int i = 1; i < 100; i++)
		assert_int_equal(nine_getattr(n, 1000 + i, &a), 0);
	assert_int_equal(unlink(in_share("dir/199")), 0);
	assert_int_equal(unlink(in_share("dir/49")), 0); /* 1150, closed */
	assert_int_equal(nine_write(n, 1000, 0, "more than before", 16), 16);
	assert_int_equal(nine_getattr(n, 1000, &a), 0);
	assert_int_equal(a.size, 16);
	assert_int_equal(a.links, 0);
	assert_int_equal(nine_setattr(n, 1000, 9, 0600, 0, 0, 3, 0, 0), 0);
	assert_int_equal(nine_getattr(n, 1000, &a), 0);
	assert_int_equal(a.size, 3);
	assert_int_equal(nine_getattr(n, 1150, &a), ESTALE);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(nine_clunk(n, 1000 + i), 0);
	assert_true(descriptors() <= before + 2);
}

/*
 * Starts a server with eight descriptors and takes all: one is the root's, and the fids 10 to 16
 * are files without names, which cannot be opened again. `file` has a name.
 */
static struct nine *without_descriptors(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.descriptors = 8});

	for (unsigned int fid = 10; fid <= 16; fid++) {
		put(in_share("file"), "");
		assert_int_equal(nine_walk(n, ROOT, fid, "file"), 0);
		assert_int_equal(unlink(in_share("file")), 0);
	}
	put(in_share("file"), "");
	return n;
}

static void keeps_what_cannot_be_reopened(void **state)
{
	struct nine *n = without_descriptors(state);
	struct nine_attributes a;

	assert_int_equal(nine_walk(n, ROOT, 17, "file"), ENFILE);
	assert_int_equal(nine_getattr(n, 10, &a), 0);
	assert_int_equal(nine_clunk(n, 12), 0);
	assert_int_equal(nine_walk(n, ROOT, 17, "file"), 0);
}

/* A guest that tries again with O_EXCL must not find the file of its first try. */
static void leaves_no_file_behind_when_descriptors_run_out(void **state)
{
	struct nine *n = without_descriptors(state);

	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_create(n, 1, "new", 0202, 0600, 0), ENFILE);
	assert_int_equal(access(in_share("new"), F_OK), -1);
	assert_int_equal(nine_clunk(n, 12), 0);
	/* What fails gives the place of its descriptor back. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(nine_create(n, 1, "file", 0202, 0600, 0), EEXIST);
	assert_int_equal(nine_create(n, 1, "new", 0202, 0600, 0), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "file"), 0); /* for it, the new one's is closed */
	assert_int_equal(nine_write(n, 1, 0, "content", 7), 7);
	assert_int_equal(nine_clunk(n, 1), 0);
}

static void bounds_fids(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.fids = 100});
	unsigned int i;

	for (i = 1; i < 100; i++)
		assert_int_equal(nine_walk(n, ROOT, i * 7919, ""), 0);
	assert_int_equal(nine_walk(n, ROOT, 1, ""), ENFILE);
	assert_int_equal(nine_attach(n, 1, 0), ENFILE);
	assert_int_equal(nine_clunk(n, 7919), 0);
	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_version(n, 8192), 0);
	assert_int_equal(nine_clunk(n, 1), EBADF);
}

static void serves_many_fids_and_entries(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.descriptors = 256});
	struct nine_attributes a;

	for (unsigned int i = 0; i < rounds; i++) {
		assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
		assert_int_equal(nine_create(n, 1, numbered(i), 01, 0600, 0), 0);
		assert_int_equal(nine_clunk(n, 1), 0);
		assert_int_equal(nine_walk(n, ROOT, 10 + i, numbered(i)), 0);
	}
	for (unsigned int i = 0; i < rounds; i++)
		assert_int_equal(nine_getattr(n, 10 + i, &a), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, ""), 0);
	assert_int_equal(nine_open(n, 2, 0), 0);
	uint64_t offset = 0;
	size_t entries = 0, size;
	do {
		assert_int_equal(nine_ask(n, TREADDIR, "dqd", 2, offset, 60000), 0);
		size = nine_number(n->reply + 7, 4);
		for (const uint8_t *at = n->reply + 11; at < n->reply + 11 + size; entries++) {
			offset = nine_number(at + 13, 8);
			at += 24 + nine_number(at + 22, 2);
		}
	} while (size > 0);
	assert_int_equal(entries, rounds + 2);
	for (unsigned int i = 0; i < rounds; i++)
		assert_int_equal(nine_ask(n, TREMOVE, "d", 10 + i), 0);
	assert_int_equal(rmdir(share), 0);
}

/* ---- leaks ---- */

/* One of each way to fail, with what a fault would leave behind. */
static void fail_in_all_ways(struct nine *n, int holder)
{
	static char large[70000];

	(void)holder;
	assert_int_equal(nine_walk(n, ROOT, 50, "none"), ENOENT);
	assert_int_equal(nine_walk(n, ROOT, 50, "dir/none/none"), ENOENT);
	assert_int_equal(nine_walk(n, ROOT, 1, "file"), EBADF);
	assert_int_equal(nine_walk(n, 77, 50, "file"), EBADF);
	assert_int_equal(nine_walk(n, 2, 2, "dir"), ENOTDIR);
	assert_int_equal(nine_attach(n, 1, 0), EBADF);
	assert_int_equal(nine_open(n, 3, 0), ENXIO);
	assert_int_equal(nine_open(n, 1, 1), EISDIR);
	assert_int_equal(nine_open(n, 1, 3), EINVAL);
	assert_int_equal(nine_create(n, 1, "file", 0202, 0600, 0), EEXIST);
	assert_int_equal(nine_create(n, 1, "fifo", 02, 0600, 0), ENXIO);
	assert_int_equal(nine_create(n, 1, "link", 02, 0600, 0), ELOOP);
	assert_int_equal(nine_create(n, 1, "dir", 02, 0600, 0), EISDIR);
	assert_int_equal(nine_create(n, 2, "x", 02, 0600, 0), EBADF);
	assert_int_equal(nine_ask(n, TMKDIR, "dsdd", 1, "dir", 0755, 0), EEXIST);
	assert_int_equal(nine_ask(n, TSYMLINK, "dssd", 1, "dir", "x", 0), EEXIST);
	assert_int_equal(nine_ask(n, TMKNOD, "dsdddd", 1, "dir", S_IFIFO, 0, 0, 0), EEXIST);
	assert_int_equal(nine_ask(n, TLINK, "dds", 1, 2, "dir"), EEXIST);
	assert_int_equal(nine_ask(n, TLINK, "dds", 1, 77, "dir"), EBADF);
	assert_int_equal(nine_ask(n, TRENAMEAT, "dsds", 1, "none", 1, "x"), ENOENT);
	assert_int_equal(nine_ask(n, TRENAMEAT, "dsds", 1, "none", 77, "x"), EBADF);
	assert_int_equal(nine_ask(n, TRENAME, "dds", 1, 1, "x"), EBUSY);
	assert_int_equal(nine_ask(n, TRENAME, "dds", 2, 1, "dir"), EISDIR);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", 1, "dir", 0x200), ENOTEMPTY);
	assert_int_equal(nine_walk(n, 1, 50, "dir"), 0);
	assert_int_equal(nine_ask(n, TREMOVE, "d", 50), ENOTEMPTY);
	assert_int_equal(nine_ask(n, TREADLINK, "d", 1), EINVAL);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 2, 50, "user.none"), ENODATA);
	assert_int_equal(nine_ask(n, TXATTRWALK, "dds", 2, 1, "user.x"), EBADF);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 1, "", (uint64_t)1, 0), ERANGE);
	assert_int_equal(nine_walk(n, 2, 50, ""), 0);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 50, "user.y", (uint64_t)9, 0), 0);
	assert_int_equal(nine_ask(n, TXATTRCREATE, "dsqd", 50, "user.y", (uint64_t)9, 0), EBADF);
	assert_int_equal(nine_write(n, 50, 5, "x", 1), -EINVAL);
	assert_int_equal(nine_clunk(n, 50), EINVAL);
	assert_int_equal(nine_read(n, 2, UINT64_MAX, 5), -EINVAL);
	assert_int_equal(nine_read(n, 1, 0, 5), -EBADF);
	assert_int_equal(nine_lock(n, 2, 9, 0, 0, 0, 1), EINVAL);
	assert_int_equal(nine_lock(n, 2, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 0, 1), 0);
	assert_int_equal(n->reply[7], P9_LOCK_BLOCKED);
	assert_int_equal(nine_clunk(n, 77), EBADF);
	assert_int_equal(nine_ask(n, TREMOVE, "d", 77), EBADF);
	assert_int_equal(nine_ask(n, TMKDIR, "dSdd", 1, (size_t)60000, (void *)large, 0755, 0),
			 ENAMETOOLONG);
	assert_int_equal(nine_ask(n, 77, ""), EOPNOTSUPP);
	assert_int_equal(nine_ask(n, TREAD, ""), EPROTO);
	/* Interrupted, and given up by a clunk. */
	assert_int_equal(nine_walk(n, 2, 50, ""), 0);
	assert_int_equal(nine_open(n, 50, 2), 0);
	size_t answers = n->late_count;
	n->tag = 7;
	assert_int_equal(nine_lock(n, 50, P9_WRITE_LOCK, P9_LOCK_FCNTL | P9_LOCK_BLOCK, 0, 0, 9),
			 -1);
	n->tag = 8;
	assert_int_equal(nine_ask(n, TFLUSH, "w", 7), -1);
	nine_await(n, answers + 1);
	n->tag = 7;
	assert_int_equal(nine_lock(n, 50, P9_WRITE_LOCK, P9_LOCK_FCNTL | P9_LOCK_BLOCK, 0, 0, 9),
			 -1);
	n->tag = 0;
	assert_int_equal(nine_clunk(n, 50), 0);
	nine_await(n, answers + 2);
}

static void leaks_nothing_when_requests_fail(void **state)
{
	struct nine *n = *state;
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	size_t bytes = 0, open_before = 0;

	put(in_share("file"), "content");
	assert_int_equal(setxattr(in_share("file"), "user.x", "y", 1, 0), 0);
	assert_int_equal(mkdir(in_share("dir"), 0755), 0);
	put(in_share("dir/file"), "");
	assert_int_equal(mkfifo(in_share("fifo"), 0600), 0);
	assert_int_equal(symlink("/etc/passwd", in_share("link")), 0);
	int holder = open(in_share("file"), O_RDWR);
	assert_int_equal(fcntl(holder, F_OFD_SETLK, &range), 0);
	assert_int_equal(nine_walk(n, ROOT, 1, ""), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "file"), 0);
	assert_int_equal(nine_open(n, 2, 2), 0);
	assert_int_equal(nine_walk(n, ROOT, 3, "fifo"), 0);
	for (unsigned int i = 0; i <= failures; i++) {
		if (i == 1) {
			usleep(100000); /* threads end */
			bytes = __sanitizer_get_current_allocated_bytes();
			open_before = descriptors();
		}
		fail_in_all_ways(n, holder);
	}
	usleep(100000);
	assert_int_equal(descriptors(), open_before);
	assert_true(__sanitizer_get_current_allocated_bytes() <= bytes + 4096);
	close(holder);
}

/* ---- space, and other mounts ---- */

static void mount_in(const char *name, const char *options)
{
	assert_int_equal(mkdir(in_share(name), 0755), 0);
	assert_int_equal(mount("tmpfs", in_share(name), "tmpfs", 0, options), 0);
}

static void tells_when_the_disk_is_full(void **state)
{
	struct nine *n = *state;
	static char page[4096] = {1};
	int r;

	mount_in("small", "size=64k,nr_inodes=8");
	assert_int_equal(nine_walk(n, ROOT, 1, "small"), 0);
	assert_int_equal(nine_create(n, 1, "file", 02, 0600, 0), 0);
	for (uint64_t at = 0; (r = nine_write(n, 1, at, page, 4096)) > 0 && at < 1 << 20;)
		at += 4096;
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(nine_ask(n, TSTATFS, "d", 1), 0);
	assert_int_equal(nine_number(n->reply + 7, 4), 0x01021994);
	assert_int_equal(nine_number(n->reply + 15, 8), 16);
	assert_int_equal(nine_number(n->reply + 23, 8), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "small"), 0);
	for (unsigned int i = 0; (r = nine_ask(n, TMKDIR, "dsdd", 2, numbered(i), 0700, 0)) == 0;)
		i++;
	assert_int_equal(r, ENOSPC);
	umount2(in_share("small"), MNT_DETACH);
}

static void tells_inodes_of_two_devices_apart(void **state)
{
	struct nine *n = *state;
	struct nine_attributes a, b;

	mount_in("one", "");
	mount_in("two", "");
	put(in_share("one/file"), "1");
	put(in_share("two/file"), "2");
	struct stat one, two;
	assert_int_equal(stat(in_share("one/file"), &one), 0);
	assert_int_equal(stat(in_share("two/file"), &two), 0);
	assert_int_equal(one.st_ino, two.st_ino);
	assert_int_equal(nine_walk(n, ROOT, 1, "one/file"), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "two/file"), 0);
	assert_int_equal(nine_getattr(n, 1, &a), 0);
	assert_int_equal(nine_getattr(n, 2, &b), 0);
	assert_int_not_equal(a.path, b.path);
	assert_int_equal(nine_walk(n, ROOT, 3, "one"), 0);
	assert_int_equal(nine_walk(n, ROOT, 4, "two"), 0);
	assert_int_equal(nine_ask(n, TRENAMEAT, "dsds", 3, "file", 4, "file"), EXDEV);
	assert_int_equal(nine_ask(n, TLINK, "dds", 4, 1, "hard"), EXDEV);
	assert_int_equal(nine_ask(n, TUNLINKAT, "dsd", ROOT, "one", 0x200), EBUSY);
	umount2(in_share("one"), MNT_DETACH);
	umount2(in_share("two"), MNT_DETACH);
}

/* A mount of the same device may allow less. A file that was closed comes back by its own mount. */
static void reopens_by_the_same_mount(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.descriptors = 4});
	struct nine_attributes a;

	mount_in("one", "");
	put(in_share("one/file"), "1");
	assert_int_equal(mkdir(in_share("ro"), 0755), 0);
	assert_int_equal(mount(in_share("one"), in_share("ro"), NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, in_share("ro"), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
			 0);
	assert_int_equal(nine_walk(n, ROOT, 1, "one/file"), 0);
	assert_int_equal(nine_walk(n, ROOT, 2, "ro/file"), 0);
	for (unsigned int i = 0; i < 10; i++) {
		put(in_share(numbered(i)), "");
		assert_int_equal(nine_walk(n, ROOT, 10 + i, numbered(i)), 0);
	}
	assert_int_equal(nine_getattr(n, 2, &a), 0);
	assert_int_equal(nine_setattr(n, 2, 1, 0777, 0, 0, 0, 0, 0), EROFS);
	assert_int_equal(nine_setattr(n, 2, 8, 0, 0, 0, 0, 0, 0), EROFS);
	assert_int_equal(nine_open(n, 2, 1), EROFS);
	assert_int_equal(nine_open(n, 1, 1), 0);
	umount2(in_share("ro"), MNT_DETACH);
	umount2(in_share("one"), MNT_DETACH);
}

/*
 * A symlink cannot be opened by a handle as long as nothing of its mount was opened. Later it can.
 */
static void closes_symlinks_once_their_mount_is_known(void **state)
{
	struct nine *n = restart(state, &(struct session_limits){.descriptors = 4});
	struct nine_attributes a;
	char path[16];

	mount_in("one", "");
	for (unsigned int i = 1; i <= 3; i++) {
		snprintf(path, sizeof(path), "one/%u", i);
		assert_int_equal(symlink("target", in_share(path)), 0);
		assert_int_equal(nine_walk(n, ROOT, i, path), 0);
	}
	assert_int_equal(nine_walk(n, ROOT, 4, "one"), ENFILE);
	assert_int_equal(nine_clunk(n, 3), 0);
	assert_int_equal(nine_walk(n, ROOT, 4, "one"), 0);
	/* Three that cannot be closed: the directory and both symlinks make room for them. */
	for (unsigned int i = 0; i < 3; i++) {
		put(in_share("file"), "");
		assert_int_equal(nine_walk(n, ROOT, 10 + i, "file"), 0);
		assert_int_equal(unlink(in_share("file")), 0);
	}
	assert_int_equal(nine_clunk(n, 10), 0);
	for (unsigned int fid = 1; fid <= 2; fid++) {
		assert_int_equal(nine_getattr(n, fid, &a), 0);
		assert_int_equal(a.mode & S_IFMT, S_IFLNK);
	}
	umount2(in_share("one"), MNT_DETACH);
}

/* Nobody else sees the mounts of these tests. */
static int begin_alone(void **state)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return begin_all(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(closes_and_reopens_files),
		TEST(keeps_what_cannot_be_reopened),
		TEST(leaves_no_file_behind_when_descriptors_run_out),
		TEST(bounds_fids),
		TEST(serves_many_fids_and_entries),
		TEST(leaks_nothing_when_requests_fail),
		TEST(tells_when_the_disk_is_full),
		TEST(tells_inodes_of_two_devices_apart),
		TEST(reopens_by_the_same_mount),
		TEST(closes_symlinks_once_their_mount_is_known),
	};

	if (argc > 1)
		rounds = (unsigned int)atoi(argv[1]);
	if (argc > 2)
		failures = (unsigned int)atoi(argv[2]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files limits", tests, begin_alone, end_all);
}
