/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a container's proxy for something, or waits for its end.
 *
 * usage: control STATE-DIRECTORY start
 *        control STATE-DIRECTORY signal NUMBER [all]
 *        control STATE-DIRECTORY wait SECONDS
 *
 * The exit status says what happened:
 *
 *   0    it is done
 *   1    the proxy refused, and its words are on stderr
 *   2    there is no proxy (any more)
 *   3    the proxy and its guardian did not end in time
 *   125  this program failed
 */
#include "helpers/shared/control.h"

#include "client.h"
#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REFUSED = 1, NO_PROXY = 2, TOO_LATE = 3 };

static int request(int directory, const char *words)
{
	char answer[CONTROL_MESSAGE + 1];
	int s = client_connect(directory);

	if (s < 0 || client_send(s, words, NULL, 0) < 0)
		return NO_PROXY;
	ssize_t n = recv(s, answer, CONTROL_MESSAGE, 0);
	if (n <= 0)
		return NO_PROXY;
	answer[n] = '\0';
	if (!strcmp(answer, CONTROL_OK))
		return 0;
	fprintf(stderr, "%s\n", answer);
	return REFUSED;
}

static void too_late(int signal)
{
	(void)signal;
	_exit(TOO_LATE);
}

static int wait_for_end(int directory, unsigned int seconds)
{
	int lock = openat(directory, CONTROL_LOCK, O_RDONLY | O_CLOEXEC);

	if (lock < 0)
		return 0;
	signal(SIGALRM, too_late);
	alarm(seconds);
	while (flock(lock, LOCK_SH) < 0)
		if (errno != EINTR)
			fail("cannot wait for the proxy's lock");
	return 0;
}

int main(int argc, char **argv)
{
	char words[CONTROL_MESSAGE] = "";

	if (argc < 3 || argc > 5)
		failx("usage: control STATE-DIRECTORY start | signal NUMBER [all] | wait SECONDS");
	int directory = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		fail("cannot open the state directory %s", argv[1]);
	if (!strcmp(argv[2], "wait") && argc == 4)
		return wait_for_end(directory, (unsigned int)atoi(argv[3]));
	for (int i = 2, used = 0; i < argc && used < CONTROL_MESSAGE; i++)
		used += snprintf(words + used, sizeof(words) - (size_t)used, "%s%s",
				 i > 2 ? " " : "", argv[i]);
	return request(directory, words);
}
