/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include "clock.h"
#include "execs.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"
#include "helpers/shared/terminal.h"
#include "helpers/shared/trace.h"
#include "oom.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct container container = {
	.state = -1,
	.lock = -1,
	.starter = -1,
	.start_seconds = 120,
	.kill_seconds = 5,
	.guardian = {.lifeline = -1, .end = -1},
	.xs = {.fd = -1},
	.clock = {.set = -1},
	.oom = {.marker = -1},
	.ring = {.events = {.fd = -1}, .gntdev = -1},
	.files = -1,
};

/* ---- how it ends ---- */

void answer(int *client, const char *words)
{
	if (*client < 0)
		return;
	(void)send(*client, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(*client);
	*client = -1;
}

void container_end(int status, const char *how)
{
	char line[CONTROL_MESSAGE];

	if (container.phase == OVER)
		return;
	int n = snprintf(line, sizeof(line), "%s\n", how);
	int file = openat(container.state, CONTROL_ENDED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file >= 0) {
		(void)!write(file, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
		close(file);
	}
	answer(&container.starter, how);
	if (container.ran)
		trace("guest", "end");
	trace("proxy", "over");
	container.phase = OVER;
	container.status = status;
	session_end(&container.session);
	execs_end();
}

static void end_by_signal(int signal)
{
	char how[64];

	snprintf(how, sizeof(how), "killed by signal %d", signal);
	container_end(128 + signal, how);
}

void container_misbehaved(void)
{
	container_end(255, "the VM broke the console protocol (see docs/guest-interface.md)");
}

/* ---- what the guest says ---- */

/* The errno values are those of the guest's Linux. The two that matter are the same everywhere. */
static int failure_status(uint32_t guest_errno)
{
	return guest_errno == ENOENT ? 127 : guest_errno == EACCES ? 126 : 255;
}

static void failed(const struct wire_frame *frame)
{
	char words[CONTROL_MESSAGE];

	wire_text(frame, words, sizeof(words));
	container_end(failure_status(wire_word(frame, 0)),
		      words[0] ? words : "the VM could not start the process");
}

static void exited(uint32_t status)
{
	char how[64];

	if (WIFSIGNALED(status)) {
		end_by_signal(WTERMSIG(status));
		return;
	}
	snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
	container_end(WEXITSTATUS(status), how);
}

void container_send_size(void)
{
	const struct session *s = &container.session;
	int slave = s->input.fd >= 0 ? s->input.fd : s->sinks[WIRE_STDOUT].out.fd;
	uint32_t rows, columns;
	uint8_t payload[8];

	container.size_owed = slave >= 0 && !outbox_has_room(&container.outbox);
	if (slave < 0 || container.size_owed)
		return;
	terminal_raw(slave);
	terminal_size(slave, &rows, &columns);
	wire_put32(payload, rows);
	wire_put32(payload + 4, columns);
	outbox_put_room(&container.outbox, WIRE_WINSIZE, 0, 0, payload, sizeof(payload));
}

/* `runX timeline` shows the times that the guest reports of itself. Nothing else uses them. */
static void trace_boot(const struct wire_frame *frame)
{
	static const char *const parts[WIRE_TIMES] = {
		[WIRE_AT_INIT] = "init",
		[WIRE_AT_CONSOLE] = "root",
		[WIRE_AT_ROOT] = "process",
		[WIRE_AT_PROCESS] = "running",
	};
	uint32_t now = wire_word(frame, WIRE_AT_PROCESS), last = 0;

	for (size_t i = 0; i < WIRE_TIMES; i++) {
		if (wire_word(frame, i) < last || wire_word(frame, i) == 0)
			return;
		last = wire_word(frame, i);
	}
	trace_ago("guest", "kernel", now);
	for (size_t i = 0; i < WIRE_TIMES; i++)
		trace_ago("guest", parts[i], now - wire_word(frame, i));
}

static void trace_output(const struct wire_frame *frame)
{
	if (container.spoke || frame->type != WIRE_DATA || frame->stream != WIRE_STDOUT)
		return;
	container.spoke = true;
	trace("proxy", "output");
}

static void started(const struct wire_frame *frame)
{
	trace_boot(frame);
	trace("proxy", "running");
	container.phase = RUNNING;
	container.ran = true;
	container.start_by = 0;
	answer(&container.starter, CONTROL_OK);
}

bool container_frame(const struct wire_frame *frame)
{
	if (!container.hello && frame->type != WIRE_HELLO)
		return false;
	if (frame->session > 0)
		return execs_frame(frame);
	switch (frame->type) {
	case WIRE_HELLO:
		if (container.hello || wire_word(frame, 0) != WIRE_VERSION)
			return false;
		container.hello = true;
		container.clock.owed = true;
		if (container.terminal)
			container_send_size();
		return true;
	case WIRE_STARTED:
		if (container.phase > BOOTING)
			return false;
		started(frame);
		return true;
	case WIRE_FAILED:
		if (container.ran)
			return false;
		failed(frame);
		return true;
	case WIRE_EXITED:
		if (!container.ran)
			return false;
		exited(wire_word(frame, 0));
		return true;
	case WIRE_PONG:
		container.pong_by = 0;
		return true;
	case WIRE_CLOCK:
		return clock_answered(host_now());
	case WIRE_OOM:
		oom_killed();
		return true;
	default:
		trace_output(frame);
		return session_frame(&container.session, frame, container.ran);
	}
}

/* ---- what the host's users ask ---- */

/* True for signals that end a process without a handler. The other signals would do nothing. */
static bool ends_by_default(int signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return false;
	default:
		return true;
	}
}

const char *container_signal(int signal, bool all)
{
	uint8_t payload[8];

	container.killed = container.killed || signal == SIGKILL;
	/* The process has ended. Only output that its reader has not taken is left to kill. */
	if (container.phase == OVER)
		return signal == SIGKILL ? CONTROL_OK : "container not running";
	/* No handler can exist before the process does, so the signal's default action counts. */
	if (container.phase != RUNNING) {
		if (ends_by_default(signal))
			end_by_signal(signal);
		return CONTROL_OK;
	}
	if (signal == SIGKILL && container.kill_by == 0)
		container.kill_by = host_now() + container.kill_seconds * (int64_t)1000;
	wire_put32(payload, (uint32_t)signal);
	wire_put32(payload + 4, all);
	if (outbox_put(&container.outbox, WIRE_SIGNAL, 0, 0, payload, sizeof(payload)) ||
	    signal == SIGKILL)
		return CONTROL_OK;
	return "the VM does not read its console and cannot take this signal (SIGKILL ends it)";
}

static void tell_patience(int client)
{
	char words[16];
	int n = snprintf(words, sizeof(words), CONTROL_WAIT "%d", container.start_seconds);

	(void)send(client, words, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

const char *container_start(int *client)
{
	/* The process may have run, and even ended, after the unpause and before this request. */
	if (container.ran || (container.bare && container.phase != OVER))
		return CONTROL_OK;
	if (container.phase == OVER)
		return "cannot start a container that has stopped";
	if (container.starter >= 0)
		return "another start of this container is in progress";
	trace("proxy", "boot");
	container.phase = BOOTING;
	tell_patience(*client);
	container.starter = *client;
	*client = -1;
	container.start_by = host_now() + container.start_seconds * (int64_t)1000;
	return CONTROL_OK;
}

const char *container_exec(int *client, const int *fds, size_t count)
{
	if (container.phase != RUNNING)
		return "container not running";
	const char *problem = execs_add(&container.outbox, *client, fds, count);
	if (!problem)
		*client = -1;
	return problem;
}

/* ---- time ---- */

bool deadline_passed(int64_t *deadline, int64_t now)
{
	if (*deadline == 0 || now < *deadline)
		return false;
	*deadline = 0;
	return true;
}

void container_check_deadlines(int64_t now)
{
	if (container.size_owed)
		container_send_size();
	if (deadline_passed(&container.kill_by, now))
		end_by_signal(SIGKILL);
	if (deadline_passed(&container.start_by, now))
		container_end(
			255, "the VM reported no running process within start_timeout (runX.conf)");
}
