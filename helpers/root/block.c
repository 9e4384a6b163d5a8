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
 * (docs/design.md). We do its jobs: refuse a device that the host uses, tell blkback the device's
 * number, and give an image file a loop device. On failure, `hotplug-error` tells libxl why, as the
 * generic one does.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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
		hotplug_refuse("/dev/loop-control (module loop)");
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%.*s", LO_NAME_SIZE - 1, name);
	for (;;) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			hotplug_refuse("no free loop device for %s", name);
		snprintf(device, sizeof(device), "/dev/loop%d", number);
		int loop = open(device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			hotplug_refuse("%s", device);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return loop;
		if (errno != EBUSY)
			hotplug_refuse("cannot attach %s to %s", name, device);
		close(loop);
	}
}

/*
 * Two kernels on one file system destroy it. What is mounted, or a part of another device, has a
 * holder that shares with nobody; to open it likewise finds that out, in all mount namespaces.
 */
static void refuse_held(const char *device)
{
	int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		hotplug_refuse("%s is in use on the host (mounted?)", device);
	close(fd);
}

static bool read_only(void)
{
	char mode[XENSTORE_VALUE + 1];

	return hotplug_read("mode", mode) > 0 && strchr(mode, 'w') == NULL;
}

static void add(void)
{
	char target[XENSTORE_VALUE + 1], device[32];
	struct stat st;

	if (hotplug_read("params", target) <= 0)
		hotplug_refuse("params");
	bool ro = read_only();
	int fd = open(target, (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		hotplug_refuse("%s", target);
	if (S_ISREG(st.st_mode)) {
		fd = attach_loop(fd, target, ro);
		if (fstat(fd, &st) < 0)
			hotplug_refuse("the loop device of %s", target);
		snprintf(device, sizeof(device), "/dev/loop%u", minor(st.st_rdev));
		hotplug_tell("node", device);
	} else if (S_ISBLK(st.st_mode)) {
		refuse_held(target);
	} else {
		errno = ENOTBLK;
		hotplug_refuse("%s", target);
	}
	snprintf(device, sizeof(device), "%x:%x", major(st.st_rdev), minor(st.st_rdev));
	hotplug_tell("physical-device", device);
	hotplug_done();
}

/* The kernel frees a loop device that is still in use at its last close. */
static void detach(void)
{
	char device[XENSTORE_VALUE + 1];

	if (hotplug_read("node", device) <= 0)
		return;
	int loop = open(device, O_RDONLY | O_CLOEXEC);
	if (loop >= 0)
		(void)ioctl(loop, LOOP_CLR_FD);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		failx("usage: XENBUS_PATH=… block add|remove");
	hotplug_open();
	if (!strcmp(argv[1], "add"))
		add();
	else if (!strcmp(argv[1], "remove"))
		detach();
	return 0;
}
