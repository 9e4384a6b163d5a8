/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hotplug script for a VM's disks. libxl calls it (`script=` of a disk) in place of the generic
 * one.
 *
 * usage: block add | remove
 * environment: XENBUS_PATH, the backend's directory in xenstore; its node `params` names a block
 *              device or an image file
 *
 * The generic script is bash, takes locks and needs udev: it is the largest part of a create
 * (docs/design.md). This program does its jobs. It refuses a device that the host uses, tells
 * blkback the device's number, and gives an image file a loop device. On failure, the node
 * `hotplug-error` tells libxl why, as with the generic script.
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
 * Attaches the image to a free loop device, and returns that device, open. Another process may take
 * the number that the kernel offers first (EBUSY). Then the kernel offers another one.
 */
static int attach_loop(int image, const char *name, bool read_only)
{
	struct loop_config config = {.fd = (unsigned int)image,
				     .info.lo_flags = read_only ? LO_FLAGS_READ_ONLY : 0};
	char device[32];
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		hotplug_refuse("cannot open /dev/loop-control (kernel module loop)");
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%.*s", LO_NAME_SIZE - 1, name);
	for (;;) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			hotplug_refuse("no free loop device for %s", name);
		snprintf(device, sizeof(device), "/dev/loop%d", number);
		int loop = open(device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			hotplug_refuse("cannot open %s", device);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return loop;
		if (errno != EBUSY)
			hotplug_refuse("cannot attach %s to %s", name, device);
		close(loop);
	}
}

/*
 * Two kernels on one file system destroy it. A device that is mounted, or is part of another
 * device, has an exclusive holder in the kernel. To open the device exclusively as well finds that
 * holder, whatever mount namespace it is in.
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
		hotplug_refuse("xenstore names no device or image file (node params)");
	bool ro = read_only();
	int fd = open(target, (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		hotplug_refuse("cannot open %s", target);
	bool attached = S_ISREG(st.st_mode);
	if (attached) {
		fd = attach_loop(fd, target, ro);
		if (fstat(fd, &st) < 0)
			hotplug_refuse("cannot look at the loop device of %s", target);
		snprintf(device, sizeof(device), "/dev/loop%u", minor(st.st_rdev));
		hotplug_tell("node", device);
	} else if (S_ISBLK(st.st_mode)) {
		refuse_held(target);
	} else {
		errno = ENOTBLK;
		hotplug_refuse("%s is neither a block device nor a regular file", target);
	}
	snprintf(device, sizeof(device), "%x:%x", major(st.st_rdev), minor(st.st_rdev));
	hotplug_tell("physical-device", device);
	if (!hotplug_done() && attached)
		(void)ioctl(fd, LOOP_CLR_FD);
}

/* If the loop device is still in use, the kernel frees it at the last close. */
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
