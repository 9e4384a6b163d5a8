/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain is a file that is its memory, nodes in the store, and, from its boot on, a process: the
 * VM (vm.c). This file plays the part of the guest kernel's xenbus: it writes the nodes of the
 * front ends, of the console and of 9pfs devices, and starts the VM once all back ends say that
 * they are connected.
 */
#include "domain.h"

#include "backend.h"
#include "initrd.h"
#include "loop.h"
#include "page.h"
#include "store.h"
#include "vm.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTED "4"

struct domain {
	unsigned int id;
	char uuid[64], name[256];
	char *description; /* records, docs/guest-interface.md */
	size_t size;
	const char *faults; /* words in the description, or NULL */
	bool paused, booted, raced;
	char end; /* 's': shut down, 'c': crashed, else '-' */
	pid_t vm; /* 0: it does not run (yet, or any more) */
	int memory, vm_end, bell, timer;
	bool console;			     /* is connected */
	unsigned int files, files_connected; /* 9pfs devices */
	struct channel *channels[PORTS];
};

/* The host's end of an event channel. */
struct channel {
	int fd;
	struct domain *domain; /* NULL: not bound, or the domain is gone */
	uint32_t port;
	bool masked, pending; /* as Linux has it: masked from an event to the next unmasking */
};

static struct {
	struct domain **list;
	size_t count;
	unsigned int last_id;
} domains;

/* ---- event channels ---- */

static void deliver(struct channel *c)
{
	if (!c || !c->pending || c->masked)
		return;
	c->pending = false;
	c->masked = send(c->fd, &c->port, sizeof(c->port), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* The VM rang. */
static void bell_ready(int fd, void *with)
{
	struct domain *d = with;
	uint8_t port;

	if (recv(fd, &port, 1, MSG_DONTWAIT) <= 0) {
		loop_close(fd);
		d->bell = -1;
		return;
	}
	if (port < PORTS && d->channels[port]) {
		d->channels[port]->pending = true;
		deliver(d->channels[port]);
	}
}

static void ring(const struct channel *c)
{
	const uint8_t port = (uint8_t)c->port;

	if (c->domain && c->domain->bell >= 0)
		(void)send(c->domain->bell, &port, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drop_channel(struct channel *c)
{
	if (c->domain)
		c->domain->channels[c->port] = NULL;
	loop_close(c->fd);
	free(c);
}

static void bind_channel(struct channel *c, const struct channel_order *order)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", order->domid);
	c->port = order->port;
	c->domain = c->port < PORTS ? domain_find(number) : NULL;
	if (c->domain)
		c->domain->channels[c->port] = c;
	/* An event channel that is bound has an event at once. */
	c->pending = true;
	deliver(c);
}

static void channel_ready(int fd, void *with)
{
	struct channel *c = with;
	struct channel_order order;
	ssize_t n = recv(fd, &order, sizeof(order), MSG_DONTWAIT);

	if (n <= 0) {
		drop_channel(c);
	} else if (n == sizeof(order.port)) {
		c->masked = false;
		deliver(c);
	} else if (order.order == CHANNEL_BIND) {
		bind_channel(c, &order);
	} else {
		ring(c);
	}
}

void domain_channel(int fd)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		err(1, "no memory");
	c->fd = fd;
	loop_add(fd, channel_ready, c);
}

/* ---- what it is made of ---- */

static void file_name(char path[PATH_MAX], const struct domain *d)
{
	snprintf(path, PATH_MAX, "%s/memory.%u", getenv("STANDIN"), d->id);
}

static int make_memory(const struct domain *d)
{
	char path[PATH_MAX];

	file_name(path, d);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, (off_t)PAGES * PAGE) < 0)
		return -1;
	return fd;
}

/* A node of the domain's own. */
static void write_node(const struct domain *d, const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", d->id, name);
	store_write(path, value);
}

static void make_nodes(const struct domain *d)
{
	char vm[80], number[12];

	snprintf(vm, sizeof(vm), "/vm/%s", d->uuid);
	snprintf(number, sizeof(number), "%u", d->id);
	store_write(vm, "");
	write_node(d, "vm", vm);
	write_node(d, "name", d->name);
	write_node(d, "domid", number);
}

static void add_domain(struct domain *d)
{
	domains.list = realloc(domains.list, (domains.count + 1) * sizeof(struct domain *));
	if (!domains.list)
		err(1, "no memory");
	domains.list[domains.count++] = d;
}

static void free_domain(struct domain *d)
{
	free(d->description);
	free(d);
}

