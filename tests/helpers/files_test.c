/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the file server's sessions: what a guest's kernel asks, on a directory of the host. */
#include "nine.h"

#include "helpers/shared/common.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define ROOT 0 /* the fid of the root; uid 0 */

static char top[] = "/tmp/runx-files.XXXXXX";
static char share[64], outside[64];
static int proc;

static const char *in_share(const char *name)
{
	static char path[4][512];
	static unsigned int at;

	at = (at + 1) % 4;
	snprintf(path[at], sizeof(path[at]), "%s/%s", share, name);
	return path[at];
}

static void put(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static const char *content(const char *path)
{
	static char bytes[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);

	assert_true(n >= 0);
	bytes[n] = '\0';
	close(fd);
	return bytes;
}

/* ---- each test has an empty share and a session ---- */

static struct session *new_session(const struct session_limits *limits)
{
	int root = open(share, O_PATH | O_DIRECTORY);
	struct session *session = session_new(root, proc, NINE_MSIZE, limits);

	assert_non_null(session);
	close(root);
	return session;
}

static struct nine *new_client(const struct session_limits *limits)
{
	struct nine *nine = malloc(sizeof(*nine));

	nine_begin(nine, new_session(limits));
	assert_int_equal(nine_version(nine, NINE_MSIZE), 0);
	assert_int_equal(nine_attach(nine, ROOT, 0), 0);
	return nine;
}

static void end_client(struct nine *nine)
{
	session_end(nine->session);
	free(nine);
}

static int begin(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/* && mkdir %s %s", top, share, outside);
	assert_int_equal(system(command), 0);
	*state = new_client(&(struct session_limits){0});
	return 0;
}

static int end(void **state)
{
	end_client(*state);
	return 0;
}

static int begin_all(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(share, sizeof(share), "%s/share", top);
	snprintf(outside, sizeof(outside), "%s/outside", top);
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	assert_int_equal(session_prepare(proc), 0);
	return 0;
}

static int end_all(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static size_t descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(makes_reads_and_writes),
		TEST(makes_names_of_all_kinds),
		TEST(lists_directories),
		TEST(acts_on_the_file_and_not_on_its_name),
		TEST(version_of_a_file_says_whether_it_changed),
	};

	(void)descriptors;
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
