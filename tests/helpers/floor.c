/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least guest that does anything, to measure runX beside: PID 1 of a VM that has nothing but
 * the kernel's console, which xenconsoled serves. What it does is a word of the kernel's command
 * line:
 *
 * floor=out:BYTES  writes so many bytes, and waits: xenconsoled loses what it has not read at the
 * end floor=in:BYTES   says "ready", reads so many, says "done", and waits else             says
 * "ready", and ends
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int console;

static void say(const char *word)
{
	(void)!write(console, word, strlen(word));
}

static void put(size_t count)
{
	static char bytes[4096];

	memset(bytes, 'x', sizeof(bytes));
	while (count > 0) {
		ssize_t n = write(console, bytes, count < sizeof(bytes) ? count : sizeof(bytes));
		count -= n > 0 ? (size_t)n : 0;
	}
}

static void take(size_t count)
{
	static char bytes[4096];

	say("ready\n");
	while (count > 0) {
		ssize_t n = read(console, bytes, count < sizeof(bytes) ? count : sizeof(bytes));
		count -= n > 0 ? (size_t)n : 0;
	}
	say("done\n");
}

static void open_console(void)
{
	struct termios raw;

	mkdir("/dev", 0755);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	console = open("/dev/hvc0", O_RDWR | O_NOCTTY);
	tcgetattr(console, &raw);
	cfmakeraw(&raw);
	tcsetattr(console, TCSANOW, &raw);
}

int main(void)
{
	/* Linux gives what it does not know itself to PID 1: NAME=VALUE as environment. */
	const char *what = getenv("floor");

	open_console();
	if (what && !strncmp(what, "out:", 4))
		put(strtoul(what + 4, NULL, 10));
	else if (what && !strncmp(what, "in:", 3))
		take(strtoul(what + 3, NULL, 10));
	else
		say("ready\n");
	while (what)
		pause();
	tcdrain(console);
	for (;;)
		reboot(RB_POWER_OFF);
}
