/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes a session of the file server on a real directory: the input is a row of requests for a few
 * fids and names. Beside them are a directory and links to it, in which nothing may happen.
 *
 * What must hold: each answer is one of 9P. Nothing outside the share is read or changed. After a
 * new Tversion no descriptor is left open.
 */
#include "helpers/files/message.h"
#include "helpers/files/session.h"

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define MSIZE 8192

static struct session *session;
static int share, outside;
static int home, proc; /* libFuzzer's working directory, and the session's */
static struct stat secret;
static bool in_session;
static uint8_t message[MSIZE], reply[MSIZE];
static size_t at;

/* What would be deferred is done at once. libFuzzer has a thread, too. */
WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*f)(void *),
     void *argument)
{
	return in_session ? EAGAIN : __real_pthread_create(thread, attributes, f, argument);
}

static void answer_later(struct channel *channel, const uint8_t *bytes, size_t size)
{
	(void)channel, (void)bytes, (void)size;
	must(!"an answer that was not asked for");
}

static struct channel channel = {answer_later};

/* Names of the share. What is not the name of a file leads nowhere. */
static const struct {
	const char *bytes;
	size_t size;
} names[] = {{"a", 1},	    {"b", 1},
	     {"d", 1},	    {"e", 1},
	     {"out", 3},    {"file", 4},
	     {"user.x", 6}, {"", 0},
	     {".", 1},	    {"..", 2},
	     {"a/b", 3},    {"../secret", 9},
	     {"a\0", 2},    {"system.posix_acl_access", 23}};

static const uint64_t numbers[] = {
	0,	    1,	       2,	  0x1ff,	  0100644,	  0040755,	0010666,
	0120777,    0x200,     01102,	  4096,		  65536,	  0x7fffffff,	0xffffffff,
	UINT64_MAX, INT64_MAX, INT64_MIN, 0x100000000ULL, 0x1ffffffffULL, 0xfffffff8ULL};

static void put(uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		message[at++] = (uint8_t)(value >> 8 * i);
}

static uint64_t any_number(struct bytes *in)
{
	uint8_t what = take8(in);

	return what < 100   ? numbers[what % (sizeof(numbers) / sizeof(*numbers))]
	       : what < 200 ? (uint64_t)(what - 100)
			    : take32(in);
}

static void put_name(struct bytes *in)
{
	size_t i = take8(in) % (sizeof(names) / sizeof(*names));

	put(names[i].size, 2);
	memcpy(message + at, names[i].bytes, names[i].size);
	at += names[i].size;
}

/* f: one of a few fids. n: a name. b, d, q: a number. W: a walk. D: data. */
static const struct {
	uint8_t type;
	const char *layout;
} forms[] = {
	{TSTATFS, "f"},	     {TLOPEN, "fd"},	     {TLCREATE, "fnddd"},
	{TSYMLINK, "fnnd"},  {TMKNOD, "fndddd"},     {TRENAME, "ffn"},
	{TREADLINK, "f"},    {TGETATTR, "fq"},	     {TSETATTR, "fddddqqqqq"},
	{TXATTRWALK, "ffn"}, {TXATTRCREATE, "fnqd"}, {TREADDIR, "fqd"},
	{TFSYNC, "fd"},	     {TLOCK, "fbdqqdn"},     {TGETLOCK, "fbqqdn"},
	{TLINK, "ffn"},	     {TMKDIR, "fndd"},	     {TRENAMEAT, "fnfn"},
	{TUNLINKAT, "fnd"},  {TATTACH, "ffnnd"},     {TFLUSH, "w"},
	{TWALK, "ffW"},	     {TWALK, "ffW"},	     {TREAD, "fqd"},
	{TWRITE, "fqD"},     {TCLUNK, "f"},	     {TREMOVE, "f"},
};

static void put_field(char form, struct bytes *in)
{
	uint32_t count;

	switch (form) {
	case 'f':
		put(take8(in) % 6, 4);
		break;
	case 'n':
		put_name(in);
		break;
	case 'W':
		count = take8(in) % 4;
		put(count, 2);
		while (count-- > 0)
			put_name(in);
		break;
	case 'D':
		count = take8(in);
		put(count, 4);
		memset(message + at, 'd', count);
		at += count;
		break;
	default:
		put(any_number(in), form == 'b' ? 1 : form == 'w' ? 2 : form == 'd' ? 4 : 8);
	}
}

static ssize_t send_message(uint8_t type, uint16_t tag)
{
	size_t size = at;

	at = 0;
	put(size, 4);
	put(type, 1);
	put(tag, 2);
	/* Only as many bytes as there are, so that the sanitizer sees what is read behind them. */
	uint8_t *copy = malloc(size);
	memcpy(copy, message, size);
	memset(reply, 0xa5, sizeof(reply));
	in_session = true;
	ssize_t n = session_request(session, &channel, copy, size, reply);
	in_session = false;
	free(copy);
	return n;
}

