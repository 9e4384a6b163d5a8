/* SPDX-License-Identifier: Apache-2.0 */
/* Reads `key=value` records. Each record ends with a NUL. There is no quoting, so a value may hold
 * any byte but NUL. */
#include "spec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The array has room for the next power of two of items, the NULL included. */
static bool append(struct list *list, char *item)
{
	const size_t used = list->count + 1;

	if ((used & (used - 1)) == 0) {
		char **items = realloc(list->items, 2 * used * sizeof(*items));
		if (!items)
			return false;
		list->items = items;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
	return true;
}

static bool add_mount(struct spec *spec, char *destination)
{
	struct mount_spec *mounts =
		realloc(spec->mounts, (spec->mount_count + 1) * sizeof(*mounts));

	if (!mounts)
		return false;
	spec->mounts = mounts;
	mounts[spec->mount_count++] = (struct mount_spec){.destination = destination};
	return true;
}

static bool add_hook(struct spec *spec, char *path)
{
	struct hook *hooks = realloc(spec->hooks, (spec->hook_count + 1) * sizeof(*hooks));

	if (!hooks)
		return false;
	spec->hooks = hooks;
	hooks[spec->hook_count++] = (struct hook){.path = path};
	return true;
}

static void release_process(struct process *p)
{
	free(p->args.items);
	free(p->env.items);
	free(p->groups.items);
	free(p->rlimits.items);
}

/* The table says for each key whether it is a text, a switch, a number or a list. */
static bool set(struct spec *spec, const char *key, char *value)
{
	struct process *process = &spec->process;
	struct mount_spec nowhere = {0};
	struct mount_spec *mount =
		spec->mount_count ? &spec->mounts[spec->mount_count - 1] : &nowhere;
	struct hook no_hook = {0};
	struct hook *hook = spec->hook_count ? &spec->hooks[spec->hook_count - 1] : &no_hook;
	const struct {
		const char *key;
		char **text;
		bool *on;
		unsigned int *number;
		struct list *list;
	} keys[] = {
		{"hostname", .text = &spec->hostname},
		{"domainname", .text = &spec->domainname},
		{"cgroup", .list = &spec->group},
		{"personality", .text = &spec->personality},
		{"device", .list = &spec->devices},
		{"sysctl", .list = &spec->sysctls},
		{"masked", .list = &spec->masked_paths},
		{"readonly", .list = &spec->readonly_paths},
		{"seccomp", .text = &spec->seccomp},
		{"rlimit", .list = &process->rlimits},
		{"capability.bounding", .text = &process->cap_bounding},
		{"capability.effective", .text = &process->cap_effective},
		{"capability.permitted", .text = &process->cap_permitted},
		{"capability.inheritable", .text = &process->cap_inheritable},
		{"capability.ambient", .text = &process->cap_ambient},
		{"capability.add", .text = &process->cap_add},
		{"oom_score_adj", .text = &process->oom_score_adj},
		{"io_priority", .text = &process->io_priority},
		{"scheduler", .text = &process->scheduler},
		{"no_new_privileges", .on = &process->no_new_privileges},
		{"root.type", .text = &spec->root_type},
		{"root.source", .text = &spec->root_source},
		{"root.options", .text = &spec->root_options},
		{"root.readonly", .on = &spec->root_readonly},
		{"root.back", .text = &spec->root_back},
		{"root.overlay", .on = &spec->root_overlay},
		{"disk", .list = &spec->disks},
		{"binds.type", .text = &spec->binds_type},
		{"binds.source", .text = &spec->binds_source},
		{"binds.options", .text = &spec->binds_options},
		{"binds.readonly", .on = &spec->binds_readonly},
		{"mount.type", .text = &mount->type},
		{"mount.source", .text = &mount->source},
		{"mount.option", .list = &mount->options},
		{"state", .text = &spec->state},
		{"hook.arg", .list = &hook->args},
		{"hook.env", .list = &hook->env},
		{"hook.own_environment", .on = &hook->own_environment},
		{"hook.timeout", .number = &hook->seconds},
		{"arg", .list = &process->args},
		{"env", .list = &process->env},
		{"cwd", .text = &process->cwd},
		{"uid", .number = &process->uid},
		{"gid", .number = &process->gid},
		{"group", .list = &process->groups},
		{"umask", .text = &process->umask},
		{"terminal", .on = &process->terminal},
		{"terminal.bare_newline", .on = &process->bare_newline},
		{"rows", .number = &process->rows},
		{"columns", .number = &process->columns},
		{"stdin", .text = &process->streams[0]},
		{"stdout", .text = &process->streams[1]},
		{"stderr", .text = &process->streams[2]},
	};

	if (!strcmp(key, "mount"))
		return add_mount(spec, value);
	if (!strcmp(key, "hook"))
		return add_hook(spec, value);
	if (!strcmp(key, "process")) {
		release_process(process);
		*process = (struct process){.cwd = (char *)"/"};
		return true;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i].key) != 0)
			continue;
		if (keys[i].list)
			return append(keys[i].list, value);
		if (keys[i].text)
			*keys[i].text = value;
		else if (keys[i].on)
			*keys[i].on = !strcmp(value, "true");
		else
			*keys[i].number = (unsigned int)strtoul(value, NULL, 10);
		return true;
	}
	return false;
}

static char *read_file(const char *path, size_t *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	*size = (size_t)st.st_size;
	char *bytes = malloc(*size + 1);
	/* The file is in the initial root, and so in memory: one read returns all of it. */
	if (bytes && read(fd, bytes, *size) != st.st_size)
		bytes = NULL;
	close(fd);
	return bytes;
}

/* Splits the records in place. */
static const char *parse(char *bytes, size_t size, struct spec *spec)
{
	size_t length;

	if (!bytes || size == 0 || bytes[size - 1] != '\0')
		return "the container's description is missing or incomplete";
	for (char *record = bytes; record < bytes + size; record += length + 1) {
		length = strlen(record);
		char *value = strchr(record, '=');
		if (!value)
			return "the container's description has a record without a value";
		*value = '\0';
		if (!set(spec, record, value + 1))
			return "the container's description has a record that this guest does not "
			       "know: runX and its initrd are from different versions, install "
			       "both from one version";
	}
	return spec->process.args.count ? NULL : "the container's description has no arguments";
}

const char *spec_read(const char *path, struct spec *spec)
{
	size_t size = 0;
	char *bytes = read_file(path, &size);

	*spec = (struct spec){.process.cwd = (char *)"/"};
	const char *problem = parse(bytes, size, spec);
	return problem || spec->root_type ? problem : "the container's description has no root";
}

static bool copy_list(struct list *to, const struct list *from)
{
	*to = (struct list){0};
	for (size_t i = 0; i < from->count; i++)
		if (!append(to, from->items[i]))
			return false;
	return true;
}

const char *spec_join(const struct spec *base, char *bytes, size_t size, struct spec *spec)
{
	const struct process *from = &base->process;
	struct process *p = &spec->process;

	*spec = *base;
	p->args = p->env = p->groups = p->rlimits = (struct list){0};
	p->terminal = p->bare_newline = false;
	p->rows = p->columns = 0;
	memset(p->streams, 0, sizeof(p->streams));
	if (!copy_list(&p->env, &from->env) || !copy_list(&p->groups, &from->groups) ||
	    !copy_list(&p->rlimits, &from->rlimits))
		return "the VM has no memory for another process";
	return parse(bytes, size, spec);
}

void spec_release(struct spec *spec)
{
	release_process(&spec->process);
}
