/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hotplug script for a VM's disks, called by libxl (`script=` of a disk) in place of the generic
 * one.
 *
 * usage: block add | remove
 * environment: XENBUS_PATH, the backend's directory, whose `params` is a block device or an image
 * file
 *
 * The generic script is bash, takes locks and needs udev: it is the largest part of a create
 * (docs/design.md). We do its two jobs: tell blkback the device's number, and give an image file a
 * loop device. On failure, `hotplug-error` tells libxl why, as the generic one does.
 */
#include "common.h"
#include "xenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct xenstore xs;
static const char *backend;

static void node(char path[XENSTORE_PATH], const char *name)
{
	if (snprintf(path, XENSTORE_PATH, "%s/%s", backend, name) >= XENSTORE_PATH)
		failx("XENBUS_PATH is too long");
}

static void tell(const char *name, const char *value)
{
	char path[XENSTORE_PATH];

	node(path, name);
	if (xenstore_write(&xs, path, value) < 0)
		fail("cannot write %s", path);
}

__attribute__((format(printf, 1, 2), noreturn)) static void refuse(const char *format, ...)
{
	char words[512];
	va_list args;
	int error = errno;

	va_start(args, format);
	int n = vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (n >= 0 && n < (int)sizeof(words))
		snprintf(words + n, sizeof(words) - (size_t)n, ": %s", strerror(error));
	tell("hotplug-error", words);
	tell("hotplug-status", "error");
	failx("%s", words);
}

/*
 * Attaches the image to a free loop device. Another process may take the number that the kernel
 * offers before we do (EBUSY): then it offers another.
 */
static int attach_loop(int image, const char *name, bool read_only)
{
	struct loop_config config = {.fd = (unsigned int)image,
				     .info.lo_flags = read_only ? LO_FLAGS_READ_ONLY : 0};
	char device[32];
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		refuse("/dev/loop-control (module loop)");
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%.*s", LO_NAME_SIZE - 1, name);
	for (;;) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			refuse("no free loop device for %s", name);
		snprintf(device, sizeof(device), "/dev/loop%d", number);
		int loop = open(device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			refuse("%s", device);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return loop;
		if (errno != EBUSY)
			refuse("cannot attach %s to %s", name, device);
		close(loop);
	}
}

static bool read_only(void)
{
	char path[XENSTORE_PATH], mode[XENSTORE_VALUE + 1];

	node(path, "mode");
	return xenstore_read(&xs, path, mode) > 0 && strchr(mode, 'w') == NULL;
}

static void add(void)
{
	char path[XENSTORE_PATH], target[XENSTORE_VALUE + 1], device[32];
	struct stat st;

	node(path, "params");
	if (xenstore_read(&xs, path, target) <= 0)
		refuse("%s", path);
	bool ro = read_only();
	int fd = open(target, (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		refuse("%s", target);
	if (S_ISREG(st.st_mode)) {
		fd = attach_loop(fd, target, ro);
		if (fstat(fd, &st) < 0)
			refuse("the loop device of %s", target);
		snprintf(device, sizeof(device), "/dev/loop%u", minor(st.st_rdev));
		tell("node", device);
	} else if (!S_ISBLK(st.st_mode)) {
		errno = ENOTBLK;
		refuse("%s", target);
	}
	snprintf(device, sizeof(device), "%x:%x", major(st.st_rdev), minor(st.st_rdev));
	tell("physical-device", device);
	tell("hotplug-status", "connected");
}

/* The kernel frees a loop device that is still in use at its last close. */
static void detach(void)
{
	char path[XENSTORE_PATH], device[XENSTORE_VALUE + 1];

	node(path, "node");
	if (xenstore_read(&xs, path, device) <= 0)
		return;
	int loop = open(device, O_RDONLY | O_CLOEXEC);
	if (loop >= 0)
		(void)ioctl(loop, LOOP_CLR_FD);
}

int main(int argc, char **argv)
{
	backend = getenv("XENBUS_PATH");
	if (argc != 2 || !backend)
		failx("usage: XENBUS_PATH=… block add|remove");
	if (xenstore_open(&xs) < 0)
		fail("/dev/xen/xenbus");
	if (!strcmp(argv[1], "add"))
		add();
	else if (!strcmp(argv[1], "remove"))
		detach();
	return 0;
}