/* The answer must be of its request, and hold no more than was asked for. */
static void check_answer(uint8_t type, ssize_t n)
{
	must(n >= 7 && n <= MSIZE);
	must((reply[0] | reply[1] << 8) == n && reply[2] == 0 && reply[3] == 0);
	must(reply[5] == 1 && reply[6] == 0);
	if (reply[4] == RLERROR) {
		must(n == 11 && reply[9] == 0 && reply[10] == 0);
		must((reply[7] | reply[8] << 8) > 0);
		return;
	}
	must(reply[4] == type + 1);
	if (type == TREAD || type == TREADDIR)
		must(11 + (reply[7] | reply[8] << 8) == n);
	/* The content of the file outside. */
	if (type == TREAD)
		must(!memmem(reply, (size_t)n, "secret", 6));
}

static void request(struct bytes *in)
{
	uint8_t what = take8(in) % (sizeof(forms) / sizeof(*forms) + 1);

	at = 7;
	if (what == sizeof(forms) / sizeof(*forms)) {
		/* Any bytes as any message but Tversion. */
		uint8_t type = take8(in), count = take8(in) % 40;
		at += take(in, message + at, count);
		if (type != TVERSION)
			check_answer(type, send_message(type, 1));
		return;
	}
	for (const char *form = forms[what].layout; *form; form++)
		put_field(*form, in);
	check_answer(forms[what].type, send_message(forms[what].type, 1));
}

static void begin_session(void)
{
	at = 7;
	put(MSIZE, 4);
	put(8, 2);
	memcpy(message + at, "9P2000.L", 8);
	at += 8;
	must(send_message(TVERSION, UINT16_MAX) > 0 && reply[4] == TVERSION + 1);
}

static void attach(void)
{
	at = 7;
	put(0, 4);
	put(UINT32_MAX, 4);
	put(0, 8);
	must(send_message(TATTACH, 1) == 20);
}

/* Removes all that is in the directory, which it closes. */
static void clear(int directory)
{
	DIR *entries = fdopendir(directory);
	const struct dirent *entry;

	must(entries);
	while ((entry = readdir(entries))) {
		const char *name = entry->d_name;
		if (!strcmp(name, ".") || !strcmp(name, "..") || unlinkat(directory, name, 0) == 0)
			continue;
		must(errno == EISDIR);
		clear(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
		must(unlinkat(directory, name, AT_REMOVEDIR) == 0);
	}
	closedir(entries);
}

static void fill(void)
{
	must(symlinkat("../outside", share, "out") == 0);
	must(mkdirat(share, "d", 0755) == 0);
	int fd = openat(share, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	must(fd >= 0 && write(fd, "content", 7) == 7);
	close(fd);
}

static void check_outside(void)
{
	struct stat st;

	must(fstatat(outside, "secret", &st, 0) == 0);
	must(st.st_ino == secret.st_ino && st.st_mode == secret.st_mode && st.st_nlink == 1 &&
	     st.st_uid == 0 && st.st_size == 6 && st.st_mtim.tv_sec == secret.st_mtim.tv_sec &&
	     st.st_mtim.tv_nsec == secret.st_mtim.tv_nsec &&
	     st.st_ctim.tv_nsec == secret.st_ctim.tv_nsec);
	must(fstat(outside, &st) == 0 && st.st_nlink == 2 && st.st_size == secret.st_blksize);
}

/* Memory, not a disk. */
static char top[] = "/dev/shm/runx-fuzz.XXXXXX";

static void leave(void)
{
	unlinkat(outside, "secret", 0);
	int up = open(top, O_PATH | O_DIRECTORY);
	unlinkat(up, "outside", AT_REMOVEDIR);
	unlinkat(up, "share", AT_REMOVEDIR);
	rmdir(top);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd;

	(void)argc, (void)argv;
	home = open(".", O_PATH | O_DIRECTORY);
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	must(mkdtemp(top) && session_prepare(proc) == 0);
	atexit(leave);
	int up = open(top, O_PATH | O_DIRECTORY);
	must(mkdirat(up, "share", 0755) == 0 && mkdirat(up, "outside", 0755) == 0);
	share = openat(up, "share", O_RDONLY | O_DIRECTORY);
	outside = openat(up, "outside", O_RDONLY | O_DIRECTORY);
	fd = openat(outside, "secret", O_CREAT | O_WRONLY, 0600);
	must(fd >= 0 && write(fd, "secret", 6) == 6);
	close(fd);
	close(up);
	must(fstatat(outside, "secret", &secret, 0) == 0);
	struct stat st;
	must(fstat(outside, &st) == 0);
	secret.st_blksize = (blksize_t)st.st_size;
	struct session_limits limits = {
		.fids = 8, .descriptors = 4, .opens = 6, .waiting = 1, .xattr_bytes = 200000};
	int root = openat(share, ".", O_PATH | O_DIRECTORY);
	session = session_new(root, proc, MSIZE, &limits);
	must(session);
	begin_session();
	return fchdir(home);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {.at = data, .left = size};

	/* libFuzzer opens some of its own between two inputs. */
	int spare = dup(0), next;
	close(spare);
	must(fchdir(proc) == 0);
	fill();
	attach();
	while (in.left > 0)
		request(&in);
	begin_session();
	check_outside();
	clear(openat(share, ".", O_RDONLY | O_DIRECTORY));
	next = dup(0);
	/* The one by which handles are opened comes once, and stays. */
	must(next <= spare + 1);
	close(next);
	return fchdir(home);
}
