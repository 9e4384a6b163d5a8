/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "clock.h"
#include "container.h"
#include "execs.h"
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"
#include "oom.h"
#include "requests.h"
#include "vm.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* The host has too many processes, or no memory for one more. Nothing tells when that changes. */
#define LEAVE_AGAIN_MS 1000

static void signal_event(int signals)
{
	int signal = host_signal(signals);

	if (signal == SIGWINCH && container.terminal)
		container_send_size();
	else if (signal != 0)
		(void)container_signal(signal, false);
}

/*
 * Whether something for the guest could go to the outbox now. It had no room earlier in the turn,
 * and the guest need not send an event when it has read what was there.
 */
static bool owes(void)
{
	return outbox_has_room(&container.outbox) &&
	       (container.size_owed || clock_owes() || session_owes(&container.session) ||
		execs_owe());
}

/* When leave_output() may try again, by host_now(); 0: it has not failed. */
static int64_t leave_by;

/* Of two deadlines, of which 0 is none. */
static int64_t earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Returns how many milliseconds poll(2) may wait, or -1 for no limit. */
static int until(int64_t requests_by)
{
	const int64_t deadlines[] = {container.start_by, container.kill_by, container.pong_by,
				     container.xl_by,
				     container.inquiry.pid ? container.inquiry.by : 0};
	int64_t next = earlier(earlier(requests_by, oom_deadline()), leave_by);

	for (size_t i = 0; i < ARRAY_SIZE(deadlines) && container.phase != OVER; i++)
		next = earlier(next, deadlines[i]);
	if (container.phase != OVER && (container.unread || owes()))
		return 0;
	if (next == 0)
		return -1;
	int64_t left = next - host_now();
	return left > 0 ? (int)left + 1 : 0;
}

enum {
	AT_SIGNALS,
	AT_XENSTORE,
	AT_RING,
	AT_GUARDIAN,
	AT_CLOCK,
	AT_FILES,
	AT_OOM,
	AT_INQUIRY,
	AT_REQUESTS = AT_INQUIRY + INQUIRY_FDS,
	AT_SESSION = AT_REQUESTS + REQUESTS_FDS,
	AT_EXECS = AT_SESSION + WIRE_STREAMS
};

static bool has_output(const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && fds[i].events == POLLOUT)
			return true;
	return false;
}

/* While the outbox has no room, signals for the process wait in the kernel. */
static bool takes_signals(void)
{
	return container.phase != RUNNING || outbox_has_room(&container.outbox);
}

/* In each turn another session comes first, so that none keeps the outbox to itself. */
static void serve_sessions(const struct pollfd *fds)
{
	static bool execs_first;

	execs_first = !execs_first;
	if (execs_first)
		execs_serve(fds + AT_EXECS);
	session_serve(&container.session, fds + AT_SESSION);
	if (!execs_first)
		execs_serve(fds + AT_EXECS);
}

/*
 * An event costs three system calls, and a PV dom0 feels each. So while a reader takes what there
 * is, the loop waits for no event of the ring. It looks at the ring after each write: in that time,
 * a guest that goes on writing has filled it.
 */
void serve_once(int signals, int listener)
{
	struct ring *ring = &container.ring;
	struct pollfd fds[AT_EXECS + EXECS_FDS] = {
		[AT_SIGNALS] = {.fd = takes_signals() ? signals : -1, .events = POLLIN},
		[AT_XENSTORE] = {.fd = container.xs.fd, .events = POLLIN},
		[AT_RING] = {.fd = -1, .events = POLLIN},
		[AT_GUARDIAN] = {.fd = container.guardian.end, .events = POLLIN},
		[AT_CLOCK] = {.fd = container.clock.set, .events = POLLIN},
		[AT_FILES] = {.fd = container.files, .events = POLLIN},
		[AT_OOM] = {.fd = container.oom.marker, .events = POLLIN},
	};

	/* A watch event may have come together with the answer to a request. */
	if (container.xs.changed && container.phase != OVER)
		vm_event();
	int64_t requests_by = requests_check(host_now());
	inquiry_poll(&container.inquiry, fds + AT_INQUIRY);
	requests_poll(listener, fds + AT_REQUESTS);
	session_poll(&container.session, fds + AT_SESSION);
	nfds_t count = AT_EXECS + execs_poll(fds + AT_EXECS);
	bool busy = ring->events.masked && has_output(fds + AT_SESSION, count - AT_SESSION);
	if (!busy)
		backend_await(&ring->events);
	if (ring->shared && !busy)
		fds[AT_RING].fd = ring->events.fd;
	int ready = poll(fds, count, busy ? 0 : until(requests_by));
	if (ready < 0)
		return;
	if (ready == 0)
		backend_await(&ring->events);
	serve_sessions(fds);
	if (fds[AT_XENSTORE].revents && container.phase != OVER)
		vm_event();
	if (fds[AT_RING].revents)
		backend_acknowledge(&ring->events);
	if (fds[AT_SIGNALS].revents)
		signal_event(signals);
	if (fds[AT_GUARDIAN].revents) {
		close(container.guardian.end);
		container.guardian.end = -1;
	}
	if (fds[AT_CLOCK].revents)
		clock_was_set();
	if (fds[AT_FILES].revents)
		vm_files_ended();
	if (fds[AT_OOM].revents)
		oom_shown();
	requests_serve(listener, fds + AT_REQUESTS);
	if (ring->shared && container.phase != OVER)
		vm_read();
	container_check_deadlines(host_now());
	vm_check(host_now());
	/* This comes before execs_advance(): a process that joins now must not see the old time. */
	clock_tell(host_now());
	oom_advance(host_now());
	execs_advance();
	if (ring->shared && container.phase != OVER)
		vm_write();
	if (container.phase == OVER)
		vm_leave();
}

static bool drained(void)
{
	return session_drained(&container.session) && execs_done() &&
	       (container.killed || !oom_pending());
}

/*
 * Leaves the rest of the output to a child process, and ends the proxy. Engines wait for the
 * proxy's end after SIGKILL, but nobody may read the output. Under runc it stays in the pipe, which
 * the kernel keeps. Returns true in the child. Returns false if there can be no child now: the
 * proxy must keep the output, and try again.
 */
static bool leave_output(int listener)
{
	if (leave_by > host_now())
		return false;
	/* A control group with a process in it cannot be removed. */
	if (container.group)
		host_leave_groups();
	pid_t child = fork();
	if (child > 0)
		_exit(container.status);
	leave_by = child < 0 ? host_now() + LEAVE_AGAIN_MS : 0;
	if (child < 0)
		return false;
	close(listener);
	close(container.lock);
	return true;
}

int serve(int signals, int listener)
{
	/* The proxy ends after the VM. Whoever hears of the end may use the VM's disks. */
	while (container.phase != OVER || container.guardian.end >= 0 ||
	       (!drained() && !(container.killed && leave_output(listener))))
		serve_once(signals, listener);
	while (!drained())
		serve_once(signals, -1);
	return container.status;
}
