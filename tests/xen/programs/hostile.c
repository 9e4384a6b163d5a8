/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a VM that breaks the rules of docs/guest-interface.md. The second argument of the
 * container process says in which way. After that it is silent for ever.
 *
 * It cannot make bad ring indices, because /dev/hvc1 hides the ring. tests/fuzz/ring.c has them.
 */
#include "guest/console/io.h"
#include "helpers/shared/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define EXITED_WITH(status) ((status) << 8)

static int console;

static void put(const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t n = write(console, at, count);
		if (n > 0) {
			at += n;
			count -= (size_t)n;
		}
	}
}

/* Sends a header alone. The payload that it promises need not follow. */
static void put_header(enum wire_type type, unsigned int stream, unsigned int session,
		       size_t length)
{
	uint8_t header[WIRE_HEADER];

	wire_header(header, type, stream, session, length);
	put(header, sizeof(header));
}

static void put_word(enum wire_type type, unsigned int stream, uint32_t word)
{
	uint8_t payload[4];

	wire_put32(payload, word);
	put_header(type, stream, 0, sizeof(payload));
	put(payload, sizeof(payload));
}

static void data(unsigned int stream, unsigned int session, size_t length)
{
	static const char bytes[WIRE_PAYLOAD];

	put_header(WIRE_DATA, stream, session, length);
	put(bytes, length);
}

static void hello(void)
{
	put_word(WIRE_HELLO, 0, WIRE_VERSION);
}

static void started(void)
{
	hello();
	put_header(WIRE_STARTED, 0, 0, 0);
}

static void silent(void)
{
}

static void version(void)
{
	put_word(WIRE_HELLO, 0, WIRE_VERSION + 1);
}

static void garbage(void)
{
	for (unsigned int i = 0, x = 1; i < 4096; i++) {
		uint8_t byte = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
		put(&byte, 1);
	}
}

static void no_hello(void)
{
	put_header(WIRE_STARTED, 0, 0, 0);
}

static void oversize(void)
{
	hello();
	put_header(WIRE_DATA, WIRE_STDOUT, 0, 0xffffffff);
}

static void session(void)
{
	hello();
	data(WIRE_STDOUT, 5, 1);
}

static void exited_early(void)
{
	hello();
	put_word(WIRE_EXITED, 0, EXITED_WITH(0));
}

static void off(void)
{
	reboot(RB_POWER_OFF);
}

static void off_early(void)
{
	hello();
	off();
}

static void off_running(void)
{
	started();
	off();
}

/* PONGs that came before a PING are no answer to it. */
static void off_with_pongs(void)
{
	started();
	for (int i = 0; i < 1000; i++)
		put_header(WIRE_PONG, 0, 0, 0);
	off();
}

/* The proxy has no open streams after this. */
static void off_closed(void)
{
	started();
	for (unsigned int stream = 0; stream < WIRE_STREAMS; stream++)
		put_header(WIRE_EOF, stream, 0, 0);
	off();
}

static void started_twice(void)
{
	started();
	put_header(WIRE_STARTED, 0, 0, 0);
}

/* The times of a guest that claims to run for an hour; dom0 itself may not run that long. */
static void wild_times(void)
{
	uint8_t words[4 * WIRE_TIMES];

	hello();
	for (uint32_t i = 0; i < WIRE_TIMES; i++)
		wire_put32(words + 4 * i, i < WIRE_AT_PROCESS ? 1 + i : 0xffffffff);
	put_header(WIRE_STARTED, 0, 0, sizeof(words));
	put(words, sizeof(words));
}

static void failed_late(void)
{
	started();
	put_word(WIRE_FAILED, 0, 2);
}

static void too_much_credit(void)
{
	started();
	put_word(WIRE_CREDIT, WIRE_STDIN, 1);
}

/* It never reads, so the credit that it gets back waits in its ring, until no more fits. */
static void output(void)
{
	started();
	for (;;)
		data(WIRE_STDOUT, 0, WIRE_PAYLOAD);
}

static void output_after_eof(void)
{
	started();
	put_header(WIRE_EOF, WIRE_STDOUT, 0, 0);
	data(WIRE_STDOUT, 0, 1);
}

static void output_after_exit(void)
{
	started();
	put_word(WIRE_EXITED, 0, EXITED_WITH(7));
	for (;;)
		data(WIRE_STDOUT, 0, WIRE_PAYLOAD);
}

static void flood(void)
{
	started();
	for (;;) {
		put_header(WIRE_PONG, 0, 0, 0);
		put_word(WIRE_CREDIT, WIRE_STDIN, 0);
	}
}

static const struct {
	const char *name;
	void (*act)(void);
} ways[] = {
	{"silent", silent},
	{"version", version},
	{"garbage", garbage},
	{"no-hello", no_hello},
	{"oversize", oversize},
	{"session", session},
	{"exited-early", exited_early},
	{"off-early", off_early},
	{"off-running", off_running},
	{"off-with-pongs", off_with_pongs},
	{"off-closed", off_closed},
	{"mute", started},
	{"started-twice", started_twice},
	{"wild-times", wild_times},
	{"failed-late", failed_late},
	{"too-much-credit", too_much_credit},
	{"output", output},
	{"output-after-eof", output_after_eof},
	{"output-after-exit", output_after_exit},
	{"flood", flood},
};

/* Returns the second argument in the container's description. */
static const char *way(void)
{
	static char records[65536];
	int file = open("/container", O_RDONLY);
	ssize_t n = read(file, records, sizeof(records) - 1);
	bool second = false;

	for (char *at = records; n > 0 && at < records + n; at += strlen(at) + 1) {
		if (strncmp(at, "arg=", 4) != 0)
			continue;
		if (second)
			return at + 4;
		second = true;
	}
	return "";
}

int main(void)
{
	struct termios raw;
	const char *name = way();

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	console = io_open_device("/dev/hvc1", O_RDWR | O_NOCTTY);
	tcgetattr(console, &raw);
	cfmakeraw(&raw);
	tcsetattr(console, TCSANOW, &raw);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].name, name))
			ways[i].act();
	for (;;)
		pause();
}
