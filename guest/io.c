/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's driver writes with interrupts off and spins while its ring is full (Linux 6.12,
 * domU_write_console), so a host that does not read would stop the VM. Credit sees to it that the
 * host always can: docs/guest-interface.md.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CONSOLE	       "/dev/hvc1"
#define DEVICE_TIMEOUT 30000 /* ms; a device that the host gave us appears in far less */

int io_open_device(const char *path, int flags)
{
	char events[4096];
	int watch = inotify_init1(IN_CLOEXEC);
	struct pollfd p = {.fd = watch, .events = POLLIN};
	int fd, ready = 1;

	inotify_add_watch(watch, "/dev", IN_CREATE | IN_ATTRIB);
	while ((fd = open(path, flags | O_CLOEXEC)) < 0 && ready > 0) {
		ready = poll(&p, 1, DEVICE_TIMEOUT);
		if (ready > 0)
			(void)!read(watch, events, sizeof(events));
	}
	close(watch);
	if (fd < 0 && ready == 0)
		errno = ETIME;
	return fd;
}

static void send_bytes(int fd, const uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t n = write(fd, bytes, count);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return; /* the console is gone, and the VM with it */
		if (n > 0) {
			bytes += n;
			count -= (size_t)n;
		}
	}
}

void io_send(struct io *io, enum wire_type type, unsigned int stream, const void *payload,
	     size_t length)
{
	uint8_t frame[WIRE_FRAME];

	wire_header(frame, type, stream, 0, length);
	if (length)
		memcpy(frame + WIRE_HEADER, payload, length);
	send_bytes(io->console, frame, WIRE_HEADER + length);
}

static void send_word(struct io *io, enum wire_type type, unsigned int stream, uint32_t word)
{
	uint8_t payload[4];

	wire_put32(payload, word);
	io_send(io, type, stream, payload, sizeof(payload));
}

bool io_open(struct io *io)
{
	struct termios raw;

	io->child = (struct child){.pid = -1, .input = -1, .output = -1, .error = -1};
	io->credit[WIRE_STDOUT] = io->credit[WIRE_STDERR] = WIRE_WINDOW;
	io->console = io_open_device(CONSOLE, O_RDWR | O_NOCTTY);
	if (io->console < 0 || tcgetattr(io->console, &raw) < 0)
		return false;
	cfmakeraw(&raw);
	if (tcsetattr(io->console, TCSANOW, &raw) < 0)
		return false;
	/* A root process of the container could make this device's node for itself. */
	(void)ioctl(io->console, TIOCEXCL);
	send_word(io, WIRE_HELLO, 0, WIRE_VERSION);
	return true;
}

static void set_size(struct io *io, const struct wire_frame *frame)
{
	struct winsize size = {.ws_row = (unsigned short)wire_word(frame, 0),
			       .ws_col = (unsigned short)wire_word(frame, 1)};

	if (io->child.terminal && io->child.input >= 0)
		(void)ioctl(io->child.input, TIOCSWINSZ, &size);
}

/* ---- to the process ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void give_credit(struct io *io)
{
	if (io->owed >= WIRE_WINDOW / 4 || (io->owed && !io->used)) {
		send_word(io, WIRE_CREDIT, WIRE_STDIN, (uint32_t)io->owed);
		io->owed = 0;
	}
}

static void write_input(struct io *io)
{
	size_t chunk = sizeof(io->bytes) - io->head;

	if (chunk > io->used)
		chunk = io->used;
	ssize_t n = write(io->child.input, io->bytes + io->head, chunk);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		io_send(io, WIRE_EOF, WIRE_STDIN, NULL, 0);
		close_fd(&io->child.input);
		n = (ssize_t)io->used;
	}
	if (n <= 0)
		return;
	io->used -= (size_t)n;
	io->owed += (size_t)n;
	io->head = io->used ? (io->head + (size_t)n) % sizeof(io->bytes) : 0;
	give_credit(io);
}

/* A pipe closes; a terminal whose far side is gone hangs up, and its processes with it. */
static void end_input(struct io *io)
{
	if (!io->input_ended || io->used > 0)
		return;
	if (io->child.terminal)
		close_fd(&io->child.output);
	close_fd(&io->child.input);
}

