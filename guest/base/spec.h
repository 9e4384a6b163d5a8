/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the host asks of the VM: the records of /container (docs/guest-interface.md). */
#ifndef RUNX_SPEC_H
#define RUNX_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct list {
	char **items; /* `count` items and a NULL; NULL when the list is empty */
	size_t count;
};

struct mount_spec {
	char *destination, *type, *source;
	struct list options;
};

/* The program to execute, and the user and limits that it runs with. */
struct process {
	struct list args, env;
	char *cwd;
	uid_t uid;
	gid_t gid;
	struct list groups;  /* decimal numbers */
	char *umask;	     /* octal, or NULL */
	struct list rlimits; /* "NUMBER:SOFT:HARD" */
	/* decimal bit masks */
	char *cap_bounding, *cap_effective, *cap_permitted, *cap_inheritable, *cap_ambient;
	char *cap_add;	     /* added to the bounding, effective and permitted sets */
	char *oom_score_adj; /* decimal */
	char *io_priority;   /* decimal, as ioprio_set(2) takes it */
	char *scheduler;     /* format: privileges.c */
	bool no_new_privileges;
	bool terminal;
	bool bare_newline;	    /* the terminal does not write CR before a newline */
	unsigned int rows, columns; /* the terminal's size; 0: not known yet */
	char *streams[3];	    /* stdin, stdout, stderr: "null" is /dev/null, else a pipe */
};

struct hook {
	char *path;
	struct list args, env;
	bool own_environment; /* the hook gets `env`, even if it is empty */
	unsigned int seconds; /* the timeout; 0: none */
};

struct spec {
	char *hostname, *domainname;
	char *root_type, *root_source, *root_options;
	bool root_readonly;
	char *root_back;   /* options of the 9p share that gets the root's changes, or NULL */
	bool root_overlay; /* put a writable layer in memory over the root */
	char *binds_type, *binds_source,
		*binds_options; /* the file system with the bind mounts' sources, or NULL */
	bool binds_readonly;
	struct list disks; /* bind mounts that are disks: "NUMBER:DEVICE:ACCESS:TYPE" */
	struct list group; /* the control group's settings, "FILE=VALUE" of cgroup v2 */
	char *personality; /* decimal, as personality(2) takes it; every process gets it; or NULL */
	struct mount_spec *mounts;
	size_t mount_count;

	struct list devices, sysctls, masked_paths, readonly_paths; /* system.c has the formats */
	char *seccomp; /* every process gets this filter (format: seccomp.c); or NULL */

	struct hook *hooks; /* startContainer */
	size_t hook_count;
	char *state; /* JSON, the stdin of the hooks */

	struct process process;
};

/* Reads the whole file `path` into `spec`. The memory is never freed. Returns NULL, or a message
 * that says what is wrong with the file. */
const char *spec_read(const char *path, struct spec *spec);

/*
 * Describes a process that joins the container of `base`. It starts with the container's own
 * process, without arguments, terminal and streams, and adds the records in the `size` bytes at
 * `bytes`. These bytes must live as long as `spec`. Returns NULL, or a message that says what is
 * wrong. In both cases the caller must call spec_release().
 */
const char *spec_join(const struct spec *base, char *bytes, size_t size, struct spec *spec);

/* Frees the lists of the process in `spec`, after spec_join(). */
void spec_release(struct spec *spec);

#endif
