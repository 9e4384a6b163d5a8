/* SPDX-License-Identifier: Apache-2.0 */
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* dom0's initial namespace, and the one that runX itself was called in. */
static const char *const hosts[] = {"/proc/1/ns/net", "/proc/self/ns/net"};

static bool is_hosts(const struct stat *ns)
{
	struct stat host;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (stat(hosts[i], &host) == 0 && host.st_dev == ns->st_dev &&
		    host.st_ino == ns->st_ino)
			return true;
	return false;
}

/*
 * When nobody uses a namespace any more, the file that it was mounted on may stay, and is empty
 * then. A process that ends loses its namespaces before its directory in /proc goes.
 */
int namespace_open(const char *path)
{
	int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct statfs fs;
	struct stat found;

	if (ns < 0) {
		errno = errno == ESRCH ? ENOENT : errno;
		return -1;
	}
	if (fstatfs(ns, &fs) == 0 && fstat(ns, &found) == 0) {
		if (fs.f_type == NSFS_MAGIC && !is_hosts(&found))
			return ns;
		errno = fs.f_type == NSFS_MAGIC ? EPERM : ENOENT;
	}
	const int error = errno;
	close(ns);
	errno = error;
	return -1;
}
