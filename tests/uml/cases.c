// SPDX-License-Identifier: Apache-2.0
// What programs see of a share of the guest kernel's 9P client, while somebody else works in its
// directory.
//
// usage: cases HOST SHARE MODE [COUNTS]
//
// HOST is the directory that is served, SHARE where it is mounted, MODE root, bind (mounted with
// directio), or few (the server has few descriptors). Prints a line for each case, and with COUNTS
// (see serve.c) how many requests operations take. The status is 1 if a case failed.

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *host_root, *share_root;
static bool bind_mode, case_failed;
static volatile uint64_t *counts;

static const char *path(const char *root, const char *name)
{
	static char paths[16][256];
	static int next;
	char *p = paths[next++ % 16];

	snprintf(p, 256, "%s/%s", root, name);
	return p;
}

#define HOST(name)  path(host_root, name)
#define SHARE(name) path(share_root, name)

static void bad(const char *format, ...)
{
	va_list ap;

	case_failed = true;
	printf("#   ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			bad("line %d: %s (%s)", __LINE__, #x, strerror(errno));                    \
	} while (0)

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "%s", file);
	close(fd);
}

static const char *get(const char *file)
{
	static char text[4096];
	int fd = open(file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? strerror(errno) : text;
}

static bool has(const char *file, const char *text)
{
	if (!strcmp(get(file), text))
		return true;
	bad("%s has \"%s\", not \"%s\"", file, get(file), text);
	return false;
}

// More than a second of the kernel's ticks. On a busy machine, User-mode Linux loses some.
static void names_expire(void)
{
	clock_t start = times(NULL);

	while (times(NULL) - start < sysconf(_SC_CLK_TCK) * 12 / 10)
		usleep(10000);
}

// In the root, an fstat right after its open may have what the open found.
static void attributes_expire(void)
{
	clock_t start = times(NULL);

	while (!bind_mode && times(NULL) - start < 3)
		usleep(10000);
}

// Runs `work` as uid 1000. Returns its result.
static int as_user(int (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(work());
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

// ---- cases ----

static void appends_arrive(void)
{
	int guest = open(SHARE("log"), O_WRONLY | O_APPEND | O_CREAT, 0644),
	    host = open(HOST("log"), O_WRONLY | O_APPEND);
	char want[4096] = "", line[16];

	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "%c%d\n", i % 2 ? 'h' : 'g', i);
		strcat(want, line);
		CHECK(write(i % 2 ? host : guest, line, strlen(line)) == (ssize_t)strlen(line));
	}
	has(HOST("log"), want);
	has(SHARE("log"), want);
	CHECK(lseek(guest, 0, SEEK_CUR) == (off_t)strlen(want) - 4);
	close(guest);
	close(host);
}

// Two programs of the VM and one of the host.
static void appends_together(void)
{
	pid_t pids[3];
	char line[32], *text;
	struct stat st;
	int fd, seen = 0;

	for (int p = 0; p < 3; p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			fd = open(p == 2 ? HOST("together") : SHARE("together"),
				  O_WRONLY | O_APPEND | O_CREAT, 0644);
			for (int i = 0; i < 300; i++) {
				int n = snprintf(line, sizeof(line), "%d line %d\n", p, i);
				if (write(fd, line, (size_t)n) != n)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int p = 0; p < 3; p++)
		waitpid(pids[p], &fd, 0);
	fd = open(HOST("together"), O_RDONLY);
	fstat(fd, &st);
	text = calloc(1, (size_t)st.st_size + 1);
	CHECK(read(fd, text, (size_t)st.st_size) == st.st_size);
	int next[3] = {0};
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
		int p, i;
		if (sscanf(l, "%d line %d", &p, &i) == 2 && p < 3 && i == next[p])
			next[p]++, seen++;
	}
	if (seen != 900)
		bad("%d of 900 lines", seen);
	free(text);
	close(fd);
}

static void rotated_log(void)
{
	struct stat st;
	int fd = open(SHARE("rotated"), O_WRONLY | O_APPEND | O_CREAT, 0644);

	CHECK(write(fd, "old\n", 4) == 4);
	rename(HOST("rotated"), HOST("rotated.1"));
	put(HOST("rotated"), "");
	CHECK(fstat(fd, &st) == 0 && st.st_size == 4);
	CHECK(write(fd, "late\n", 5) == 5);
	has(HOST("rotated.1"), "old\nlate\n");
	has(HOST("rotated"), "");
	close(fd);
}

static void by_descriptor(bool replaced)
{
	struct timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
	struct stat st, now;
	int fd, keep;

	unlink(HOST("d"));
	put(HOST("d"), "0123456789");
	fd = open(SHARE("d"), O_RDWR);
	keep = open(HOST("d"), O_RDONLY);
	if (replaced) {
		put(HOST("d.new"), "new file");
		chmod(HOST("d.new"), 0644);
		rename(HOST("d.new"), HOST("d"));
	} else {
		unlink(SHARE("d"));
	}
	CHECK(ftruncate(fd, 5) == 0);
	CHECK(fchmod(fd, 0600) == 0);
	CHECK(fchown(fd, 7, 8) == 0);
	CHECK(futimens(fd, times) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 5 && st.st_uid == 7 && st.st_gid == 8 &&
	      (st.st_mode & 0777) == 0600 && st.st_mtim.tv_sec == 2000 &&
	      st.st_mtim.tv_nsec == 987654321 && st.st_nlink == 0);
	CHECK(fstat(keep, &now) == 0 && now.st_size == 5 && now.st_uid == 7 &&
	      (now.st_mode & 0777) == 0600);
	CHECK(pwrite(fd, "x", 1, 0) == 1 && fsync(fd) == 0);
	if (replaced) {
		CHECK(stat(HOST("d"), &now) == 0 && now.st_size == 8 && now.st_uid == 0 &&
		      (now.st_mode & 0777) == 0644);
		names_expire();
		has(SHARE("d"), "new file");
	}
	close(fd);
	close(keep);
}

static void descriptor_of_removed(void)
{
	by_descriptor(false);
}

static void descriptor_of_replaced(void)
{
	by_descriptor(true);
}

static int user_opens(void)
{
	int held = open(SHARE("secret"), O_RDWR), fd;
	char byte = 0;

	if (held < 0)
		return 1;
	usleep(500000); // meanwhile it is replaced
	fd = open(SHARE("secret"), O_RDONLY);
	if (fd >= 0 && (read(fd, &byte, 1) != 1 || byte != 'm'))
		return 2;
	names_expire();
	fd = open(SHARE("secret"), O_RDONLY);
	if (fd >= 0 || errno != EACCES)
		return 3;
	return fchmod(held, 0777) == 0 ? 0 : 4;
}

static void replaced_by_secret(void)
{
	struct stat st;
	int status;
	pid_t pid;

	put(HOST("secret"), "mine");
	CHECK(chown(HOST("secret"), 1000, 1000) == 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(user_opens());
	}
	usleep(300000);
	put(HOST("secret.new"), "secret");
	chmod(HOST("secret.new"), 0600);
	rename(HOST("secret.new"), HOST("secret"));
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status))
		bad("step %d", WEXITSTATUS(status));
	CHECK(stat(HOST("secret"), &st) == 0 && (st.st_mode & 0777) == 0600);
}

