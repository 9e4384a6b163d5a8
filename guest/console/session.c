/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 sends what a process has left in its pipes before it reports the process's end. It does not
 * wait for output that other processes write later to the same pipes. So the end of an exec does
 * not wait for a daemon that the exec started. No process outlives the container's own process.
 */
#include "session.h"

#include "io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void session_init(struct session *s, unsigned int id, const struct child *child)
{
	s->id = id;
	s->phase = STARTING;
	s->child = *child;
	s->credit[WIRE_STDOUT] = s->credit[WIRE_STDERR] = WIRE_WINDOW;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- to the process ---- */

static void set_size(const struct session *s)
{
	struct winsize size = {.ws_row = s->rows, .ws_col = s->columns};

	if (s->child.terminal && s->child.input >= 0)
		(void)ioctl(s->child.input, TIOCSWINSZ, &size);
}

static void take_size(struct session *s, const struct wire_frame *frame)
{
	s->rows = (unsigned short)wire_word(frame, 0);
	s->columns = (unsigned short)wire_word(frame, 1);
	set_size(s);
}

static void give_credit(struct session *s)
{
	if (s->owed >= WIRE_WINDOW / 4 || (s->owed && !s->used)) {
		io_send_word(WIRE_CREDIT, WIRE_STDIN, s->id, (uint32_t)s->owed);
		s->owed = 0;
	}
}

/* Closes the process's input once all of it is written. A pipe gives end of file. A terminal hangs
 * up, and its processes get SIGHUP. */
static void end_input(struct session *s)
{
	if (!s->input_ended || s->used > 0 || s->phase == STARTING)
		return;
	if (s->child.terminal)
		close_fd(&s->child.output);
	close_fd(&s->child.input);
}

static void write_input(struct session *s)
{
	size_t chunk = sizeof(s->bytes) - s->head;

	if (chunk > s->used)
		chunk = s->used;
	ssize_t n = write(s->child.input, s->bytes + s->head, chunk);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		io_send(WIRE_EOF, WIRE_STDIN, s->id, NULL, 0);
		close_fd(&s->child.input);
		n = (ssize_t)s->used;
	}
	if (n <= 0)
		return;
	s->used -= (size_t)n;
	s->owed += (size_t)n;
	s->head = s->used ? (s->head + (size_t)n) % sizeof(s->bytes) : 0;
	give_credit(s);
	end_input(s);
}

/* Input that comes before the process runs is kept: its terminal may not exist yet. */
static void take_input(struct session *s, const struct wire_frame *frame)
{
	const size_t size = sizeof(s->bytes);
	size_t at = (s->head + s->used) % size;

	if ((s->child.input < 0 && s->phase != STARTING) || frame->length > size - s->used) {
		/* Nobody reads it. The host never sends more than its credit. */
		s->owed += frame->length;
		give_credit(s);
		return;
	}
	size_t first = frame->length < size - at ? frame->length : size - at;
	memcpy(s->bytes + at, frame->payload, first);
	memcpy(s->bytes, frame->payload + first, frame->length - first);
	s->used += frame->length;
	/* Write now if possible: a signal in the next frame must not overtake this input. */
	if (s->child.input >= 0 && s->phase != STARTING)
		write_input(s);
}

static void take_end(struct session *s, unsigned int stream)
{
	if (stream != WIRE_STDIN) {
		close_fd(stream == WIRE_STDOUT ? &s->child.output : &s->child.error);
		return;
	}
	s->input_ended = true;
	end_input(s);
}

/* kill(-1) from the VM's PID 1 reaches every other process of the VM: those of the container, and
 * udhcpc if it runs. */
static void take_signal(const struct session *s, const struct wire_frame *frame)
{
	const bool all = wire_word(frame, 1);

	if (s->child.pid > 0)
		(void)kill(all ? -1 : s->child.pid, (int)wire_word(frame, 0));
}

