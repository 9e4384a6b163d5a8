/* SPDX-License-Identifier: Apache-2.0 */
/* One 9pfs device of the VM: its nodes in xenstore, its two rings, and the session behind them. */
#ifndef RUNX_FILES_DEVICE_H
#define RUNX_FILES_DEVICE_H

#include "channel.h"
#include "helpers/shared/xenstore.h"

/* Linux wants two rings and takes no more (XEN_9PFS_NUM_RINGS). */
#define RINGS 2

struct device {
	unsigned int domid, number;
	const char *tag;    /* what the guest mounts */
	const char *place;  /* the share's directory, in the server's own tree */
	int root;	    /* the same as a descriptor (O_PATH) */
	unsigned int order; /* most order of its rings */
	unsigned int rings; /* that the guest has; 0: it has not connected yet */
	struct ring9 ring[RINGS];
};

/*
 * Returns the order of the rings for a VM of so much memory (KiB). The guest gives two rings of
 * 2^order pages for each device.
 */
unsigned int device_order(long memory);

/* Opens the devices of event channels. Returns 0, or -1 with errno. */
int device_open(struct device *device);

/*
 * Announces the device in xenstore and watches what the guest says of it. Nothing of this outlives
 * the domain's own directory. Returns 0, or -1 with errno.
 */
int device_publish(struct xenstore *xs, const struct device *device);

/*
 * Connects the device if the guest's driver is ready for it: maps the rings, binds the channels,
 * and tells the guest. Returns 1 if the device is connected (now, or before), 0 if the guest is not
 * ready, or -1 with errno (ENOENT: the domain is gone, EPROTO: what the guest wrote makes no
 * sense).
 */
int device_connect(struct xenstore *xs, struct device *device, int grants);

/*
 * Makes the session of a connected device and gets its rings ready; `proc` as for session_new().
 * Returns 0, or -1 with errno.
 */
int device_prepare(struct device *device, int proc);

/* Starts the rings' threads. `broken` as for channel_start(). Returns 0, or -1 with errno. */
int device_start(struct device *device, void (*broken)(const char *how));

#endif
