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

/* The cgroup's cgroup.procs, or -1. PID 1 has it open, and its children until they execute. */
static int members = -1;

/*
 * The cgroup file system is mounted in PID 1's root, which the container does not see. Root in the
 * container can mount it too, and then sees the container's cgroup as the root of the hierarchy.
 * nsdelegate keeps it from raising the limit there.
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
		return "cannot enter the container's cgroup";
	return NULL;
}