static void nanoseconds(void)
{
	struct timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
	struct stat st;

	put(SHARE("times"), "");
	CHECK(utimensat(AT_FDCWD, SHARE("times"), times, 0) == 0);
	CHECK(stat(SHARE("times"), &st) == 0 && st.st_mtim.tv_nsec == 987654321 &&
	      st.st_atim.tv_nsec == 123456789);
	CHECK(stat(HOST("times"), &st) == 0 && st.st_mtim.tv_nsec == 987654321);
}

static const uint8_t net_raw[20] = {1, 0, 0, 2, 0, 0x20};
// version 2; owner rw-, user 1000 r--, group ---, mask r--, others ---
static const uint8_t acl[] = {2, 0,    0,   0,	 1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
			      0, 0xe8, 3,   0,	 0,   4,   0,  0, 0,   255, 255, 255, 255, 16, 0,
			      4, 0,    255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
#define ACCESS_ACL  "system.posix_acl_access"
#define DEFAULT_ACL "system.posix_acl_default"

static int user_reads_acl(void)
{
	return open(SHARE("acl"), O_RDONLY) < 0 || open(SHARE("acl"), O_WRONLY) >= 0 ||
	       open(SHARE("noacl"), O_RDONLY) >= 0;
}

static void attributes(void)
{
	uint8_t value[100];
	struct stat st;

	put(SHARE("caps"), "text");
	CHECK(setxattr(SHARE("caps"), "security.capability", net_raw, sizeof(net_raw), 0) == 0);
	CHECK(getxattr(HOST("caps"), "security.capability", value, sizeof(value)) ==
	      sizeof(net_raw));
	CHECK(getxattr(SHARE("caps"), "security.capability", value, sizeof(value)) ==
	      sizeof(net_raw));
	put(SHARE("caps"), "changed");
	CHECK(getxattr(SHARE("caps"), "security.capability", value, sizeof(value)) < 0 &&
	      errno == ENODATA);

	put(SHARE("acl"), "text");
	put(SHARE("noacl"), "text");
	chmod(SHARE("noacl"), 0640);
	CHECK(setxattr(SHARE("acl"), ACCESS_ACL, acl, sizeof(acl), 0) == 0);
	CHECK(getxattr(HOST("acl"), ACCESS_ACL, value, sizeof(value)) == sizeof(acl));
	CHECK(getxattr(SHARE("acl"), ACCESS_ACL, value, sizeof(value)) == sizeof(acl) &&
	      !memcmp(value, acl, sizeof(acl)));
	CHECK(as_user(user_reads_acl) == 0);

	CHECK(mkdir(SHARE("acls"), 0755) == 0);
	CHECK(setxattr(SHARE("acls"), DEFAULT_ACL, acl, sizeof(acl), 0) == 0);
	umask(077);
	put(SHARE("acls/file"), "");
	CHECK(mkdir(SHARE("acls/dir"), 0777) == 0);
	umask(022);
	CHECK(getxattr(SHARE("acls/file"), ACCESS_ACL, value, sizeof(value)) == sizeof(acl));
	CHECK(getxattr(SHARE("acls/dir"), DEFAULT_ACL, value, sizeof(value)) == sizeof(acl));
	CHECK(stat(SHARE("acls/file"), &st) == 0 && (st.st_mode & 0777) == 0640);
	CHECK(chmod(SHARE("acls/file"), 0600) == 0);
	CHECK(getxattr(SHARE("acls/file"), ACCESS_ACL, value, sizeof(value)) == sizeof(acl) &&
	      value[30] == 0);
	CHECK(removexattr(SHARE("acl"), ACCESS_ACL) == 0);
	CHECK(getxattr(HOST("acl"), ACCESS_ACL, value, sizeof(value)) < 0 && errno == ENODATA);
	CHECK(setxattr(SHARE("acl"), "user.empty", "", 0, 0) == 0);
	CHECK(getxattr(HOST("acl"), "user.empty", value, sizeof(value)) == 0);
	CHECK(setxattr(SHARE("acl"), "user.empty", "", 0, XATTR_REPLACE) == 0);
	CHECK(getxattr(HOST("acl"), "user.empty", value, sizeof(value)) == 0);
	CHECK(removexattr(SHARE("acl"), "user.empty") == 0);
	CHECK(getxattr(HOST("acl"), "user.empty", value, sizeof(value)) < 0 && errno == ENODATA);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void locks(void)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET},
		     part = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value.tv_usec = 200000};
	int guest, host, guest2;

	put(SHARE("lock"), "");
	guest = open(SHARE("lock"), O_RDWR);
	guest2 = open(SHARE("lock"), O_RDWR);
	host = open(HOST("lock"), O_RDWR);
	CHECK(flock(guest, LOCK_EX) == 0);
	CHECK(flock(host, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	CHECK(flock(guest2, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	CHECK(fcntl(host, F_OFD_SETLK, &part) == 0); // flock and fcntl do not meet
	CHECK(flock(guest, LOCK_UN) == 0);
	CHECK(flock(host, LOCK_EX | LOCK_NB) == 0);
	CHECK(flock(guest, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(flock(guest, LOCK_EX) < 0 && errno == EINTR);
	CHECK(flock(host, LOCK_UN) == 0);
	CHECK(flock(guest, LOCK_EX | LOCK_NB) == 0); // what was given up is not held
	CHECK(fcntl(guest, F_SETLK, &part) < 0 && (errno == EAGAIN || errno == EACCES));
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(fcntl(guest, F_SETLKW, &part) < 0 && errno == EINTR);
	part.l_type = F_UNLCK;
	CHECK(fcntl(host, F_OFD_SETLK, &part) == 0);
	part.l_type = F_WRLCK;
	CHECK(fcntl(guest, F_SETLK, &part) == 0);
	CHECK(fcntl(guest2, F_SETLK, &part) == 0); // the same process
	CHECK(fcntl(host, F_OFD_GETLK, &all) == 0 && all.l_type == F_WRLCK && all.l_start == 10 &&
	      all.l_len == 5);
	close(guest2); // a process that closes any descriptor loses its locks
	all = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CHECK(fcntl(host, F_OFD_SETLK, &all) == 0);
	close(guest);
	usleep(100000);
	CHECK(flock(host, LOCK_EX | LOCK_NB) == 0);
	// A host that lets go wakes who waits.
	guest = open(SHARE("lock"), O_RDWR);
	if (fork() == 0) {
		usleep(300000);
		flock(host, LOCK_UN);
		_exit(0);
	}
	CHECK(flock(guest, LOCK_EX) == 0);
	wait(NULL);
	close(guest);
	close(host);
}

static void names(void)
{
	struct stat st;

	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	put(SHARE("absent"), "made");
	has(SHARE("absent"), "made");
	CHECK(unlink(SHARE("absent")) == 0);
	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	CHECK(symlink("elsewhere", SHARE("absent")) == 0);
	CHECK(lstat(SHARE("absent"), &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(unlink(SHARE("absent")) == 0);
	CHECK(mkdir(SHARE("absent"), 0755) == 0);
	CHECK(mkdir(SHARE("absent"), 0755) < 0 && errno == EEXIST);
	CHECK(rmdir(SHARE("absent")) == 0);
	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	put(HOST("absent"), "by the host");
	CHECK(open(SHARE("absent"), O_CREAT | O_EXCL | O_RDWR, 0600) < 0 && errno == EEXIST);
	has(SHARE("absent"), "by the host");
	unlink(HOST("absent"));
	names_expire();
	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	put(HOST("absent"), "again");
	names_expire();
	has(SHARE("absent"), "again");
	CHECK(rename(SHARE("absent"), SHARE("present")) == 0);
	CHECK(stat(SHARE("absent"), &st) < 0 && errno == ENOENT);
	has(SHARE("present"), "again");
	CHECK(link(SHARE("present"), SHARE("absent")) == 0);
	CHECK(stat(SHARE("present"), &st) == 0 && st.st_nlink == 2);
	CHECK(mknod(SHARE("fifo"), S_IFIFO | 0600, 0) == 0);
	CHECK(stat(HOST("fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(mknod(SHARE("node"), S_IFCHR | 0600, 0x103) == 0);
	CHECK(stat(SHARE("node"), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
}

static int user_creates(void)
{
	int fd = open(SHARE("pub/theirs"), O_CREAT | O_RDWR, 0644);

	if (fd >= 0 || errno != EACCES)
		return 1;
	return open(SHARE("pub/mine"), O_CREAT | O_RDWR, 0644) < 0 ||
	       mkdir(SHARE("pub/dir"), 0755) < 0;
}

// A name that was not there is remembered; what the host made there meanwhile is not the user's to
// open.
static void create_over_secret(void)
{
	struct stat st;

	mkdir(SHARE("pub"), 0777);
	chmod(SHARE("pub"), 0777);
	CHECK(stat(SHARE("pub/theirs"), &st) < 0 && errno == ENOENT);
	put(HOST("pub/theirs"), "secret");
	chmod(HOST("pub/theirs"), 0600);
	int step = as_user(user_creates);
	if (step)
		bad("step %d", step);
	CHECK(stat(HOST("pub/mine"), &st) == 0 && st.st_uid == 1000 && st.st_gid == 1000);
	CHECK(stat(HOST("pub/dir"), &st) == 0 && st.st_uid == 1000);
}

// The case for which Linux took 290434474c33 back: the size of the server came over that of pages
// not written yet.
static void unflushed_pages(void)
{
	char page[5000], back[5000];
	struct stat st;
	int a = open(SHARE("unflushed"), O_RDWR | O_CREAT | O_TRUNC, 0644), b;

	memset(page, 'p', sizeof(page));
	for (int i = 0; i < 20; i++) {
		CHECK(write(a, page, sizeof(page)) == sizeof(page));
		if (i % 3 == 1)
			names_expire();
		b = open(SHARE("unflushed"), O_RDONLY);
		CHECK(pread(b, back, sizeof(back), i * 5000) == sizeof(back) &&
		      !memcmp(page, back, sizeof(page)));
		close(b);
		CHECK(stat(SHARE("unflushed"), &st) == 0 && st.st_size == (i + 1) * 5000);
	}
	close(a);
	CHECK(stat(HOST("unflushed"), &st) == 0 && st.st_size == 100000);
}

static volatile bool stop;

static void *stats(void *name)
{
	struct stat st;
	off_t most = 0;

	while (!stop) {
		int fd = open(name, O_RDONLY);
		if (fd < 0 || fstat(fd, &st) || st.st_size < most)
			bad("size %lld after %lld", (long long)st.st_size, (long long)most);
		most = st.st_size;
		close(fd);
	}
	return NULL;
}

static void writes_beside_stats(void)
{
	static char name[256];
	pthread_t threads[2];
	unsigned char byte;
	struct stat st;
	int fd;

	strcpy(name, SHARE("beside"));
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	stop = false;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, stats, name);
	for (int i = 0; i < 20000; i++) {
		byte = (unsigned char)(i * 7);
		CHECK(write(fd, &byte, 1) == 1);
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(fd);
	fd = open(HOST("beside"), O_RDONLY);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 20000);
	for (int i = 0; i < 20000; i++)
		if (read(fd, &byte, 1) != 1 || byte != (unsigned char)(i * 7)) {
			bad("byte %d", i);
			break;
		}
	close(fd);
}

// What the host writes is there at the next open. In a bind mount, at the next read.
static void host_writes(void)
{
	char text[20] = "";
	int fd;

	put(HOST("shared"), "one");
	has(SHARE("shared"), "one");
	put(HOST("shared"), "two");
	has(SHARE("shared"), "two");
	put(HOST("shared"), "three and more");
	has(SHARE("shared"), "three and more");
	fd = open(SHARE("shared"), O_RDONLY);
	CHECK(read(fd, text, 3) == 3);
	put(HOST("shared"), "four");
	has(SHARE("shared"), "four");
	CHECK(pread(fd, text, sizeof(text), 0) == 4 && !memcmp(text, "four", 4));
	int host = open(HOST("shared"), O_WRONLY | O_APPEND);
	CHECK(write(host, "more", 4) == 4);
	struct stat st;
	attributes_expire();
	CHECK(fstat(fd, &st) == 0 && st.st_size == 8);
	CHECK(pread(fd, text, sizeof(text), 4) == 4 && !memcmp(text, "more", 4));
	if (bind_mode) {
		CHECK(write(host, "last", 4) == 4);
		CHECK(pread(fd, text, sizeof(text), 8) == 4 && !memcmp(text, "last", 4));
	}
	close(host);
	close(fd);
	put(SHARE("shared"), "guest");
	has(HOST("shared"), "guest");
}

// The guest writes where the host wrote beyond the end that the guest knew.
static void write_beyond(void)
{
	char text[9000];
	int fd, host;

	put(HOST("beyond"), "0123456789");
	fd = open(SHARE("beyond"), O_RDWR);
	memset(text, 'h', sizeof(text));
	host = open(HOST("beyond"), O_WRONLY | O_APPEND);
	CHECK(write(host, text, 8990) == 8990);
	close(host);
	struct stat st;
	attributes_expire();
	CHECK(fstat(fd, &st) == 0 && st.st_size == 9000);
	CHECK(pwrite(fd, "g", 1, 8500) == 1);
	CHECK(pread(fd, text, 9000, 0) == 9000);
	CHECK(text[10] == 'h' && text[8499] == 'h' && text[8500] == 'g' && text[8501] == 'h' &&
	      text[8999] == 'h');
	close(fd);
	host = open(HOST("beyond"), O_RDONLY);
	CHECK(read(host, text, 9000) == 9000);
	CHECK(text[9] == '9' && text[10] == 'h' && text[8499] == 'h' && text[8500] == 'g' &&
	      text[8999] == 'h');
	close(host);
}

static void links_share(void)
{
	int a, b;
	char text[8] = "";

	put(SHARE("link1"), "abc");
	link(SHARE("link1"), SHARE("link2"));
	names_expire();
	a = open(SHARE("link1"), O_RDWR);
	b = open(SHARE("link2"), O_RDWR);
	CHECK(pwrite(a, "X", 1, 0) == 1);
	CHECK(pread(b, text, 3, 0) == 3 && !memcmp(text, "Xbc", 3));
	close(a);
	close(b);
	has(HOST("link2"), "Xbc");
}

static void maps(void)
{
	int fd = open(SHARE("map"), O_RDWR | O_CREAT | O_TRUNC, 0644), append;
	char *map;

	CHECK(ftruncate(fd, 8192) == 0);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	strcpy(map + 4090, "over the edge");
	append = open(SHARE("map"), O_RDWR | O_APPEND);
	CHECK(write(append, "end", 3) == 3);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, append, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, append, 0) != MAP_FAILED);
	strcpy(map, "begin");
	CHECK(msync(map, 8192, MS_SYNC) == 0);
	munmap(map, 8192);
	close(append);
	close(fd);
	char text[8200] = "";
	fd = open(HOST("map"), O_RDONLY);
	CHECK(read(fd, text, 8200) == 8195 && !strcmp(text, "begin") &&
	      !strcmp(text + 4090, "over the edge") && !memcmp(text + 8192, "end", 3));
	close(fd);
}

static int user_makes(void)
{
	return close(open(SHARE("perm/file"), O_WRONLY | O_CREAT, 0644)) ? 1 : 0;
}

// The directory is in use all the time, and so its name is not looked up again.
static void permissions_of_directories(void)
{
	mkdir(HOST("perm"), 0755);
	int held = open(SHARE("perm"), O_RDONLY | O_DIRECTORY);

	CHECK(as_user(user_makes) == 1);
	CHECK(chown(HOST("perm"), 1000, 1000) == 0);
	names_expire();
	CHECK(as_user(user_makes) == 0);
	CHECK(chmod(HOST("perm"), 0700) == 0 && chown(HOST("perm"), 0, 0) == 0);
	names_expire();
	CHECK(as_user(user_makes) == 1);
	close(held);
}

static void directory_replaced(void)
{
	char text[10] = "";
	int held, fd, before = open(".", O_PATH | O_DIRECTORY);

	mkdir(HOST("place"), 0755);
	put(HOST("place/old"), "old");
	held = open(SHARE("place/old"), O_RDONLY);
	CHECK(chdir(SHARE("place")) == 0);
	CHECK(rename(HOST("place"), HOST("place.was")) == 0 && mkdir(HOST("place"), 0755) == 0);
	put(HOST("place/new"), "new");
	names_expire();
	has(SHARE("place/new"), "new");
	has(SHARE("place.was/old"), "old");
	// Who is in the old one stays there.
	has("old", "old");
	names_expire();
	has("old", "old");
	CHECK(close(open("more", O_WRONLY | O_CREAT, 0644)) == 0);
	CHECK(access(HOST("place.was/more"), F_OK) == 0);
	fd = open("new", O_RDONLY);
	CHECK(fd < 0 && errno == ENOENT);
	CHECK(read(held, text, sizeof(text)) == 3 && !strcmp(text, "old"));
	close(held);
	CHECK(fchdir(before) == 0);
	close(before);
}

static int write_all(const char *name, size_t size)
{
	static char zeros[4096];
	int fd = open(name, O_WRONLY | O_CREAT, 0644), r = fd < 0 ? -1 : 0;

	for (size_t at = 0; r == 0 && at < size; at += sizeof(zeros))
		if (write(fd, zeros, sizeof(zeros)) != sizeof(zeros))
			r = -1;
	return close(fd) ? -1 : r;
}

// Somebody keeps the file open, and so it keeps what its inode knows.
static void full_disk(void)
{
	mkdir(HOST("small"), 0755);
	CHECK(mount("tmpfs", HOST("small"), "tmpfs", 0, "size=64k") == 0);
	put(SHARE("small/f"), "text");
	int held = open(SHARE("small/f"), O_RDONLY), error = write_all(SHARE("small/f"), 1 << 20);

	CHECK(error < 0 && errno == ENOSPC);
	CHECK(truncate(HOST("small/f"), 0) == 0);
	CHECK(write_all(SHARE("small/f"), 4096) == 0);
	close(held);
	names_expire();
	names_expire();
	CHECK(umount2(HOST("small"), MNT_DETACH) == 0);
}

static void directories(void)
{
	int made = 0, fd;
	char name[40];

	mkdir(SHARE("many"), 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		fd = open(SHARE(name), O_CREAT | O_EXCL | O_WRONLY, 0644);
		made += fd >= 0 && write(fd, name, strlen(name)) == (ssize_t)strlen(name);
		close(fd);
	}
	CHECK(made == 300);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		if (!has(SHARE(name), name) || unlink(SHARE(name)))
			break;
	}
	CHECK(rmdir(SHARE("many")) == 0);
}

static const struct {
	const char *what;
	void (*run)(void);
} cases[] = {
	{"lines that guest and host append by turns all arrive, in order", appends_arrive},
	{"lines that three programs append together all arrive", appends_together},
	{"a log that the host rotated is written on, by fstat and append", rotated_log},
	{"ftruncate, fchmod, fchown, futimens and fstat of a removed file", descriptor_of_removed},
	{"the same of a replaced file act on it, not on the new one", descriptor_of_replaced},
	{"a user does not open the secret file that replaced his", replaced_by_secret},
	{"times keep their nanoseconds", nanoseconds},
	{"file capabilities and ACLs", attributes},
	{"flock and fcntl hold against the host, and signals end a wait", locks},
	{"names that come and go", names},
	{"a create does not open what the host made meanwhile", create_over_secret},
	{"a second open loses no page that is not written yet", unflushed_pages},
	{"writes beside stats lose nothing", writes_beside_stats},
	{"what the host writes is seen at the next open", host_writes},
	{"what the host appended is no zeros", write_beyond},
	{"links of a file share their pages", links_share},
	{"mapped files, and appends beside", maps},
	{"files made, read and removed", directories},
	{"permissions of a directory in use", permissions_of_directories},
	{"a directory that the host replaced while it is in use", directory_replaced},
	{"a full disk is told once", full_disk},
};

// Where files have no handles, the server has a descriptor for each name that is known.
static void few_descriptors(void)
{
	char name[40];
	struct stat st;

	mkdir(HOST("known"), 0755);
	mkdir(HOST("made"), 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "known/%d", i);
		put(HOST(name), "");
	}
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "known/%d", i);
		CHECK(stat(SHARE(name), &st) == 0);
		snprintf(name, sizeof(name), "made/f%d", i);
		CHECK(close(open(SHARE(name), O_WRONLY | O_CREAT | O_EXCL, 0644)) == 0);
		snprintf(name, sizeof(name), "made/d%d", i);
		CHECK(mkdir(SHARE(name), 0755) == 0);
		snprintf(name, sizeof(name), "made/p%d", i);
		CHECK(mkfifo(SHARE(name), 0644) == 0);
	}
}

// ---- requests ----

static int fd_held;
static char big[1 << 20];

static void op_stat(void)
{
	struct stat st;
	stat(SHARE("t/file"), &st);
}
static void op_absent(void)
{
	struct stat st;
	stat(SHARE("t/absent"), &st);
}
static void op_read(void)
{
	get(SHARE("t/file"));
}
static void op_create(void)
{
	put(SHARE("t/new"), "text");
}
static void op_create_excl(void)
{
	int fd = open(SHARE("t/excl"), O_CREAT | O_EXCL | O_WRONLY, 0644);
	if (write(fd, "text", 4) != 4)
		err(1, "write");
	close(fd);
}
static void op_append(void)
{
	if (write(fd_held, "line\n", 5) != 5)
		err(1, "append");
}
static void op_fstat(void)
{
	struct stat st;
	fstat(fd_held, &st);
}
static void op_chmod(void)
{
	chmod(SHARE("t/file"), 0600);
}
static void op_utimes(void)
{
	utimes(SHARE("t/file"), NULL);
}
static void op_rename(void)
{
	rename(SHARE("t/new"), SHARE("t/moved"));
}
static void op_unlink(void)
{
	unlink(SHARE("t/moved"));
}
static void op_mkdir(void)
{
	mkdir(SHARE("t/dir"), 0755);
}
static void op_rmdir(void)
{
	rmdir(SHARE("t/dir"));
}
static void op_symlink(void)
{
	symlink("x", SHARE("t/link"));
}
static void op_readlink(void)
{
	char text[99];
	if (readlink(SHARE("t/link"), text, 99) < 0)
		err(1, "readlink");
}
static void op_big(void)
{
	int fd = open(SHARE("t/big"), O_RDONLY);
	while (read(fd, big, sizeof(big)) > 0)
		;
	close(fd);
}
static void op_xattr(void)
{
	setxattr(SHARE("t/file"), "user.x", "value", 5, 0);
}
static void op_list(void)
{
	static char command[300];
	snprintf(command, sizeof(command), "exec ls -l %s >/dev/null", SHARE("t/many"));
	if (system(command))
		err(1, "ls");
}

static const struct {
	const char *what;
	void (*run)(void);
	bool cold;
} operations[] = {
	{"stat", op_stat, true},
	{"stat again within a second", op_stat, false},
	{"stat of no file", op_absent, true},
	{"the same again", op_absent, false},
	{"open, read, close", op_read, true},
	{"the same again", op_read, false},
	{"read of 1 MiB", op_big, true},
	{"the same again", op_big, false},
	{"create, write, close", op_create, true},
	{"create with O_EXCL, write, close", op_create_excl, true},
	{"append of a line", op_append, false},
	{"fstat", op_fstat, false},
	{"chmod", op_chmod, true},
	{"utimes", op_utimes, true},
	{"rename", op_rename, true},
	{"unlink", op_unlink, true},
	{"mkdir", op_mkdir, true},
	{"rmdir", op_rmdir, true},
	{"symlink", op_symlink, true},
	{"readlink", op_readlink, true},
	{"setxattr", op_xattr, true},
	{"ls -l of 100 files", op_list, true},
};

static void count_requests(void)
{
	char name[40];

	mkdir(HOST("t"), 0755);
	mkdir(HOST("t/many"), 0755);
	put(HOST("t/file"), "text");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "t/many/%d", i);
		put(HOST(name), "");
	}
	int fd = open(HOST("t/big"), O_WRONLY | O_CREAT, 0644);
	if (write(fd, big, sizeof(big)) != sizeof(big))
		err(1, "big");
	close(fd);
	fd_held = open(SHARE("t/held"), O_WRONLY | O_APPEND | O_CREAT, 0644);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		uint64_t before[256], requests = 0, waits, pauses;
		struct timespec start, end;
		struct stat st;

		if (operations[i].cold) {
			names_expire();
			names_expire();
			stat(SHARE("t"), &st); // the directory is known
		}
		usleep(20000);
		for (int t = 0; t < 256; t++)
			before[t] = counts[t];
		clock_gettime(CLOCK_MONOTONIC, &start);
		operations[i].run();
		clock_gettime(CLOCK_MONOTONIC, &end);
		pauses = counts[0];
		usleep(20000);
		waits = pauses - before[0];
		printf("count\t%s\t%s", bind_mode ? "bind" : "root", operations[i].what);
		for (int t = 1; t < 256; t++)
			requests += counts[t] - before[t];
		printf("\t%llu\t%llu\t%lld us\t", (unsigned long long)requests,
		       (unsigned long long)waits,
		       (long long)(end.tv_sec - start.tv_sec) * 1000000 +
			       (end.tv_nsec - start.tv_nsec) / 1000);
		for (int t = 1; t < 256; t++)
			if (counts[t] != before[t])
				printf(" %d:%llu", t, (unsigned long long)(counts[t] - before[t]));
		printf("\n");
	}
	close(fd_held);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 4)
		errx(2, "usage: cases HOST SHARE MODE [COUNTS]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	host_root = argv[1];
	share_root = argv[2];
	bind_mode = !strcmp(argv[3], "bind");
	umask(022);
	if (!strcmp(argv[3], "few")) {
		few_descriptors();
		printf("%s - few: names, where the server has few descriptors\n",
		       case_failed ? "not ok" : "ok");
		return case_failed;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		case_failed = false;
		cases[i].run();
		printf("%s %zu - %s: %s\n", case_failed ? "not ok" : "ok", i + 1, argv[3],
		       cases[i].what);
		failed += case_failed;
	}
	if (argc > 4) {
		int fd = open(argv[4], O_RDWR);
		counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (counts == MAP_FAILED)
			err(1, "%s", argv[4]);
		count_requests();
	}
	return failed ? 1 : 0;
}
