/* SPDX-License-Identifier: Apache-2.0 */
/* Moves bytes between a container's stdio on the host and the frames of one session. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ring_copy(uint8_t *ring, size_t size, size_t at, const void *from, size_t count)
{
	size_t first = count < size - at ? count : size - at;

	memcpy(ring + at, from, first);
	memcpy(ring, (const uint8_t *)from + first, count - first);
}

bool outbox_put(struct outbox *box, enum wire_type type, unsigned int stream, unsigned int session,
		const void *payload, size_t length)
{
	const size_t size = sizeof(box->bytes);
	uint8_t header[WIRE_HEADER];

	if (box->used + WIRE_HEADER + length > size)
		return false;
	wire_header(header, type, stream, session, length);
	ring_copy(box->bytes, size, (box->head + box->used) % size, header, WIRE_HEADER);
	box->used += WIRE_HEADER;
	if (payload)
		ring_copy(box->bytes, size, (box->head + box->used) % size, payload, length);
	box->used += length;
	return true;
}

void outbox_put_room(struct outbox *box, enum wire_type type, unsigned int stream,
		     unsigned int session, const void *payload, size_t length)
{
	if (!outbox_put(box, type, stream, session, payload, length))
		abort();
}

/* This keeps two frames free. */
bool outbox_has_room(const struct outbox *box)
{
	return box->used + 3 * WIRE_FRAME <= sizeof(box->bytes);
}

void session_poll(const struct session *s, struct pollfd *fds)
{
	bool wanted =
		s->input.fd >= 0 && s->input_credit > 0 && !s->unknown && outbox_has_room(s->box);

	fds[WIRE_STDIN] = (struct pollfd){.fd = wanted ? s->input.fd : -1, .events = POLLIN};
	for (int i = WIRE_STDOUT; i < WIRE_STREAMS; i++)
		fds[i] = (struct pollfd){.fd = s->sinks[i].used ? s->sinks[i].out.fd : -1,
					 .events = POLLOUT};
}

/*
 * Says on the process's stderr why a stream ends early, by errno. Under runc the process gets that
 * error itself, and says so there. A process with a terminal has no stderr: its terminal was hung
 * up, and nobody reads. What the stream does not take at once is not said.
 */
static void complain(const struct session *s, const char *what, const char *then)
{
	const struct stream *to = &s->sinks[WIRE_STDERR].out;
	char line[160];

	int n = snprintf(line, sizeof(line), "runX: cannot %s (%s), %s\n", what, strerror(errno),
			 then);
	if (to->fd >= 0)
		(void)stream_write(to, line, (size_t)n);
}

/*
 * A stream that cannot be taken (no more descriptors or processes, for instance) is as one without
 * a reader or a writer. The process in the guest is not left waiting.
 */
void session_init(struct session *s, unsigned int id, const int fds[WIRE_STREAMS],
		  struct outbox *box)
{
	s->id = id;
	s->box = box;
	for (int i = WIRE_STREAMS - 1; i >= WIRE_STDOUT; i--) {
		s->sinks[i].out = stream_take(fds[i], O_WRONLY);
		if (i == WIRE_STDOUT && fds[i] >= 0 && s->sinks[i].out.fd < 0)
			complain(s, "take the process's stdout", "so it is lost");
	}
	s->input = stream_take(fds[WIRE_STDIN], O_RDONLY);
	s->input_credit = WIRE_WINDOW;
	s->input_lost = fds[WIRE_STDIN] >= 0 && s->input.fd < 0;
	if (s->input_lost)
		complain(s, "take the process's stdin", "so it is empty");
}

/*
 * Reads nothing that the outbox has no room for: other sessions may have filled it since
 * session_poll(). An error is the end of the input, as for the io.Copy of containerd's shim.
 */
