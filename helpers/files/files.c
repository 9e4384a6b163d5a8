/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file server of a VM: serves directories of the host by 9P2000.L over Xen's 9pfs rings.
 *
 * usage: files STATE-DIRECTORY UUID TREE TAG PLACE [TAG PLACE]
 *
 * TREE is a mount in a mount namespace of this program's own (helpers/root/stage.c). It holds what
 * is served and nothing else. The guest mounts the share TAG, whose root is the directory PLACE of
 * TREE. The domain with this UUID must be paused when it comes. The program waits for it.
 *
 * The program returns 0 once the server runs in the background and has written its record
 * (CONTROL_FILES). The server waits until the guest's driver has connected all devices. Then it
 * gives up what it needs no more, above all its descriptors of xenstore and of grants, with which
 * one can reach into any VM and into dom0, and serves. So it does not notice the end of its VM: the
 * proxy's guardian ends it, or delete does. It ends by itself if the domain goes before it serves,
 * and if the guest breaks a protocol. The proxy then ends the container. What it reads from the
 * guest is hostile: docs/security.md.
 */
#include "confine.h"
#include "device.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DEVICES 2

static struct {
	struct device devices[DEVICES];
	unsigned int count, domid;
	struct xenstore xs;
	int grants, proc;
	char *reason; /* CONTROL_REASON bytes of the record, which only this process writes */
} server;

/*
 * Ends the server, and with it the container, for this reason. No descriptor of the record is kept:
 * a server that somebody has taken over could fill the state directory by it, which is in dom0's
 * memory. By its mapping it can write these bytes and no more.
 */
__attribute__((noreturn)) static void end(const char *how)
{
	size_t length = strlen(how);

	memcpy(server.reason, how, length < CONTROL_REASON ? length : CONTROL_REASON - 1);
	_exit(1);
}

__attribute__((noreturn)) static void broken(const char *how)
{
	end(how);
}

/* ---- set-up ---- */

static void parse(int argc, char **argv)
{
	if (argc < 6 || argc > 4 + 2 * DEVICES || argc % 2 != 0)
		failx("usage: files STATE-DIRECTORY UUID TREE TAG PLACE [TAG PLACE]");
	for (char **at = argv + 4; *at; at += 2) {
		server.devices[server.count] =
			(struct device){.number = server.count, .tag = at[0], .place = at[1]};
		server.count++;
	}
}

static long domain_memory(void)
{
	char path[XENSTORE_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", server.domid);
	long memory = xenstore_number(&server.xs, path);
	return memory < 0 ? LONG_MAX : memory;
}

static void find_vm(const char *uuid)
{
	if (xenstore_open(&server.xs) < 0)
		fail("cannot open /dev/xen/xenbus (is this Xen's dom0?)");
	long domid = xenstore_await_domain(uuid);
	if (domid < 0)
		fail("cannot look for the VM in xenstore");
	server.domid = (unsigned int)domid;
	const unsigned int order = device_order(domain_memory());
	for (unsigned int i = 0; i < server.count; i++) {
		server.devices[i].domid = server.domid;
		server.devices[i].order = order;
	}
}

/* delete looks for the record. If it looked too early, it has left its mark before. */
static void write_record(int state)
{
	char domid[16];

	snprintf(domid, sizeof(domid), "%u", server.domid);
	int file = host_write_record(state, CONTROL_FILES, domid, CONTROL_REASON);
	off_t size = lseek(file, 0, SEEK_END);
	char *record = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (size < 0 || record == MAP_FAILED)
		fail("cannot map the record of the file server");
	close(file);
	server.reason = record + size - CONTROL_REASON;
	if (faccessat(state, CONTROL_REMOVED, F_OK, 0) == 0)
		failx("the container has been deleted");
	close(state);
}

/* The process that maps grants must be the one that opens their device. */
static void open_devices(void)
{
	server.grants = backend_open_grants();
	for (unsigned int i = 0; i < server.count; i++)
		if (server.grants < 0 || device_open(&server.devices[i]) < 0)
			fail("cannot open /dev/xen/evtchn or gntdev (modules xen_evtchn, "
			     "xen_gntdev)");
}

static void open_shares(void)
{
	for (unsigned int i = 0; i < server.count; i++) {
		struct device *d = &server.devices[i];
		d->root = open(d->place, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (d->root < 0)
			fail("cannot open the directory that the VM gets as %s", d->tag);
	}
}

static void publish(void)
{
	for (unsigned int i = 0; i < server.count; i++)
		if (device_publish(&server.xs, &server.devices[i]) < 0)
			fail("cannot write the nodes of the 9pfs devices to xenstore");
}

/*
 * What needs the host's tree comes before the new root. Privileges go after the core has taken what
 * it needs.
 */
static void become_server(int state, const char *tree, int ready)
{
	sigset_t workers;

	setsid();
	write_record(state);
	open_devices();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	server.proc = confine_proc();
	confine_tree(tree);
	open_shares();
	/* session.h: SIGUSR1 belongs to its workers. */
	sigemptyset(&workers);
	sigaddset(&workers, SIGUSR1);
	sigprocmask(SIG_BLOCK, &workers, NULL);
	if (session_prepare(server.proc) < 0)
		fail("cannot prepare to serve files");
	confine_privileges();
	publish();
	host_leave_caller_to(null);
	/* session_prepare() has chosen the working directory. */
	(void)!fchdir(server.proc);
	host_ready(ready);
}

/* ---- the guest connects ---- */

/* Returns true once all devices are connected. */
static bool connect_devices(void)
{
	unsigned int connected = 0;

	for (unsigned int i = 0; i < server.count; i++) {
		int result = device_connect(&server.xs, &server.devices[i], server.grants);
		if (result < 0 && errno == ENOENT)
			end("the VM was destroyed from outside"); /* the proxy's words */
		if (result < 0 && errno == EPROTO)
			end("the VM's 9pfs driver wrote what makes no sense to xenstore");
		if (result < 0)
			end("it cannot connect to the VM's 9pfs driver");
		connected += (unsigned int)result;
	}
	return connected == server.count;
}

/* Watches fire when a state has changed, or is gone. Answers are only to be skipped. */
static void await_guest(void)
{
	struct pollfd event = {.fd = server.xs.fd, .events = POLLIN};
	struct xenstore_answer answer;

	while (!connect_devices()) {
		/* Events that came with answers are in `changed` already. */
		while (!server.xs.changed)
			if (poll(&event, 1, -1) > 0 && xenstore_next(&server.xs, &answer) < 0)
				end("it cannot read what xenstore says of the VM");
		server.xs.changed = false;
	}
	close(server.xs.fd);
	close(server.grants);
}

static void serve(void)
{
	for (unsigned int i = 0; i < server.count; i++)
		if (device_prepare(&server.devices[i], server.proc) < 0)
			end("it has no memory for the VM's 9pfs devices");
	confine_calls();
	for (unsigned int i = 0; i < server.count; i++)
		if (device_start(&server.devices[i], broken) < 0)
			end("it cannot start a thread");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	int state = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		fail("cannot open the state directory %s", argv[1]);
	find_vm(argv[2]);
	/* In a namespace of its own it sees nobody whom it could signal. */
	if (unshare(CLONE_NEWPID) < 0)
		fail("cannot make a PID namespace");
	int ready = host_go_to_background();
	become_server(state, argv[3], ready);
	await_guest();
	serve();
}
