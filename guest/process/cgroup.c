/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include "guest/base/file.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIERARCHY "/cgroup"
#define GROUP	  HIERARCHY "/container"

/* The group's cgroup.procs, open in PID 1 and in its children until they execute; or -1. */
static int members = -1;

/*
 * The mount lies in PID 1's root, below the one that the container sees. nsdelegate keeps root in
 * the container, which may mount its own view, from raising the limit of what is the root there.
 */
const char *cgroup_limit(const char *pids_max)
{
	if (!pids_max)
		return NULL;
	if (mkdir(HIERARCHY, 0755) < 0 ||
	    mount("cgroup2", HIERARCHY, "cgroup2", 0, "nsdelegate") < 0 ||
	    file_write(HIERARCHY "/cgroup.subtree_control", "+pids") < 0 ||
	    mkdir(GROUP, 0755) < 0 || file_write(GROUP "/pids.max", pids_max) < 0)
		return "cannot limit the number of processes";
	members = open(GROUP "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	return members < 0 ? "cannot limit the number of processes" : NULL;
}

const char *cgroup_enter(void)
{
	if (members < 0)
		return NULL;
	if (write(members, "0", 1) < 0 || unshare(CLONE_NEWCGROUP) < 0)
		return "cannot enter the container's control group";
	return NULL;
}
