/* SPDX-License-Identifier: Apache-2.0 */
/* What the host asks of the VM: the records of /container, docs/guest-interface.md. */
#ifndef RUNX_SPEC_H
#define RUNX_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct list {
	char **items; /* ends with a NULL */
	size_t count;
};

struct mount_spec {
	char *destination, *type, *source;
	struct list options;
};

/* What is to be executed, and as whom. */
struct process {
	struct list args, env;
	char *cwd;
	uid_t uid;
	gid_t gid;
	struct list groups;  /* decimal numbers */
	char *umask;	     /* octal, or NULL */
	struct list rlimits; /* "NUMBER:SOFT:HARD" */
	char *cap_bounding, *cap_effective, *cap_permitted, *cap_inheritable, *cap_ambient;
	char *cap_add;	     /* to the first three */
	char *oom_score_adj; /* decimal */
	bool no_new_privileges;
	bool terminal;
	unsigned int rows, columns; /* of the terminal; 0: not known yet */
};

struct hook {
	char *path;
	struct list args, env;
	bool own_environment; /* `env`, also where that is empty */
	unsigned int seconds; /* 0: it may take as long as it likes */
};

struct spec {
	char *hostname, *domainname;
	char *root_type, *root_source, *root_options;
	bool root_readonly;
	char *root_back;   /* options of the 9p share to write it back to, or NULL */
	bool root_overlay; /* under a writable layer in memory */
	char *binds_type, *binds_source,
		*binds_options; /* where the bind mounts come from, or NULL */
	bool binds_readonly;
	struct list disks; /* "NUMBER:DEVICE:ACCESS:TYPE" of bind mounts that are disks */
	char *pids_limit;  /* decimal, or NULL */
	struct mount_spec *mounts;
	size_t mount_count;

	struct list devices, sysctls, masked_paths, readonly_paths; /* forms: system.c */
	char *seccomp; /* seccomp.c; of every process, or NULL */

	struct hook *hooks; /* startContainer */
	size_t hook_count;
	char *state; /* JSON, for the hooks */

	struct process process;
};

/* Reads the file at `path` whole; its memory stays. NULL: all is well; else what is wrong with it.
 */
const char *spec_read(const char *path, struct spec *spec);

/*
 * The same of a process that joins the container of `base`: its records, `size` bytes at `bytes`,
 * which must stay as long as `spec` does, are laid over the container's own process, whose
 * arguments and terminal it does not get. To be given to spec_release() then, whatever it returns.
 */
const char *spec_join(const struct spec *base, char *bytes, size_t size, struct spec *spec);
void spec_release(struct spec *spec);

#endif
