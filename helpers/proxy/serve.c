/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "container.h"
#include "execs.h"
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"
#include "requests.h"
#include "vm.h"

#include <poll.h>
#include <signal.h>

static void signal_event(int signals)
{
	int signal = host_signal(signals);

	if (signal == SIGWINCH && container.terminal)
		container_send_size();
	else if (signal != 0)
		(void)container_signal(signal, false);
}

/* Returns how many milliseconds poll(2) may wait, or -1 for no limit. */
static int until(void)
{
	int64_t deadlines[] = {container.start_by, container.kill_by, container.pong_by};
	int64_t next = 0;

	for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++)
		if (deadlines[i] && (next == 0 || deadlines[i] < next))
			next = deadlines[i];
	if (container.phase != OVER && container.unread)
		return 0;
	if (next == 0 || container.phase == OVER)
		return -1;
	int64_t left = next - host_now();
	return left > 0 ? (int)left + 1 : 0;
}

enum {
	AT_SIGNALS,
	AT_LISTENER,
	AT_XENSTORE,
	AT_RING,
	AT_SESSION,
	AT_EXECS = AT_SESSION + WIRE_STREAMS
};

static bool has_output(const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && fds[i].events == POLLOUT)
			return true;
	return false;
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
		[AT_SIGNALS] = {.fd = signals, .events = POLLIN},
		[AT_LISTENER] = {.fd = listener, .events = POLLIN},
		[AT_XENSTORE] = {.fd = container.xs.fd, .events = POLLIN},
		[AT_RING] = {.fd = -1, .events = POLLIN},
	};

	session_poll(&container.session, fds + AT_SESSION);
	nfds_t count = AT_EXECS + execs_poll(fds + AT_EXECS);
	bool busy = ring->masked && has_output(fds + AT_SESSION, count - AT_SESSION);
	if (!busy)
		ring_await(ring);
	if (ring->shared && !busy)
		fds[AT_RING].fd = ring->evtchn;
	int ready = poll(fds, count, busy ? 0 : until());
	if (ready < 0)
		return;
	if (ready == 0)
		ring_await(ring);
	session_serve(&container.session, fds + AT_SESSION);
	execs_serve(fds + AT_EXECS);
	if (fds[AT_XENSTORE].revents)
		vm_event();
	if (fds[AT_RING].revents)
		ring_acknowledge(ring);
	if (fds[AT_SIGNALS].revents)
		signal_event(signals);
	if (fds[AT_LISTENER].revents)
		requests_event(listener);
	if (ring->shared && container.phase != OVER)
		vm_read();
	container_check_deadlines(host_now());
	vm_check(host_now());
	execs_advance();
	if (ring->shared && container.phase != OVER)
		vm_write();
}

int serve(int signals, int listener)
{
	while (container.phase != OVER || !session_drained(&container.session) || !execs_done())
		serve_once(signals, listener);
	return container.status;
}
