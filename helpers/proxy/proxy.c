/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's process on the host. Engines wait for its pid, signal it and look at it.
 *
 * usage: proxy [OPTION…] STATE-DIRECTORY [UUID]
 *
 * The proxy waits until Xen has a domain with this UUID. Without a UUID there is no VM. Then this
 * is a pod's sandbox, which lives in its network namespace until a signal ends it, as the pause
 * program of its image would.
 *
 *   -c CONSOLE-SOCKET  the process has a terminal, and its master goes to that socket
 *   -s ROWSxCOLUMNS    the size of the terminal
 *   -g GROUP           the directory of the container's control group on the host
 *   -n NETNS           the network namespace to live in: "new", or the one at a path
 *   -t SECONDS         how long a started VM may take to report that its process runs (120)
 *   -f                 the VM has a file server, and the proxy waits for its record
 *   -p PARENT          the proxy ends with this process, until it is in the background
 *   -k SECONDS         how long it may take to report the process's end after SIGKILL (5)
 *
 * Stdin, stdout and descriptor 3 (stderr) become the container's. The proxy's own words go to
 * stderr while somebody can read them. The program returns 0 once the proxy runs in the background
 * and has written its record. The proxy ends with the exit status of the guest's process, with
 * 128+n if signal n ended it, or with 255 if the VM ended without a word. What it reads from the
 * guest is hostile: docs/security.md.
 */
#include "clock.h"
#include "container.h"
#include "domain.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"
#include "helpers/shared/terminal.h"
#include "helpers/shared/trace.h"
#include "serve.h"
#include "vm.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONTAINER_STDERR 3
#define DESCRIPTORS	 1024

static struct {
	const char *console_socket, *netns, *uuid;
	bool files;
	pid_t parent;
	uint16_t rows, columns;
} option;

static int signals, listener;

static void write_record(void)
{
	char domid[16] = CONTROL_NO_VM;

	if (!container.bare)
		snprintf(domid, sizeof(domid), "%u", container.domid);
	close(host_write_record(container.state, CONTROL_RECORD, domid, 0));
}

/*
 * A container with as many execs as there can be needs some 400 descriptors. With fewer, nobody
 * would be accepted, and poll(2), which refuses more entries than the limit has, would not wait.
 */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = DESCRIPTORS;
	if (limit.rlim_max < DESCRIPTORS)
		limit.rlim_max = DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("cannot raise the limit of open files to %d (ulimit -n)", DESCRIPTORS);
}

/* Moves a descriptor above those that programs take for stdin, stdout and stderr. */
static int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, CONTAINER_STDERR + 1);

	if (moved < 0)
		fail("cannot take descriptor %d for the container", fd);
	return moved;
}

/*
 * The streams are closed when they end, which may be long before the proxy ends. A descriptor that
 * is opened later must not become our stdin or stdout. Once a pipe to xl did, and xl's answer was
 * lost.
 */
static void take_stdio(void)
{
	int fds[WIRE_STREAMS] = {-1, -1, -1};

	if (container.terminal) {
		fds[WIRE_STDIN] = terminal_open(option.console_socket, option.rows, option.columns);
		terminal_control(fds[WIRE_STDIN]);
		fds[WIRE_STDOUT] = move_up(fds[WIRE_STDIN]);
	} else {
		fds[WIRE_STDIN] = move_up(STDIN_FILENO);
		fds[WIRE_STDOUT] = move_up(STDOUT_FILENO);
		fds[WIRE_STDERR] = move_up(CONTAINER_STDERR);
	}
	close(CONTAINER_STDERR);
	session_init(&container.session, 0, fds, &container.outbox);
}

static void take_console(void)
{
	char path[XENSTORE_PATH];

	if (ring_open(&container.ring, container.domid) < 0)
		fail("cannot open /dev/xen/evtchn or gntdev (modules xen_evtchn, xen_gntdev)");
	ring_frontend_path(container.domid, "state", path);
	if (xenstore_watch(&container.xs, path) < 0 ||
	    xenstore_watch(&container.xs, "@releaseDomain") < 0)
		fail("cannot watch xenstore");
	if (!clock_watch())
		fail("cannot watch the host's clock");
}

static void become_proxy(void)
{
	setsid();
	/*
	 * The record is written before anything that may wait for somebody else, such as a console
	 * socket where nobody accepts, or a FIFO as network namespace. So delete finds this process
	 * and kills it. If delete looked for the record too early, it has left its mark before.
	 */
	write_record();
	if (faccessat(container.state, CONTROL_REMOVED, F_OK, 0) == 0)
		failx("the container has been deleted");
	host_enter_netns(option.netns);
	signals = host_take_signals();
	take_stdio();
	if (!container.bare)
		take_console();
	listener = host_listen(container.state, CONTROL_SOCKET);
	host_leave_caller();
}

static void take_lock(void)
{
	container.lock =
		openat(container.state, CONTROL_LOCK, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (container.lock < 0 || flock(container.lock, LOCK_EX | LOCK_NB) < 0)
		fail("cannot lock the state directory");
}

static const char *parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:fg:k:p:s:n:t:")) != -1)
		switch (c) {
		case 'c':
			option.console_socket = optarg;
			break;
		case 'f':
			option.files = true;
			break;
		case 'g':
			container.group = optarg;
			break;
		case 'k':
			container.kill_seconds = atoi(optarg);
			break;
		case 'p':
			option.parent = (pid_t)strtol(optarg, NULL, 10);
			break;
		case 's':
			terminal_parse_size(optarg, &option.rows, &option.columns);
			break;
		case 'n':
			option.netns = optarg;
			break;
		case 't':
			container.start_seconds = atoi(optarg);
			break;
		default:
			exit(EXIT_HELPER);
		}
	if (argc - optind != 1 && argc - optind != 2)
		failx("usage: proxy [options] STATE-DIRECTORY [UUID]");
	option.uuid = argv[optind + 1];
	container.bare = !option.uuid;
	return argv[optind];
}

/* The guardian keeps the lock as well, and longer than the proxy. */
static void find_vm(void)
{
	if (xenstore_open(&container.xs) < 0)
		fail("cannot open /dev/xen/xenbus (is this Xen's dom0?)");
	long domid = xenstore_await_domain(option.uuid);
	if (domid < 0)
		fail("cannot look for the VM in xenstore");
	container.domid = (unsigned int)domid;
	vm_find_files(option.files);
	if (ring_publish(&container.xs, container.domid) < 0)
		fail("cannot write the console's nodes to xenstore");
	container.guardian =
		guardian_start(container.domid, container.state, CONTROL_GONE, container.lock);
}

int main(int argc, char **argv)
{
	const char *directory = parse(argc, argv);

	/*
	 * Engines leak descriptors to the proxy (containerd's shim leaks its socket). It must not
	 * keep them.
	 */
	host_close_from(CONTAINER_STDERR + 1);
	if (option.parent)
		host_end_with(option.parent, SIGKILL);
	raise_limit();
	trace_open(directory);
	trace("proxy", "connect");
	container.terminal = option.console_socket != NULL;
	container.state = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (container.state < 0)
		fail("cannot open the state directory %s", directory);
	take_lock();

	if (!container.bare)
		find_vm();
	int ready = host_go_to_background();
	become_proxy();
	trace("proxy", "wait for start");
	host_ready(ready);
	int status = serve(signals, listener);
	trace("proxy", "end");
	return status;
}
