/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the file server share: each test has an empty directory and a session. */
#ifndef RUNX_SHARE_H
#define RUNX_SHARE_H

#include "nine.h"

#include "helpers/shared/common.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define ROOT 0 /* the fid of the root; uid 0 */

static char top[] = "/tmp/runx-files.XXXXXX";
static char share[64], outside[64];
static int proc;

static inline const char *in_share(const char *name)
{
	static char path[4][512];
	static unsigned int at;

	at = (at + 1) % 4;
	snprintf(path[at], sizeof(path[at]), "%s/%s", share, name);
	return path[at];
}

static inline void put(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static inline const char *content(const char *path)
{
	static char bytes[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);

	assert_true(n >= 0);
	bytes[n] = '\0';
	close(fd);
	return bytes;
}

static inline struct session *new_session(const struct session_limits *limits)
{
	int root = open(share, O_PATH | O_DIRECTORY);
	struct session *session = session_new(root, proc, NINE_MSIZE, limits);

	assert_non_null(session);
	close(root);
	return session;
}

static inline struct nine *new_client(const struct session_limits *limits)
{
	struct nine *nine = malloc(sizeof(*nine));

	nine_begin(nine, new_session(limits));
	assert_int_equal(nine_version(nine, NINE_MSIZE), 0);
	assert_int_equal(nine_attach(nine, ROOT, 0), 0);
	return nine;
}

static inline void end_client(struct nine *nine)
{
	session_end(nine->session);
	free(nine);
}

static inline int begin(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/* && mkdir %s %s", top, share, outside);
	assert_int_equal(system(command), 0);
	*state = new_client(&(struct session_limits){0});
	return 0;
}

static inline int end(void **state)
{
	end_client(*state);
	return 0;
}

static inline int begin_all(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(share, sizeof(share), "%s/share", top);
	snprintf(outside, sizeof(outside), "%s/outside", top);
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	assert_int_equal(session_prepare(proc), 0);
	return 0;
}

static inline int end_all(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

#endif