static void take_input(struct io *io, const struct wire_frame *frame)
{
	const size_t size = sizeof(io->bytes);
	size_t at = (io->head + io->used) % size;

	if (io->child.input < 0 || frame->length > size - io->used) {
		io->owed += frame->length; /* nobody reads it (the host keeps to its credit) */
		give_credit(io);
		return;
	}
	size_t first = frame->length < size - at ? frame->length : size - at;
	memcpy(io->bytes + at, frame->payload, first);
	memcpy(io->bytes, frame->payload + first, frame->length - first);
	io->used += frame->length;
}

static void take_frame(struct io *io, const struct wire_frame *frame)
{
	switch (frame->type) {
	case WIRE_DATA:
		take_input(io, frame);
		break;
	case WIRE_EOF:
		if (frame->stream == WIRE_STDIN)
			io->input_ended = true;
		else if (frame->stream == WIRE_STDOUT)
			close_fd(&io->child.output);
		else
			close_fd(&io->child.error);
		break;
	case WIRE_CREDIT:
		io->credit[frame->stream] += wire_word(frame, 0);
		break;
	case WIRE_SIGNAL:
		if (io->child.pid > 0)
			(void)kill(io->child.pid, (int)wire_word(frame, 0));
		break;
	case WIRE_WINSIZE:
		set_size(io, frame);
		break;
	case WIRE_PING:
		io_send(io, WIRE_PONG, 0, NULL, 0);
		break;
	default:
		break;
	}
}

static void read_console(struct io *io)
{
	struct wire_frame frame;
	size_t room;
	uint8_t *space = wire_space(&io->input, &room);
	ssize_t n = read(io->console, space, room);

	if (n <= 0)
		return;
	wire_received(&io->input, (size_t)n);
	while (wire_next(&io->input, &frame) > 0) {
		take_frame(io, &frame);
		wire_drop(&io->input, &frame);
	}
}

/* ---- from the process ---- */

static void read_output(struct io *io, unsigned int stream, int *fd)
{
	uint8_t data[WIRE_PAYLOAD];
	size_t room = io->credit[stream] < sizeof(data) ? io->credit[stream] : sizeof(data);
	ssize_t n = read(*fd, data, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		io->credit[stream] -= (size_t)n;
		io_send(io, WIRE_DATA, stream, data, (size_t)n);
		return;
	}
	/* A pipe is at its end; a terminal says EIO when its last process is gone. */
	io_send(io, WIRE_EOF, stream, NULL, 0);
	close_fd(fd);
}

/*
 * Whoever the container leaves behind is gone once its pid 1 is: the kernel ends a PID namespace
 * with it. The status is that of session 0, everything else is only reaped.
 */
static void reap(struct io *io, int signals, int *status, bool *over)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int s;

	(void)!read(signals, &info, sizeof(info));
	while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
		if (pid == io->child.pid) {
			*status = s;
			*over = true;
			io->child.pid = -1;
		}
}

enum { AT_CONSOLE, AT_SIGNALS, AT_INPUT, AT_OUTPUT, AT_ERROR, AT_COUNT };

static int polled(const struct io *io, unsigned int stream, int fd)
{
	return io->credit[stream] ? fd : -1;
}

int io_serve(struct io *io, int signals)
{
	bool over = false;
	int status = 0;

	while (!over || io->child.output >= 0 || io->child.error >= 0) {
		struct pollfd fds[AT_COUNT] = {
			[AT_CONSOLE] = {.fd = io->console, .events = POLLIN},
			[AT_SIGNALS] = {.fd = signals, .events = POLLIN},
			[AT_INPUT] = {.fd = io->used ? io->child.input : -1, .events = POLLOUT},
			[AT_OUTPUT] = {.fd = polled(io, WIRE_STDOUT, io->child.output),
				       .events = POLLIN},
			[AT_ERROR] = {.fd = polled(io, WIRE_STDERR, io->child.error),
				      .events = POLLIN},
		};
		if (poll(fds, AT_COUNT, -1) < 0)
			continue;
		if (fds[AT_OUTPUT].revents)
			read_output(io, WIRE_STDOUT, &io->child.output);
		if (fds[AT_ERROR].revents)
			read_output(io, WIRE_STDERR, &io->child.error);
		if (fds[AT_CONSOLE].revents)
			read_console(io);
		if (fds[AT_INPUT].revents && io->child.input >= 0)
			write_input(io);
		end_input(io);
		if (fds[AT_SIGNALS].revents)
			reap(io, signals, &status, &over);
	}
	return status;
}