static void read_input(struct session *s)
{
	uint8_t data[WIRE_PAYLOAD];
	size_t room = s->input_credit < sizeof(data) ? s->input_credit : sizeof(data);

	if (!outbox_has_room(s->box))
		return;
	ssize_t n = stream_read(&s->input, data, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		complain(s, "read the process's stdin", "so it ends here");
	if (n <= 0) {
		outbox_put_room(s->box, WIRE_EOF, WIRE_STDIN, s->id, NULL, 0);
		stream_close(&s->input);
		return;
	}
	outbox_put_room(s->box, WIRE_DATA, WIRE_STDIN, s->id, data, (size_t)n);
	s->input_credit -= (size_t)n;
}

static void drop_sink(struct session *s, unsigned int stream)
{
	struct sink *sink = &s->sinks[stream];

	stream_close(&sink->out);
	sink->owed += sink->used;
	sink->used = 0;
}

static void write_sink(struct session *s, unsigned int stream)
{
	struct sink *sink = &s->sinks[stream];
	size_t chunk = sizeof(sink->bytes) - sink->head;

	if (chunk > sink->used)
		chunk = sink->used;
	ssize_t n = stream_write(&sink->out, sink->bytes + sink->head, chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		/*
		 * EPIPE: the writer in the guest must get it too. EBADF: engines give a /dev/null
		 * that is opened for reading (go-runc's null I/O), and it must swallow everything.
		 * After any other error, such as that of a full disk, the rest is lost.
		 */
		sink->refused = errno == EPIPE;
		if (stream == WIRE_STDOUT && errno != EPIPE && errno != EBADF)
			complain(s, "write the process's stdout", "so the rest of it is lost");
		drop_sink(s, stream);
		return;
	}
	sink->used -= (size_t)n;
	sink->owed += (size_t)n;
	/*
	 * An empty buffer starts again at its first page, so a quiet container needs only one page.
	 */
	sink->head = sink->used ? (sink->head + (size_t)n) % sizeof(sink->bytes) : 0;
}

/*
 * Credit goes back in large pieces, which cost few frames. All of it goes back once the buffer is
 * empty.
 */
static bool credit_is_due(const struct sink *sink)
{
	return sink->owed > 0 && (sink->owed >= WIRE_WINDOW / 4 || sink->used == 0);
}

bool session_owes(const struct session *s)
{
	if (s->input_lost && !s->unknown)
		return true;
	for (int i = WIRE_STDOUT; i < WIRE_STREAMS; i++)
		if (s->sinks[i].refused || credit_is_due(&s->sinks[i]))
			return true;
	return false;
}

static void tell_guest(struct session *s, unsigned int stream)
{
	struct sink *sink = &s->sinks[stream];
	uint8_t amount[4];

	if (sink->refused && outbox_put(s->box, WIRE_EOF, stream, s->id, NULL, 0))
		sink->refused = false;
	if (!credit_is_due(sink))
		return;
	wire_put32(amount, (uint32_t)sink->owed);
	if (outbox_put(s->box, WIRE_CREDIT, stream, s->id, amount, sizeof(amount)))
		sink->owed = 0;
}

/* Nobody writes to a stdin that could not be taken. */
static void end_lost_input(struct session *s)
{
	if (s->input_lost && !s->unknown &&
	    outbox_put(s->box, WIRE_EOF, WIRE_STDIN, s->id, NULL, 0))
		s->input_lost = false;
}

/* The reader must see the end as soon as the last byte is out, not only when the proxy ends. */
static void end_sink(struct sink *sink)
{
	if (sink->ended && sink->used == 0)
		stream_close(&sink->out);
}

void session_serve(struct session *s, const struct pollfd *fds)
{
	if (fds[WIRE_STDIN].revents)
		read_input(s);
	end_lost_input(s);
	for (unsigned int i = WIRE_STDOUT; i < WIRE_STREAMS; i++) {
		if (fds[i].revents)
			write_sink(s, i);
		tell_guest(s, i);
		end_sink(&s->sinks[i]);
	}
}

static bool take_data(struct sink *sink, const struct wire_frame *frame)
{
	const size_t size = sizeof(sink->bytes);

	if (sink->ended || frame->length > size - sink->used - sink->owed)
		return false;
	if (sink->out.fd < 0) {
		sink->owed += frame->length;
		return true;
	}
	ring_copy(sink->bytes, size, (sink->head + sink->used) % size, frame->payload,
		  frame->length);
	sink->used += frame->length;
	return true;
}

/* stdin may be taken, or given up, before the process is executed. Output cannot come before. */
bool session_frame(struct session *s, const struct wire_frame *frame, bool started)
{
	struct sink *sink = &s->sinks[frame->stream];
	uint32_t amount = wire_word(frame, 0);

	if (frame->stream != WIRE_STDIN) {
		if (!started)
			return false;
		if (frame->type == WIRE_EOF)
			sink->ended = true;
		return frame->type == WIRE_EOF ||
		       (frame->type == WIRE_DATA && take_data(sink, frame));
	}
	if (frame->type == WIRE_EOF) { /* nobody in the guest reads it */
		stream_close(&s->input);
		s->input_lost = false;
	} else if (frame->type == WIRE_CREDIT && amount <= WIRE_WINDOW - s->input_credit) {
		s->input_credit += amount;
	} else {
		return false;
	}
	return true;
}

/*
 * The process has ended, so its stdin is closed, as under runc. What is written to it later would
 * be lost.
 */
void session_end(struct session *s)
{
	stream_close(&s->input);
	s->input_lost = false;
	for (int i = WIRE_STDOUT; i < WIRE_STREAMS; i++)
		s->sinks[i].ended = true;
}

void session_abandon(struct session *s)
{
	stream_close(&s->input);
	s->input_lost = false;
	for (unsigned int i = WIRE_STDOUT; i < WIRE_STREAMS; i++)
		drop_sink(s, i);
}

bool session_drained(const struct session *s)
{
	return s->sinks[WIRE_STDOUT].used == 0 && s->sinks[WIRE_STDERR].used == 0;
}
