/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include "guest/base/file.h"
#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <linux/capability.h>, which musl's compiler may not find. */
struct cap_header {
	uint32_t version;
	int pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};
#define CAP_VERSION_3 0x20080522

/* From <linux/sched/types.h>, for the same reason. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

#define NR_OPEN	       "/proc/sys/fs/nr_open"
#define OPEN_FILES     1048576 /* the kernel's own fs.nr_open */
#define IOPRIO_PROCESS 1       /* IOPRIO_WHO_PROCESS of <linux/ioprio.h> */

void privileges_default_limits(void)
{
	const struct rlimit files = {OPEN_FILES, OPEN_FILES},
			    processes = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)setrlimit(RLIMIT_NPROC, &processes);
}

/* `record` is "NUMBER:SOFT:HARD"; 18446744073709551615 means no limit. */
static int read_rlimit(const char *record, struct rlimit *limit)
{
	int resource;
	unsigned long long soft, hard;

	if (sscanf(record, "%d:%llu:%llu", &resource, &soft, &hard) != 3) {
		errno = EINVAL;
		return -1;
	}
	*limit = (struct rlimit){(rlim_t)soft, (rlim_t)hard};
	return resource;
}

static int set_rlimit(const char *record)
{
	struct rlimit limit;
	int resource = read_rlimit(record, &limit);

	return resource < 0 ? -1 : setrlimit(resource, &limit);
}

/* The kernel refuses what it cannot have, and then setrlimit(2) says so. */
static void raise_open_files(rlim_t wanted)
{
	unsigned long long allowed = 0;
	char text[24];
	FILE *f = fopen(NR_OPEN, "re");

	if (f && fscanf(f, "%llu", &allowed) == 1 && wanted > allowed && wanted != RLIM_INFINITY) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)wanted);
		(void)file_write(NR_OPEN, text);
	}
	if (f)
		fclose(f);
}

void privileges_allow(const struct process *p)
{
	struct rlimit limit;

	for (size_t i = 0; i < p->rlimits.count; i++)
		if (read_rlimit(p->rlimits.items[i], &limit) == RLIMIT_NOFILE &&
		    limit.rlim_max > OPEN_FILES)
			raise_open_files(limit.rlim_max);
}

/* `record` is "POLICY:FLAGS:NICE:PRIORITY:RUNTIME:DEADLINE:PERIOD", as sched_setattr(2) takes them.
 */
static int set_scheduler(const char *record)
{
	struct scheduling s = {.size = sizeof(s)};
	unsigned long long flags, runtime, deadline, period;

	if (sscanf(record, "%u:%llu:%d:%u:%llu:%llu:%llu", &s.policy, &flags, &s.nice, &s.priority,
		   &runtime, &deadline, &period) != 7) {
		errno = EINVAL;
		return -1;
	}
	s.flags = flags;
	s.runtime = runtime;
	s.deadline = deadline;
	s.period = period;
	return (int)syscall(SYS_sched_setattr, 0, &s, 0);
}

static int set_io_priority(const char *record)
{
	return (int)syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0, (int)strtoul(record, NULL, 10));
}

const char *privileges_oom_score(const struct process *p)
{
	if (p->oom_score_adj && file_write("/proc/self/oom_score_adj", p->oom_score_adj) < 0)
		return "cannot set oom_score_adj";
	return NULL;
}

const char *privileges_limit(const struct process *p)
{
	for (size_t i = 0; i < p->rlimits.count; i++)
		if (set_rlimit(p->rlimits.items[i]) < 0)
			return "cannot set a resource limit";
	if (p->scheduler && set_scheduler(p->scheduler) < 0)
		return "cannot set the scheduler (process.scheduler)";
	if (p->io_priority && set_io_priority(p->io_priority) < 0)
		return "cannot set the I/O priority (process.ioPriority)";
	return NULL;
}

static uint64_t set_of(const char *decimal)
{
	return decimal ? strtoull(decimal, NULL, 10) : 0;
}

static void drop_bounding(uint64_t kept)
{
	/* The first capability that this kernel does not know ends the loop (EINVAL). */
	for (int cap = 0; cap < 64; cap++)
		if (!(kept >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return;
}

static int set_capabilities(const struct process *p)
{
	struct cap_header header = {CAP_VERSION_3, 0};
	const uint64_t added = set_of(p->cap_add), effective = set_of(p->cap_effective) | added,
		       permitted = set_of(p->cap_permitted) | added,
		       inheritable = set_of(p->cap_inheritable);
	struct cap_data data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct cap_data){(uint32_t)(effective >> 32 * i),
					    (uint32_t)(permitted >> 32 * i),
					    (uint32_t)(inheritable >> 32 * i)};
	return (int)syscall(SYS_capset, &header, data);
}

/* A capability that is not both permitted and inheritable cannot be ambient. runc ignores such a
 * request too. */
static void raise_ambient(uint64_t ambient)
{
	for (int cap = 0; cap < 64; cap++)
		if (ambient >> cap & 1)
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static int take_groups(const struct process *p)
{
	size_t count = p->groups.count;
	gid_t *groups = calloc(count + 1, sizeof(*groups));

	if (!groups)
		return -1;
	for (size_t i = 0; i < count; i++)
		groups[i] = (gid_t)strtoul(p->groups.items[i], NULL, 10);
	return setgroups(count, groups) < 0 || setgid(p->gid) < 0 ? -1 : 0;
}

/*
 * A change of user clears capabilities (capabilities(7)), so PR_SET_KEEPCAPS keeps them, and they
 * are set afterwards. The seccomp filter comes as late as possible. It needs no_new_privs or
 * CAP_SYS_ADMIN, so without no_new_privs it comes first.
 */
const char *privileges_drop(const struct process *p, const char *seccomp)
{
	if (!p->no_new_privileges && seccomp_install(seccomp) < 0)
		return "cannot install the seccomp profile";
	if (take_groups(p) < 0)
		return "cannot set the groups of the user";
	drop_bounding(set_of(p->cap_bounding) | set_of(p->cap_add));
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setuid(p->uid) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return "cannot switch to the user";
	if (set_capabilities(p) < 0)
		return "cannot set the capabilities";
	raise_ambient(set_of(p->cap_ambient) | set_of(p->cap_add));
	umask(p->umask ? (mode_t)strtoul(p->umask, NULL, 8) : 022);
	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "cannot set no_new_privs";
	if (p->no_new_privileges && seccomp_install(seccomp) < 0)
		return "cannot install the seccomp profile";
	return NULL;
}