void session_frame(struct session *s, const struct wire_frame *frame)
{
	switch (frame->type) {
	case WIRE_DATA:
		take_input(s, frame);
		break;
	case WIRE_EOF:
		take_end(s, frame->stream);
		break;
	case WIRE_CREDIT:
		s->credit[frame->stream] += wire_word(frame, 0);
		break;
	case WIRE_SIGNAL:
		take_signal(s, frame);
		break;
	case WIRE_WINSIZE:
		take_size(s, frame);
		break;
	default:
		break;
	}
}

/* ---- from the process ---- */

static void end_output(struct session *s, unsigned int stream, int *fd)
{
	io_send(WIRE_EOF, stream, s->id, NULL, 0);
	close_fd(fd);
}

/* Linux writes to a terminal in pieces of 2048 bytes (iterate_tty_write). With this size a whole
 * frame, header included, is exactly two pieces. */
#define OUTPUT (WIRE_PAYLOAD - WIRE_HEADER)

static void read_output(struct session *s, unsigned int stream, int *fd)
{
	uint8_t data[OUTPUT];
	size_t room = s->credit[stream] < sizeof(data) ? s->credit[stream] : sizeof(data);
	ssize_t n = read(*fd, data, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		s->credit[stream] -= (size_t)n;
		io_send(WIRE_DATA, stream, s->id, data, (size_t)n);
	} else {
		/* 0 is the end of a pipe. A terminal returns EIO when nobody has it open. */
		end_output(s, stream, fd);
	}
}

static void serve_output(struct session *s, unsigned int stream, int *fd, const struct pollfd *p)
{
	if (p->fd < 0 || *fd < 0)
		return;
	if (p->revents)
		read_output(s, stream, fd);
	else if (s->phase == OVER)
		end_output(s, stream, fd);
}

static void serve_report(struct session *s)
{
	struct report report;

	switch (child_report(&s->child, &report)) {
	case CHILD_STARTING:
		return;
	case CHILD_EXECUTED:
		s->phase = RUNNING;
		if (s->rows && s->columns)
			set_size(s);
		end_input(s);
		io_send_started(s->id);
		return;
	case CHILD_FAILED:
		s->phase = FAILED;
		io_send_failure(s->id, report.error, report.words);
	}
}

/* ---- both ---- */

enum { AT_REPORT, AT_INPUT, AT_OUTPUT, AT_ERROR };

static int polled(const struct session *s, unsigned int stream, int fd)
{
	return s->phase != STARTING && s->credit[stream] ? fd : -1;
}

void session_poll(const struct session *s, struct pollfd *fds)
{
	const struct child *c = &s->child;

	fds[AT_REPORT] = (struct pollfd){.fd = c->report, .events = POLLIN};
	fds[AT_INPUT] = (struct pollfd){.fd = s->used ? c->input : -1, .events = POLLOUT};
	fds[AT_OUTPUT] = (struct pollfd){.fd = polled(s, WIRE_STDOUT, c->output), .events = POLLIN};
	fds[AT_ERROR] = (struct pollfd){.fd = polled(s, WIRE_STDERR, c->error), .events = POLLIN};
}

void session_serve(struct session *s, const struct pollfd *fds)
{
	serve_output(s, WIRE_STDOUT, &s->child.output, &fds[AT_OUTPUT]);
	serve_output(s, WIRE_STDERR, &s->child.error, &fds[AT_ERROR]);
	if (fds[AT_INPUT].revents && s->child.input >= 0)
		write_input(s);
	if (fds[AT_REPORT].revents)
		serve_report(s);
}

void session_over(struct session *s, int status)
{
	s->child.pid = -1;
	s->status = status;
	/* If the child could not execute its program, its report says why. Read it now. */
	if (s->phase == STARTING)
		serve_report(s);
	if (s->phase != FAILED)
		s->phase = OVER;
}

static bool open_with_credit(const struct session *s, unsigned int stream, int fd)
{
	return fd >= 0 && s->credit[stream] > 0;
}

bool session_draining(const struct session *s)
{
	return s->phase == OVER && (open_with_credit(s, WIRE_STDOUT, s->child.output) ||
				    open_with_credit(s, WIRE_STDERR, s->child.error));
}

bool session_done(const struct session *s)
{
	return s->phase == FAILED ||
	       (s->phase == OVER && s->child.output < 0 && s->child.error < 0);
}
