/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command in a mount namespace where one directory holds the sources of a container's bind
 * mounts side by side. What is served from that directory shows the sources and nothing around
 * them.
 *
 * usage: stage [-p PARENT] [-t SECONDS] [-m MIB] DIRECTORY [MODE SOURCE DESTINATION]… -- COMMAND…
 *
 * The sources are mounted as DIRECTORY/0, 1, 2, … in a mount namespace of the command's own. Nobody
 * else sees these mounts, and they go with the last process of the namespace. DIRECTORY is made if
 * it is missing. MODE is words with commas between them. Words that are not listed here mean
 * nothing:
 *
 *   rbind    with the mounts that are in the source
 *   ro       read-only
 *   rro      read-only, and so are the mounts in the source
 *   private  what is mounted on the host later stays away
 *   disk     only a block device will do
 *
 * DESTINATION is for messages, which use runc's words. A block device is not mounted: its number
 * stays free, and the VM gets the device as a disk.
 *
 * What is read-only must be read-only here, because root in a VM may mount what the VM was given in
 * any way.
 *
 * If the process that started stage dies, the command is killed. Otherwise nobody would know of
 * what it makes later. PARENT is the id of that process, in case it died before stage could ask the
 * kernel for this. If DIRECTORY is "-", nothing is mounted, and this is all that happens to the
 * command.
 *
 * $RUNX_XL is the id of the command, for the scripts that xl calls (helpers/shared/hotplug.c).
 *
 * The command gets stdin, stdout and stderr, and no other descriptor. What the engine left open
 * would otherwise stay open as long as the file server runs, and lie within reach of the guest that
 * it serves.
 *
 * After -t SECONDS the kernel ends the command by SIGALRM. xl, for instance, waits for as long as
 * xenstored does not answer.
 *
 * -m is for commands that copy the sources and read the holes of files. If the files of a source
 * have more than MIB, the command does not run.
 */
#include "content.h"
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.14, so not all versions of its headers have it. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

#define FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC) /* of the tmpfs that holds the other mounts */

struct bind {
	const char *mode, *source, *destination;
};

/* glibc has most of these calls, but since different versions. */
static int sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

__attribute__((noreturn)) static void give_up(const struct bind *b)
{
	const char *reason = strerror(errno);

	failx("error mounting \"%s\" to rootfs at \"%s\": %c%s", b->source, b->destination,
	      reason[0] | 0x20, reason + 1);
}

static bool has(const struct bind *b, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = b->mode; *at; at += strspn(at, ",")) {
		size_t length = strcspn(at, ",");
		if (length == n && !strncmp(at, word, n))
			return true;
		at += length;
	}
	return false;
}

static void check_type(const struct bind *b, mode_t mode)
{
	const char *why = NULL;

	if (has(b, "disk"))
		why = "is not a block device";
	else if (S_ISCHR(mode))
		why = "is a character device, and the VM has its own (linux.devices makes them)";
	else if (S_ISSOCK(mode))
		why = "is a socket, and a process in the VM cannot connect to a socket of the host";
	else if (S_ISFIFO(mode))
		why = "is a FIFO, and a FIFO cannot connect the VM with the host";
	if (why)
		failx("error mounting \"%s\" to rootfs at \"%s\": the source %s", b->source,
		      b->destination, why);
}

/*
 * Sets the flags of the mount at `place` as mount_setattr(2) would, for Linux before 5.12. A
 * remount sets all flags, so those that the mount has already are added.
 */
