/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a container's VM: mounts its root, starts its process, relays its streams, reports its
 * end.
 *
 * Input: /container (docs/guest-interface.md), which the host appended to the initrd. Everything
 * said goes over the second PV console, /dev/hvc1; the kernel's own console is the first.
 */
#include "guest/base/spec.h"
#include "guest/console/io.h"
#include "guest/console/serve.h"
#include "guest/console/session.h"
#include "guest/mounts/copy.h"
#include "guest/mounts/mounts.h"
#include "guest/network/network.h"
#include "guest/process/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTION "/container"

/* Where an overlay's parts are mounted until it is made of them. */
#define BASE  "/base"
#define LAYER "/layer"

/* Where the directory is mounted that the root was made from, as its entry 0. */
#define BACK "/back"

static struct session container;

/* PID 1 must not return: the kernel would panic. Our host destroys what has powered itself off. */
__attribute__((noreturn)) static void power_off(void)
{
	sync();
	for (;;) {
		reboot(RB_POWER_OFF);
		pause();
	}
}

/* Tells the host why there will be no process, and ends the VM. */
__attribute__((noreturn)) static void fail(int error, const char *words)
{
	dprintf(STDERR_FILENO, "init: %s: %s\n", words, strerror(error));
	io_send_failure(0, error, words);
	power_off();
}

/* The kernel's console, for what happens before ours is open; the kernel gave us none if it had
 * none. */
static void prepare(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0555);
	mkdir(ROOT, 0755);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	(void)mount("proc", "/proc", "proc", 0, NULL);
	int console = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int fd = 0; console >= 0 && fd <= 2; fd++)
		if (fd != console)
			dup2(console, fd);
}

static int take_signals(void)
{
	sigset_t child, all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void await_device(const char *path)
{
	int device = io_open_device(path, O_RDONLY);

	if (device < 0)
		fail(errno, "a disk of the container's did not appear");
	close(device);
}

/* 9p has no device to wait for: its front end is connected before PID 1 starts. */
static void mount_device(const char *what, const char *source, const char *place, const char *type,
			 unsigned long flags, const char *options)
{
	char words[128];

	if (source[0] == '/')
		await_device(source);
	if (mount(source, place, type, flags, options) < 0) {
		int error = errno;
		snprintf(words, sizeof(words), "cannot mount the %s (%s): %s", what, type,
			 strerror(error));
		fail(error, words);
	}
}

/* What the layer's directory is shows as the root's. Nothing leads to the parts afterwards. */
static bool lay_over_base(void)
{
	struct stat st;

	return stat(BASE, &st) == 0 && mount("tmpfs", LAYER, "tmpfs", 0, "mode=700") == 0 &&
	       mkdir(LAYER "/upper", 0700) == 0 && mkdir(LAYER "/work", 0700) == 0 &&
	       chown(LAYER "/upper", st.st_uid, st.st_gid) == 0 &&
	       chmod(LAYER "/upper", st.st_mode & 07777) == 0 &&
	       mount("overlay", ROOT, "overlay", 0,
		     "lowerdir=" BASE ",upperdir=" LAYER "/upper,workdir=" LAYER "/work") == 0 &&
	       umount2(BASE, MNT_DETACH) == 0 && umount2(LAYER, MNT_DETACH) == 0;
}

/* Writable, also for a read-only root: the places of its mounts may have to be made first. */
static void mount_root(const struct spec *spec)
{
	const char *source = spec->root_source ? spec->root_source : "root";
	unsigned long flags = spec->root_overlay ? MS_RDONLY : 0;

	mkdir(BASE, 0700);
	mkdir(LAYER, 0700);
	mount_device("root file system", source, flags ? BASE : ROOT, spec->root_type, flags,
		     spec->root_options);
	if (spec->root_overlay && !lay_over_base())
		fail(errno, "cannot make a writable layer over the root file system");
}

static void mount_devices(const struct spec *spec)
{
	char device[32];

	mount_root(spec);
	for (size_t i = 0; i < spec->disks.count; i++)
		if (sscanf(spec->disks.items[i], "%*u:%31[^:]", device) == 1)
			await_device(device);
	if (!spec->binds_type)
		return;
	mkdir(BINDS, 0700);
	mount_device("bind mounts", spec->binds_source, BINDS, spec->binds_type,
		     spec->binds_readonly ? MS_RDONLY : 0, spec->binds_options);
}

/* The directory that the disk was made from becomes what the disk is now. */
static bool write_back(const struct spec *spec)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, from = open(ROOT, flags), to = -1;

	mkdir(BACK, 0700);
	if (mount("root", BACK, "9p", MS_NOSUID | MS_NODEV | MS_NOEXEC, spec->root_back) == 0)
		to = open(BACK "/0", flags);
	/* mke2fs's, and not of the directory. */
	if (to >= 0 && faccessat(to, "lost+found", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		(void)rmdir(ROOT "/lost+found");
	if (from >= 0 && to >= 0 && copy_changes(from, to) == 0)
		return umount2(BACK, 0) == 0;
	dprintf(STDERR_FILENO, "init: cannot write the root back: %s\n", strerror(errno));
	return false;
}

/* What was written must be on the host before it hears of the end and takes the disk away. */
static void finish(const struct spec *spec, int status)
{
	kill(-1, SIGKILL);
	/* Whoever relies on it must not take this for a success. */
	if (spec->root_back && !write_back(spec))
		status = 255 << 8; /* as wait(2) has it */
	if (umount2(ROOT, 0) < 0 || spec->binds_type || spec->disks.count)
		sync();
	io_send_word(WIRE_EXITED, 0, 0, (uint32_t)status);
}

int main(void)
{
	struct spec spec;
	struct child child;

	io_time(WIRE_AT_INIT);
	prepare();
	int signals = take_signals();
	if (!io_open()) {
		dprintf(STDERR_FILENO, "init: no /dev/hvc1: %s\n", strerror(errno));
		power_off();
	}
	io_time(WIRE_AT_CONSOLE);
	const char *problem = spec_read(DESCRIPTION, &spec);
	if (problem)
		fail(EINVAL, problem);
	unlink(DESCRIPTION);
	mount_devices(&spec);
	io_time(WIRE_AT_ROOT);
	problem = cgroup_limit(spec.pids_limit);
	if (problem)
		fail(errno, problem);
	problem = network_start(&spec);
	if (problem)
		fail(errno, problem);
	if (child_start(&spec, 0, &child) < 0)
		fail(errno, "the VM cannot start a process");
	session_init(&container, 0, &child);
	int status = serve(&spec, &container, signals);
	if (status >= 0)
		finish(&spec, status);
	power_off();
}