int domain_create(const char *uuid, const char *name, const char *initrd)
{
	struct domain *d = calloc(1, sizeof(*d));

	if (!d)
		err(1, "no memory");
	*d = (struct domain){.paused = true, .end = '-', .vm_end = -1, .bell = -1, .timer = -1};
	d->description = initrd_description(initrd, &d->size);
	d->id = domains.last_id + 1;
	d->memory = d->description ? make_memory(d) : -1;
	if (d->memory < 0) {
		free_domain(d);
		return -1;
	}
	domains.last_id++;
	snprintf(d->uuid, sizeof(d->uuid), "%s", uuid);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->faults = initrd_variable(d->description, d->size, "STANDIN_FAULTS");
	add_domain(d);
	make_nodes(d);
	store_fire("@introduceDomain");
	return (int)d->id;
}

struct domain *domain_find(const char *which)
{
	const unsigned long id = strtoul(which, NULL, 10);

	for (size_t i = 0; i < domains.count; i++)
		if (domains.list[i]->id == id || !strcmp(domains.list[i]->name, which))
			return domains.list[i];
	return NULL;
}

/* ---- its life ---- */

/* The VM has ended by itself. Its nodes stay, as those of a domain that is to be destroyed. */
static void vm_ended(int fd, void *with)
{
	struct domain *d = with;
	int status = 0;

	loop_close(fd);
	d->vm_end = -1;
	while (waitpid(d->vm, &status, 0) < 0 && errno == EINTR)
		;
	d->vm = 0;
	d->end = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 's' : 'c';
	store_fire("@releaseDomain");
}

__attribute__((noreturn)) static void be_vm(const struct domain *d, int bell)
{
	const int kept[] = {bell, d->memory};
	int fd = STDERR_FILENO + 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "standin-vm");
	for (size_t i = 0; i < 2; i++, fd++)
		if (dup2(kept[i], fd + 60) < 0)
			_exit(1);
	(void)close_range(fd - 2, (unsigned int)fd + 57, 0);
	(void)close_range((unsigned int)fd + 60, ~0U, 0);
	vm_run(fd + 59, fd + 58, d->description, d->size, d->files, d->faults);
}

/* In a PID namespace of its own, with which all that runs in the VM ends. */
static void start_vm(struct domain *d)
{
	int bells[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, bells) < 0)
		err(1, "socketpair");
	d->vm = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (d->vm < 0)
		err(1, "cannot make a PID namespace");
	if (d->vm == 0)
		be_vm(d, bells[1]);
	close(bells[1]);
	d->bell = bells[0];
	loop_add(d->bell, bell_ready, d);
	d->vm_end = (int)syscall(SYS_pidfd_open, d->vm, 0);
	if (d->vm_end < 0)
		err(1, "pidfd_open");
	loop_add(d->vm_end, vm_ended, d);
	if (d->paused)
		kill(d->vm, SIGSTOP);
}

/* As Linux's front end does; the state comes last. */
static void initialise_console(const struct domain *d)
{
	char text[DATA_PAGES * 12] = "";

	snprintf(text, sizeof(text), "%d", SHARED_REF);
	write_node(d, "device/console/1/ring-ref", text);
	snprintf(text, sizeof(text), "%d", CONSOLE_PORT);
	write_node(d, "device/console/1/port", text);
	size_t used = 0;
	for (int i = 0; i < DATA_PAGES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%d ",
					 FIRST_DATA_REF + i);
	write_node(d, "device/console/1/data-refs", text);
	write_node(d, "device/console/1/state", "3");
}

/* ---- the front ends of 9pfs ---- */

static void initialise_ring(const struct domain *d, unsigned int device, unsigned int ring)
{
	struct nine_page page = {.order = NINE_ORDER};
	const uint32_t ref = NINE_REF(device, ring);
	char name[64], number[12];

	for (uint32_t i = 0; i < 1 << NINE_ORDER; i++)
		page.refs[i] = ref + 1 + i;
	if (vm_fault(d->faults, "nine-order", 0))
		page.order = 30;
	if (pwrite(d->memory, &page, sizeof(page), (off_t)ref * PAGE) != sizeof(page))
		err(1, "memory");
	snprintf(name, sizeof(name), "device/9pfs/%u/ring-ref%u", device, ring);
	snprintf(number, sizeof(number), "%u", ref);
	write_node(d, name, number);
	snprintf(name, sizeof(name), "device/9pfs/%u/event-channel-%u", device, ring);
	snprintf(number, sizeof(number), "%u", NINE_PORT(device, ring));
	write_node(d, name, number);
}

/* As Linux's xen_9pfs_front_init() does, if the back end is in its state InitWait. */
static void initialise_files(struct domain *d)
{
	char path[80];
	const char *state;

	for (unsigned int device = 0; device < NINE_DEVICES; device++) {
		snprintf(path, sizeof(path), "/local/domain/%u/runx-9pfs/%u/state", d->id, device);
		state = store_read(path);
		if (!state || strcmp(state, "2") != 0)
			return;
		d->files = device + 1;
		snprintf(path, sizeof(path), "device/9pfs/%u/version", device);
		write_node(d, path, "1");
		snprintf(path, sizeof(path), "device/9pfs/%u/num-rings", device);
		write_node(d, path, "2");
		for (unsigned int ring = 0; ring < NINE_RINGS; ring++)
			initialise_ring(d, device, ring);
		snprintf(path, sizeof(path), "device/9pfs/%u/state", device);
		write_node(d, path, "3");
	}
}

