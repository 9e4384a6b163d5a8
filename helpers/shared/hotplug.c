/* SPDX-License-Identifier: Apache-2.0 */
#include "hotplug.h"

#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct xenstore xs;
static const char *backend;

static void node(char path[XENSTORE_PATH], const char *name)
{
	if (snprintf(path, XENSTORE_PATH, "%s/%s", backend, name) >= XENSTORE_PATH)
		failx("XENBUS_PATH is too long");
}

/*
 * If xl is killed, so is this, because afterwards nobody would undo what it does. The variable is
 * of helpers/root/stage.c. Without it, another program than runX started xl.
 */
static void end_with_xl(void)
{
	const char *xl = getenv("RUNX_XL");

	if (!xl)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kill((pid_t)atoi(xl), 0) < 0 && errno == ESRCH)
		failx("the xl that called this has ended");
}

void hotplug_open(void)
{
	end_with_xl();
	backend = getenv("XENBUS_PATH");
	if (!backend)
		failx("XENBUS_PATH is not set: this is a hotplug script, which libxl calls");
	if (xenstore_open(&xs) < 0)
		fail("cannot open /dev/xen/xenbus");
}

struct xenstore *hotplug_xenstore(void)
{
	return &xs;
}

long hotplug_read(const char *name, char value[XENSTORE_VALUE + 1])
{
	char path[XENSTORE_PATH];

	node(path, name);
	return xenstore_read(&xs, path, value);
}

void hotplug_tell(const char *name, const char *value)
{
	char path[XENSTORE_PATH];

	node(path, name);
	if (xenstore_write(&xs, path, value) < 0)
		fail("cannot write the xenstore node %s", path);
}

/* Cuts the last name off the path, and removes what is left if it has no children. */
static void remove_empty_parent(char path[XENSTORE_PATH])
{
	char names[XENSTORE_VALUE + 1], *end = strrchr(path, '/');

	if (!end)
		return;
	*end = '\0';
	if (xenstore_list(&xs, path, names) == 0)
		(void)xenstore_remove(&xs, path);
}

/* Whoever writes to a domain's directory after the end of the domain makes the directory again. */
static void remove_ended(const char *domid)
{
	char path[XENSTORE_PATH], value[XENSTORE_VALUE + 1];

	snprintf(path, sizeof(path), "/local/domain/%s/vm", domid);
	if (xenstore_read(&xs, path, value) >= 0 || errno != ENOENT)
		return;
	*strrchr(path, '/') = '\0';
	(void)xenstore_remove(&xs, path);
}

/*
 * libxl may remove the device while its script works, if the domain is destroyed or xl is killed.
 * Nodes that are written later would stay for ever. So this looks after the last of them. Returns
 * true if the device is still there.
 */
static bool withdraw_late(void)
{
	char path[XENSTORE_PATH], value[XENSTORE_VALUE + 1];

	if (hotplug_read("frontend-id", value) >= 0 || errno != ENOENT)
		return true;
	(void)xenstore_remove(&xs, backend);
	snprintf(path, sizeof(path), "%s", backend);
	remove_empty_parent(path);
	char *domid = strrchr(path, '/');
	if (domid)
		remove_ended(domid + 1);
	return false;
}

bool hotplug_done(void)
{
	hotplug_tell("hotplug-status", "connected");
	return withdraw_late();
}

/* xl waits for what we say, also if xenstore is what failed. */
static void connect_again(void)
{
	if (!xs.broken)
		return;
	close(xs.fd);
	(void)xenstore_open(&xs);
}

void hotplug_refuse(const char *format, ...)
{
	char words[512];
	va_list args;
	int error = errno;

	va_start(args, format);
	int n = vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (error && n >= 0 && n < (int)sizeof(words))
		snprintf(words + n, sizeof(words) - (size_t)n, ": %s", strerror(error));
	connect_again();
	hotplug_tell("hotplug-error", words);
	hotplug_tell("hotplug-status", "error");
	(void)withdraw_late();
	failx("%s", words);
}
