/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has a container's state directory for one runX at a time, then becomes another command.
 *
 * usage: claim DESCRIPTOR SECONDS COMMAND…
 *
 * DESCRIPTOR is the directory, which the caller has opened. The program locks it (flock). The lock
 * belongs to what the caller opened, so the caller keeps it after this program, and loses it when
 * it closes the descriptor or dies. This needs no file, so it also works in a directory that is
 * read-only or full. A caller that has the lock already gets it again at once.
 *
 * The exit status is the command's, or one of these:
 *
 *   120  the directory has been removed
 *   121  somebody else has had the lock for SECONDS
 *   125  this program failed
 */
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GONE = 120, HELD = 121 };

static void too_late(int signal)
{
	(void)signal;
	_exit(HELD);
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc < 4)
		failx("usage: claim DESCRIPTOR SECONDS COMMAND…");
	int directory = atoi(argv[1]);
	host_alarm((unsigned int)atoi(argv[2]), too_late);
	while (flock(directory, LOCK_EX) < 0)
		if (errno != EINTR)
			fail("cannot lock the state directory");
	alarm(0);
	/* The last owner may have removed it. Its name may belong to a new container by now. */
	if (fstat(directory, &st) < 0)
		fail("cannot look at the state directory");
	if (st.st_nlink == 0)
		return GONE;
	execvp(argv[3], argv + 3);
	fail("cannot execute %s", argv[3]);
}