static void boot_later(int fd, void *with)
{
	struct domain *d = with;

	loop_close(fd);
	d->timer = -1;
	initialise_console(d);
}

/*
 * With the fault `race` another domain of the host ends, and the console is there between two
 * requests of a proxy that looks what has ended.
 */
static void boot(struct domain *d)
{
	int number = vm_fault(d->faults, "boot", 0);

	d->booted = true;
	initialise_files(d);
	if (vm_fault(d->faults, "silent", 0))
		return;
	if (vm_fault(d->faults, "race", 0)) {
		d->raced = true;
		store_fire("@releaseDomain");
		return;
	}
	if (number == 0) {
		initialise_console(d);
		return;
	}
	const struct itimerspec when = {.it_value = {number / 1000, number % 1000 * 1000000L}};
	d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (d->timer < 0 || timerfd_settime(d->timer, 0, &when, NULL) < 0)
		err(1, "timer");
	loop_add(d->timer, boot_later, d);
}

bool domain_unpause(struct domain *d)
{
	if (!d->paused)
		return false;
	d->paused = false;
	if (!d->booted)
		boot(d);
	else if (d->vm)
		kill(d->vm, SIGCONT);
	return true;
}

void domain_pause(struct domain *d)
{
	d->paused = true;
	if (d->vm)
		kill(d->vm, SIGSTOP);
}

static void end_vm(const struct domain *d)
{
	if (!d->vm)
		return;
	kill(d->vm, SIGKILL);
	while (waitpid(d->vm, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_all(const struct domain *d)
{
	const int waited[] = {d->vm_end, d->bell, d->timer};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(waited) / sizeof(waited[0]); i++)
		if (waited[i] >= 0)
			loop_close(waited[i]);
	close(d->memory);
	file_name(path, d);
	(void)unlink(path);
}

void domain_destroy(struct domain *d)
{
	char path[80];

	end_vm(d);
	backend_drop(d->id);
	close_all(d);
	for (size_t i = 0; i < PORTS; i++)
		if (d->channels[i])
			d->channels[i]->domain = NULL;
	for (size_t i = 0; i < domains.count; i++)
		if (domains.list[i] == d)
			domains.list[i] = domains.list[domains.count - 1];
	domains.count--;
	snprintf(path, sizeof(path), "/vm/%s", d->uuid);
	store_remove(path);
	snprintf(path, sizeof(path), "/local/domain/%u", d->id);
	store_remove(path);
	snprintf(path, sizeof(path), "/libxl/%u", d->id);
	store_remove(path);
	store_fire("@releaseDomain");
	free_domain(d);
}

/* ---- what others are told ---- */

void domain_list(char *text, size_t size, bool uuids)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < domains.count && used < size; i++) {
		const struct domain *d = domains.list[i];
		bool blocked = !d->paused && d->end == '-';
		used += (size_t)snprintf(text + used, size - used,
					 "%-30s %4u   128     1     -%c%c%c%c-       0.1%s%s%s\n",
					 d->name, d->id, blocked ? 'b' : '-', d->paused ? 'p' : '-',
					 d->end == 's' ? 's' : '-', d->end == 'c' ? 'c' : '-',
					 uuids ? " " : "", uuids ? d->uuid : "",
					 uuids ? "  -  -" : "");
	}
}

static void console_read(const char *path)
{
	char wanted[64];

	for (size_t i = 0; i < domains.count; i++) {
		struct domain *d = domains.list[i];
		snprintf(wanted, sizeof(wanted), "/local/domain/%u/domid", d->id);
		if (!d->raced || strcmp(path, wanted) != 0)
			continue;
		d->raced = false;
		initialise_console(d);
	}
}

/* Whether a client has set the state of this back end of the domain to connected. */
static bool connects(const struct domain *d, const char *format, unsigned int device,
		     const char *path, const char *value)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), format, d->id, device);
	return !strcmp(path, wanted) && !strcmp(value, CONNECTED);
}

static void state_written(const char *path, const char *value)
{
	for (size_t i = 0; i < domains.count; i++) {
		struct domain *d = domains.list[i];
		d->console = d->console || connects(d, "/local/domain/0/backend/runx/%u/%u/state",
						    1, path, value);
		for (unsigned int device = 0; device < d->files; device++)
			d->files_connected += connects(d, "/local/domain/%u/runx-9pfs/%u/state",
						       device, path, value);
		if (d->console && d->files_connected == d->files && !d->vm && d->end == '-')
			start_vm(d);
	}
}

void domain_init(void)
{
	store_reads = console_read;
	store_wrote = state_written;
}