static int remount(const char *place, unsigned long flags)
{
	static const unsigned long same[][2] = {{ST_RDONLY, MS_RDONLY},
						{ST_NOEXEC, MS_NOEXEC},
						{ST_NOATIME, MS_NOATIME},
						{ST_NODIRATIME, MS_NODIRATIME},
						{ST_RELATIME, MS_RELATIME}};
	struct statvfs st;

	if (statvfs(place, &st) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (st.f_flag & same[i][0])
			flags |= same[i][1];
	return sys_mount(NULL, place, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}

static int change(int tree, unsigned int flags, uint64_t set, uint64_t propagation)
{
	struct mount_attr attr = {.attr_set = set, .propagation = propagation};

	return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, &attr,
			    sizeof(attr));
}

/*
 * Takes setuid bits, devices and links (Linux 5.14) out of use in the mounts of a source, and makes
 * them read-only as its MODE says. The command has no reason to execute a file there, open a device
 * or follow a link, but a fault in it may do so. A guest can make all three, even while the command
 * works.
 */
static int restrict_mounts(const struct bind *b, int tree, const char *place)
{
	bool ro = has(b, "ro"), rro = has(b, "rro"), private = has(b, "private");
	uint64_t all = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (rro ? MOUNT_ATTR_RDONLY : 0);
	uint64_t propagation = private ? MS_PRIVATE : 0;

	if (change(tree, AT_RECURSIVE, all | MOUNT_ATTR_NOSYMFOLLOW, propagation) == 0 ||
	    (errno == EINVAL && change(tree, AT_RECURSIVE, all, propagation) == 0))
		return ro ? change(tree, 0, MOUNT_ATTR_RDONLY, 0) : 0;
	if (errno != ENOSYS || (rro && has(b, "rbind")))
		return -1;
	if (private && sys_mount(NULL, place, NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return -1;
	return remount(place, MS_NOSUID | MS_NODEV | (ro || rro ? MS_RDONLY : 0));
}

/* A file of a few bytes can have holes of many TiB. */
static void check_content(const struct bind *b, const char *place, long long most)
{
	if (most < INT64_MAX >> 20 && content_exceeds(place, (off_t)most << 20))
		failx("%s: its files have more than %lld MiB (disk_max in runX.conf), with the "
		      "holes in them",
		      b->source, most);
}

static void add(const char *directory, unsigned int number, const struct bind *b, long long most)
{
	char place[PATH_MAX];
	struct stat st;
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, b->source,
				flags | (has(b, "rbind") ? AT_RECURSIVE : 0));

	if (tree < 0 || fstat(tree, &st) < 0)
		give_up(b);
	if (S_ISBLK(st.st_mode)) {
		close(tree);
		return;
	}
	check_type(b, st.st_mode);
	snprintf(place, sizeof(place), "%s/%u", directory, number);
	int made = S_ISDIR(st.st_mode) ? mkdir(place, 0755) : mknod(place, S_IFREG | 0644, 0);
	if (made < 0)
		fail("cannot make %s", place);
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    restrict_mounts(b, tree, place) < 0)
		give_up(b);
	close(tree);
	if (most)
		check_content(b, place, most);
}

/* The host's later unmounts come through to this namespace. What is mounted here stays here. */
static void begin(const char *directory)
{
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		fail("cannot make %s", directory);
	if (unshare(CLONE_NEWNS) < 0 || sys_mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		fail("cannot make a mount namespace");
	/*
	 * A source may be a tree that this directory is in, such as / with its mounts. Without
	 * MS_UNBINDABLE its copy would contain the copies that were made before it, and each source
	 * would double the number of mounts.
	 */
	if (sys_mount("runX", directory, "tmpfs", FLAGS, "mode=755") < 0 ||
	    sys_mount(NULL, directory, NULL, MS_UNBINDABLE, NULL) < 0)
		fail("cannot mount a tmpfs at %s", directory);
}

__attribute__((noreturn)) static void run(char **command)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("RUNX_XL", pid, 1);
	host_close_from(STDERR_FILENO + 1);
	execvp(command[0], command);
	fail("cannot execute %s", command[0]);
}

int main(int argc, char **argv)
{
	const char *directory;
	long long most = 0;
	pid_t parent = 0;
	int at;

	while ((at = getopt(argc, argv, "+p:t:m:")) != -1)
		switch (at) {
		case 'p':
			parent = (pid_t)strtol(optarg, NULL, 10);
			break;
		case 't':
			host_alarm((unsigned int)strtoul(optarg, NULL, 10), SIG_DFL);
			break;
		case 'm':
			most = strtoll(optarg, NULL, 10);
			break;
		default:
			exit(EXIT_HELPER);
		}
	argv += optind - 1;
	argc -= optind - 1;
	directory = argv[1];
	host_end_with(parent, SIGKILL);
	if (argc > 3 && !strcmp(directory, "-") && !strcmp(argv[2], "--"))
		run(argv + 3);
	if (argc > 1)
		begin(directory);
	for (at = 2; at + 3 < argc && strcmp(argv[at], "--") != 0; at += 3)
		add(directory, (unsigned int)(at - 2) / 3,
		    &(struct bind){argv[at], argv[at + 1], argv[at + 2]}, most);
	if (at + 1 >= argc || strcmp(argv[at], "--") != 0)
		failx("usage: stage [-p PARENT] [-t SECONDS] [-m MIB] DIRECTORY "
		      "[MODE SOURCE DESTINATION]… -- COMMAND…");
	/* The tmpfs is memory of the host, and a guest must not fill it. */
	if (sys_mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY | FLAGS, NULL) < 0)
		fail("cannot make %s read-only", directory);
	run(argv + at + 1);
}
