/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include "guest/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIERARCHY "/cgroup"
#define GROUP	  HIERARCHY "/container"
#define MAX	  "memory.max"
#define KIB	  1024LL

/*
 * What the kernel keeps of the memory that is available when the group is made. It is for what no
 * group is charged for: the buffers of devices, those of sockets, and PID 1 with its sessions.
 */
#define RESERVE	      (1024 * KIB)
#define RESERVE_SHARE 64 /* and this part of it */

/* A balloon cannot take the last of it: the container's first process must be able to end. */
#define LEAST (1024 * KIB)

/* The group's directory and its cgroup.procs, or -1. PID 1 has them open, and its children until
 * they execute. */
static int directory = -1, members = -1;
static int events = -1; /* memory.events, for PID 1 alone */

/* The group's memory.max, in bytes, as cgroup_make() wrote it. `asked`: config.json wants no more,
 * or LLONG_MAX. */
static long long given, asked = LLONG_MAX;

/* Returns how many bytes the container can have, or 0 if nobody can tell. MemAvailable does not
 * count the watermarks, from which on the kernel reclaims, nor the pages of files that it needs. */
static long long room(void)
{
	char line[128];
	long long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "MemAvailable: %lld kB", &kib) != 1)
		;
	if (f)
		fclose(f);
	long long bytes = kib * KIB;
	bytes -= RESERVE + bytes / RESERVE_SHARE;
	return bytes > LEAST ? bytes : 0;
}

static int set(const char *file, const char *value)
{
	char path[sizeof(GROUP) + NAME_MAX + 2];

	if (strchr(file, '/') ||
	    snprintf(path, sizeof(path), GROUP "/%s", file) >= (int)sizeof(path)) {
		errno = EINVAL;
		return -1;
	}
	return file_write(path, value);
}

static int set_max(long long bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", bytes);
	return set(MAX, text);
}

/* The cgroup file system is mounted in PID 1's root, which the container does not see. Root in the
 * container can mount it too, and then sees the container's group as the root of the hierarchy.
 * nsdelegate keeps it from raising a limit there. */
static void make_group(void)
{
	static const char *const controllers[] = {"+cpu", "+cpuset", "+memory", "+pids"};

	if ((mkdir(HIERARCHY, 0755) < 0 && errno != EEXIST) ||
	    mount("cgroup2", HIERARCHY, "cgroup2", 0, "nsdelegate") < 0)
		return;
	/* A container's own kernel may lack one of them. Then its files are missing. */
	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		(void)file_write(HIERARCHY "/cgroup.subtree_control", controllers[i]);
	if (mkdir(GROUP, 0755) < 0 && errno != EEXIST)
		return;
	directory = open(GROUP, O_PATH | O_DIRECTORY | O_CLOEXEC);
	members = open(GROUP "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	events = open(GROUP "/memory.events", O_RDONLY | O_CLOEXEC);
}

/* "max", or bytes: create lets through nothing else. */
static bool is_limit(const char *file, const char *value)
{
	if (strcmp(file, MAX) != 0)
		return false;
	asked = strcmp(value, "max") ? strtoll(value, NULL, 10) : LLONG_MAX;
	return true;
}

/* Splits `setting` in place. */
static const char *apply(char *setting)
{
	static char words[NAME_MAX + 64];
	char *value = strchr(setting, '=');

	if (value)
		*value++ = '\0';
	if (value && (is_limit(setting, value) || set(setting, value) == 0))
		return NULL;
	snprintf(words, sizeof(words), "cannot set %.200s of the container's control group",
		 setting);
	return words;
}

const char *cgroup_make(const struct list *settings)
{
	/* If there is no group, or no controller of memory, the VM's own memory is the limit. */
	make_group();
	for (size_t i = 0; i < settings->count; i++) {
		const char *problem = apply(settings->items[i]);
		if (problem)
			return problem;
	}
	given = room();
	if (given == 0 || given > asked)
		given = asked;
	if (given < LLONG_MAX)
		(void)set_max(given);
	return NULL;
}

int cgroup_directory(void)
{
	return directory;
}

int cgroup_events(void)
{
	return events;
}

bool cgroup_has_killed(void)
{
	static const char key[] = "\noom_kill ";
	static long long known;
	char text[512];

	/* The read at 0 is also what makes poll(2) wait for the next change. */
	ssize_t n = events >= 0 ? pread(events, text, sizeof(text) - 1, 0) : -1;
	text[n > 0 ? n : 0] = '\0';
	const char *at = strstr(text, key);
	const long long before = known;
	known = at ? strtoll(at + sizeof(key) - 1, NULL, 10) : known;
	return known > before;
}

const char *cgroup_enter(bool inside)
{
	if (members < 0)
		return NULL;
	if ((!inside && write(members, "0", 1) < 0) || unshare(CLONE_NEWCGROUP) < 0)
		return "cannot enter the container's cgroup";
	return NULL;
}

void cgroup_balloon(long long bytes)
{
	long long max = given + bytes;

	if (members < 0 || given == LLONG_MAX)
		return;
	(void)set_max(max > asked ? asked : max < LEAST ? LEAST : max);
}
