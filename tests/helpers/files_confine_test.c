/* SPDX-License-Identifier: Apache-2.0 */
/* Tests what a confined file server can do, and what it cannot. Each test is a process of its own.
 */
#include "helpers/files/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(STDERR_FILENO, "%s: %m\n", #condition);                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
#define REFUSED(call) CHECK((call) == -1 && errno == EPERM)

static void in_a_process(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *thread(void *with)
{
	return with;
}

static void files_and_threads(void)
{
	pthread_t other;
	void *result = NULL;
	struct stat st;

	confine_calls();
	int directory = open("/", O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0 && fstat(directory, &st) == 0);
	CHECK(fstatat(directory, "proc", &st, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(pthread_create(&other, NULL, thread, &st) == 0);
	CHECK(pthread_join(other, &result) == 0 && result == &st);
	void *pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && munmap(pages, 4096) == 0);
}

static void nothing_else(void)
{
	char *const no_words[] = {NULL};

	confine_calls();
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(mount("none", "/", NULL, MS_REMOUNT, NULL));
	REFUSED(unshare(CLONE_NEWNS));
	REFUSED(chroot("/"));
	REFUSED(setns(0, 0));
	REFUSED((int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	REFUSED(execve("/bin/true", no_words, no_words));
	REFUSED(kill(getppid(), 0));
	REFUSED((int)syscall(SYS_ptrace, 0, 0, 0, 0));
	REFUSED((int)syscall(SYS_bpf, 0, 0, 0));
	REFUSED(ioctl(0, FIONREAD, &errno));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		      MAP_FAILED &&
	      errno == EPERM);
}

/* The descriptors can be named, and nothing above them. */
static void only_its_descriptors(void)
{
	struct stat one, other;
	char target[64];
	int proc = confine_proc(), file = open("/bin", O_PATH | O_DIRECTORY);
	char name[16];

	snprintf(name, sizeof(name), "%d", file);
	CHECK(fstatat(proc, name, &one, 0) == 0 && fstat(file, &other) == 0);
	CHECK(one.st_ino == other.st_ino);
	CHECK(readlinkat(proc, name, target, sizeof(target)) > 0);
	CHECK(fstatat(proc, "..", &one, 0) == 0 && fstat(proc, &other) == 0);
	CHECK(one.st_ino == other.st_ino);
	CHECK(openat(proc, "../status", O_RDONLY) == -1 && errno == ENOENT);
}

static char tree[] = "/tmp/confine-XXXXXX";

static void only_its_tree(void)
{
	struct stat st;

	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) == 0);
	CHECK(mount("t", tree, "tmpfs", 0, NULL) == 0 && chdir(tree) == 0);
	CHECK(mkdir("share", 0700) == 0);
	confine_tree(tree);
	CHECK(stat("/share", &st) == 0 && stat("../share", &st) == 0);
	CHECK(stat("/etc", &st) == -1 && errno == ENOENT);
	CHECK(stat("/proc", &st) == -1 && errno == ENOENT);
}

static void no_privileges(void)
{
	struct rlimit core;

	confine_privileges();
	REFUSED(mount("t", tree, "tmpfs", 0, NULL));
	REFUSED(chroot(tree));
	CHECK(chown(tree, 1, 1) == 0 && chown(tree, 0, 0) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0);
}

static void test_files_and_threads(void **state)
{
	(void)state;
	in_a_process(files_and_threads);
}

static void test_nothing_else(void **state)
{
	(void)state;
	in_a_process(nothing_else);
}

static void test_only_its_descriptors(void **state)
{
	(void)state;
	in_a_process(only_its_descriptors);
}

static void test_only_its_tree(void **state)
{
	(void)state;
	in_a_process(only_its_tree);
}

static void test_no_privileges(void **state)
{
	(void)state;
	in_a_process(no_privileges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_threads),    cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_only_its_descriptors), cmocka_unit_test(test_only_its_tree),
		cmocka_unit_test(test_no_privileges),
	};

	if (!mkdtemp(tree))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests_name("files confine", tests, NULL, NULL);
	rmdir(tree);
	return failed;
}
