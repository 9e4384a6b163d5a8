/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "exec.h"
#include "guest/process/cgroup.h"
#include "io.h"

#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* By their ids. The host uses the lowest free id, so the loops below only look at the first
 * `session_count` entries. */
static struct session *sessions[WIRE_SESSIONS];
static unsigned int session_count = 1;
static const struct spec *container_spec;

static pid_t container_pid(void)
{
	return sessions[0]->phase == RUNNING ? sessions[0]->child.pid : 0;
}

static void add_session(struct session *s)
{
	if (!s)
		return;
	sessions[s->id] = s;
	if (s->id >= session_count)
		session_count = s->id + 1;
}

/* A small difference, such as the frame's way here, is slewed: programs dislike a clock that jumps,
 * most of all backwards. */
static void set_clock(const struct wire_frame *frame)
{
	enum { SECOND = 1000000000, STEP = SECOND / 2 };
	struct timespec now;
	const struct timespec host = {
		.tv_sec = (time_t)(wire_word(frame, 0) | (uint64_t)wire_word(frame, 1) << 32),
		.tv_nsec = wire_word(frame, 2),
	};

	if (frame->length != WIRE_CLOCK_LENGTH || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return;
	int64_t seconds = (int64_t)host.tv_sec - now.tv_sec, difference;
	if (seconds < -1 || seconds > 1) {
		(void)clock_settime(CLOCK_REALTIME, &host);
		return;
	}
	difference = seconds * SECOND + host.tv_nsec - now.tv_nsec;
	const struct timeval slew = {.tv_usec = (suseconds_t)(difference / 1000)};
	if (difference > STEP || difference < -STEP)
		(void)clock_settime(CLOCK_REALTIME, &host);
	else
		(void)adjtime(&slew, NULL);
}

/* By the answer's time the host knows how old the time was when it was taken: this VM may have been
 * paused meanwhile. */
static void take_clock(const struct wire_frame *frame)
{
	set_clock(frame);
	io_send(WIRE_CLOCK, 0, 0, NULL, 0);
}

static void take_frame(const struct wire_frame *frame)
{
	unsigned int id = frame->session;

	if (id >= WIRE_SESSIONS)
		return;
	if (frame->type == WIRE_PING)
		io_send(WIRE_PONG, 0, 0, NULL, 0);
	else if (frame->type == WIRE_CLOCK)
		take_clock(frame);
	else if (frame->type == WIRE_EXEC && !sessions[id])
		add_session(exec_frame(container_spec, container_pid(), frame));
	else if (sessions[id])
		session_frame(sessions[id], frame);
}

/* The kernel kills all processes of a PID namespace when its pid 1 ends, so none outlive the
 * container's process. A process that belongs to no session is only reaped. */
static void reap(int signals)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	(void)!read(signals, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned int id = 0; id < session_count; id++)
			if (sessions[id] && sessions[id]->child.pid == pid)
				session_over(sessions[id], status);
}

/* Reports exec sessions that are done. init.c reports the end of session 0, the container's own
 * process, after it has synced the disks. */
static void end_sessions(void)
{
	for (unsigned int id = 1; id < session_count; id++) {
		struct session *s = sessions[id];
		if (!s || !session_done(s))
			continue;
		if (s->phase == OVER)
			io_send_word(WIRE_EXITED, 0, id, (uint32_t)s->status);
		child_close(&s->child);
		free(s);
		sessions[id] = NULL;
	}
	while (session_count > 1 && !sessions[session_count - 1])
		session_count--;
}

static void report_kills(void)
{
	if (cgroup_has_killed())
		io_send(WIRE_OOM, 0, 0, NULL, 0);
}

enum { AT_CONSOLE, AT_SIGNALS, AT_MEMORY, AT_SESSIONS };

static void serve_once(int signals)
{
	struct pollfd fds[AT_SESSIONS + WIRE_SESSIONS * SESSION_FDS] = {
		[AT_CONSOLE] = {.fd = io_descriptor(), .events = POLLIN},
		[AT_SIGNALS] = {.fd = signals, .events = POLLIN},
		[AT_MEMORY] = {.fd = cgroup_events(), .events = POLLPRI},
	};
	struct pollfd *at = fds + AT_SESSIONS;
	const unsigned int count = session_count;
	bool draining = false;

	for (unsigned int id = 0; id < count; id++, at += SESSION_FDS) {
		for (int i = 0; i < SESSION_FDS; i++)
			at[i].fd = -1;
		if (sessions[id]) {
			session_poll(sessions[id], at);
			draining = draining || session_draining(sessions[id]);
		}
	}
	if (poll(fds, (nfds_t)(at - fds), draining ? 0 : -1) < 0)
		return;
	at = fds + AT_SESSIONS;
	for (unsigned int id = 0; id < count; id++, at += SESSION_FDS)
		if (sessions[id])
			session_serve(sessions[id], at);
	if (fds[AT_CONSOLE].revents)
		io_receive(take_frame);
	if (fds[AT_SIGNALS].revents)
		reap(signals);
	if (fds[AT_MEMORY].revents)
		report_kills();
	end_sessions();
}

int serve(const struct spec *spec, struct session *container, int signals)
{
	sessions[0] = container;
	container_spec = spec;
	while (!session_done(container) || session_count > 1)
		serve_once(signals);
	/* The kernel counts a kill at once, but tells of it some milliseconds later. */
	report_kills();
	return container->phase == OVER ? container->status : -1;
}
