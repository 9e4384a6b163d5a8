/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's console driver writes with interrupts off and spins while its ring is full (Linux 6.12,
 * domU_write_console). A host that does not read would therefore stop the VM. Credit makes sure
 * that the host can always read: docs/guest-interface.md.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CONSOLE	       "/dev/hvc1"
#define DEVICE_TIMEOUT 30000 /* ms; a device from the host appears much sooner */

static struct {
	int console;
	struct wire_input input;
	uint8_t times[4 * WIRE_TIMES];
} io = {.console = -1};

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

bool io_open(void)
{
	struct termios raw;

	io.console = io_open_device(CONSOLE, O_RDWR | O_NOCTTY);
	if (io.console < 0 || tcgetattr(io.console, &raw) < 0)
		return false;
	cfmakeraw(&raw);
	if (tcsetattr(io.console, TCSANOW, &raw) < 0)
		return false;
	/* Root in the container could make its own node for this device. Exclusive mode keeps it
	 * from opening the console. */
	(void)ioctl(io.console, TIOCEXCL);
	io_send_word(WIRE_HELLO, 0, 0, WIRE_VERSION);
	return true;
}

static void send_bytes(const uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t n = write(io.console, bytes, count);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return; /* without its console the VM is about to end */
		if (n > 0) {
			bytes += n;
			count -= (size_t)n;
		}
	}
}

void io_send(enum wire_type type, unsigned int stream, unsigned int session, const void *payload,
	     size_t length)
{
	uint8_t frame[WIRE_FRAME];

	wire_header(frame, type, stream, session, length);
	if (length)
		memcpy(frame + WIRE_HEADER, payload, length);
	send_bytes(frame, WIRE_HEADER + length);
}

void io_send_word(enum wire_type type, unsigned int stream, unsigned int session, uint32_t word)
{
	uint8_t payload[4];

	wire_put32(payload, word);
	io_send(type, stream, session, payload, sizeof(payload));
}

void io_send_failure(unsigned int session, int error, const char *words)
{
	uint8_t payload[512];
	size_t length = strlen(words);

	if (length > sizeof(payload) - 4)
		length = sizeof(payload) - 4;
	wire_put32(payload, (uint32_t)error);
	memcpy(payload + 4, words, length);
	io_send(WIRE_FAILED, 0, session, payload, 4 + length);
}

void io_time(enum wire_time what)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	wire_put32(io.times + 4 * what, (uint32_t)(t.tv_sec * 1000000 + t.tv_nsec / 1000));
}

void io_send_started(unsigned int session)
{
	if (session == 0)
		io_time(WIRE_AT_PROCESS);
	io_send(WIRE_STARTED, 0, session, io.times, session == 0 ? sizeof(io.times) : 0);
}

int io_descriptor(void)
{
	return io.console;
}

void io_receive(void (*take)(const struct wire_frame *))
{
	struct wire_frame frame;
	size_t room;
	uint8_t *space = wire_space(&io.input, &room);
	ssize_t n = read(io.console, space, room);

	if (n <= 0)
		return;
	wire_received(&io.input, (size_t)n);
	int got;
	while ((got = wire_next(&io.input, &frame)) > 0) {
		take(&frame);
		wire_drop(&io.input, &frame);
	}
	/* Only a host of another version sends what is no frame. A full buffer would be read for
	 * ever. */
	if (got < 0)
		io.input.used = 0;
}
