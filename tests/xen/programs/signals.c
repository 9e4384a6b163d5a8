/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container process that tells which signals reach it, and which input came before each. It
 * prints "ready", then a line "NUMBER: WORDS" for each signal. It takes all 64 signals except those
 * that no process can take, even the two that C libraries reserve. When it reads the line "busy",
 * it keeps the CPU busy from then on. It ends at the end of its stdin.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Appends the available input to `words`, with blanks for newlines. False: stdin has ended. */
static bool take_input(char *words, size_t size)
{
	size_t used = strlen(words);
	ssize_t n = read(STDIN_FILENO, words + used, size - 1 - used);

	if (n > 0) {
		words[used + (size_t)n] = '\0';
		for (char *at = words; (at = strchr(at, '\n')); at++)
			*at = ' ';
	}
	return n != 0;
}

static void be_busy(void)
{
	if (fork() == 0)
		for (;;)
			;
}

int main(void)
{
	const uint64_t all = ~0ULL;
	char words[4096] = "";
	bool open = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)) < 0)
		err(1, "rt_sigprocmask");
	int signals = (int)syscall(SYS_signalfd4, -1, &all, sizeof(all), 0);
	if (signals < 0 || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0)
		err(1, "signalfd");
	puts("ready");
	while (open) {
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
				       {.fd = STDIN_FILENO, .events = POLLIN}};
		struct signalfd_siginfo info;

		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		open = take_input(words, sizeof(words));
		if (!strcmp(words, "busy ")) {
			be_busy();
			words[0] = '\0';
			puts("busy");
		}
		if (!(fds[0].revents & POLLIN))
			continue;
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			err(1, "read");
		printf("%u: %s\n", info.ssi_signo, words);
		words[0] = '\0';
	}
	return 0;
}
