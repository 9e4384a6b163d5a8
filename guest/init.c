/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a container's VM: it mounts the root, starts the container process, relays the streams
 * of all processes and reports their ends.
 *
 * It reads /container (docs/guest-interface.md), which the host has appended to the initrd. It
 * talks to the host over the second PV console, /dev/hvc1. The first one is the kernel's console.
 */
#include "guest/base/spec.h"
#include "guest/console/io.h"
#include "guest/console/serve.h"
#include "guest/console/session.h"
#include "guest/mounts/copy.h"
#include "guest/mounts/mounts.h"
#include "guest/network/network.h"
#include "guest/process/balloon.h"
#include "guest/process/cgroup.h"
#include "guest/process/privileges.h"

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

/* Where the two parts of an overlay are mounted until the overlay is made. */
#define BASE  "/base"
#define LAYER "/layer"

/* Where the share from the host is mounted that gets the root's changes. The directory that the
 * root disk was made from is its entry 0. */
#define BACK "/back"

static struct session container;

/* PID 1 must not return, or the kernel panics. Once the VM has powered itself off, the host
 * destroys the domain. */
__attribute__((noreturn)) static void power_off(void)
{
	sync();
	for (;;) {
		reboot(RB_POWER_OFF);
		pause();
	}
}

/* Tells the host why the container process cannot be started, and powers the VM off. */
__attribute__((noreturn)) static void fail(int error, const char *words)
{
	dprintf(STDERR_FILENO, "init: %s: %s\n", words, strerror(error));
	io_send_failure(0, error, words);
	power_off();
}

/* Mounts /dev and /proc, and makes the kernel's console stdin, stdout and stderr, for messages
 * before /dev/hvc1 is open. If the kernel has no console, there are none. */
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
		fail(errno, "a disk of the container did not appear in the VM");
	close(device);
}

/* 9p needs no wait for a device: its front end is connected before PID 1 starts. */
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

/* Makes an overlay of BASE and a tmpfs at ROOT. The overlay's root directory shows owner and mode
 * of the upper directory, so that gets those of BASE. Afterwards the parts are unmounted, so no
 * path leads to them. */
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

/* Mounts the root writable, even a read-only one: mount points may have to be made in it first. The
 * child makes it read-only after that. */
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

/* Makes the host's directory, which the root disk was made from, equal to the root as it is now. */
static bool write_back(const struct spec *spec)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, from = open(ROOT, flags), to = -1;

	mkdir(BACK, 0700);
	if (mount("root", BACK, "9p", MS_NOSUID | MS_NODEV | MS_NOEXEC, spec->root_back) == 0)
		to = open(BACK "/0", flags);
	/* mke2fs has made lost+found if the host's directory has none. */
	if (to >= 0 && faccessat(to, "lost+found", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		(void)rmdir(ROOT "/lost+found");
	if (from >= 0 && to >= 0 && copy_changes(from, to) == 0)
		return umount2(BACK, 0) == 0;
	dprintf(STDERR_FILENO, "init: cannot write the root's changes to the host: %s\n",
		strerror(errno));
	return false;
}

/* Reports the end. All written data must be on the host before that: the host then takes the disks
 * away. */
static void finish(const struct spec *spec, int status)
{
	kill(-1, SIGKILL);
	/* If the changes did not reach the host, the container must not seem to have succeeded. */
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
		dprintf(STDERR_FILENO, "init: cannot open /dev/hvc1: %s\n", strerror(errno));
		power_off();
	}
	io_time(WIRE_AT_CONSOLE);
	const char *problem = spec_read(DESCRIPTION, &spec);
	if (problem)
		fail(EINVAL, problem);
	unlink(DESCRIPTION);
	mount_devices(&spec);
	io_time(WIRE_AT_ROOT);
	privileges_default_limits();
	problem = network_start(&spec);
	if (problem)
		fail(errno, problem);
	/* An interface that is up has a MiB of buffers, which the container cannot have. */
	problem = cgroup_make(&spec.group);
	if (problem)
		fail(errno, problem);
	balloon_follow();
	if (child_start(&spec, 0, &child) < 0)
		fail(errno, "the VM cannot start a process");
	session_init(&container, 0, &child);
	int status = serve(&spec, &container, signals);
	if (status >= 0)
		finish(&spec, status);
	power_off();
}
