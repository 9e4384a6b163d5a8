/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char answer[ASK_ANSWER + 32];

/* Sends the request, and fills `answer`. Returns the socket, or -1. */
static int converse(const char *verb, const char *format, va_list words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char request[ASK_REQUEST];
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/xl", getenv("STANDIN"));
	int n = snprintf(request, sizeof(request), "%s\n", verb);
	n += vsnprintf(request + n, sizeof(request) - (size_t)n, format, words);
	if (n >= (int)sizeof(request))
		errno = EMSGSIZE;
	else if (s >= 0 && connect(s, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		 send(s, request, (size_t)n, MSG_NOSIGNAL) == n) {
		ssize_t got = recv(s, answer, sizeof(answer) - 1, 0);
		answer[got > 0 ? got : 0] = '\0';
		return s;
	}
	snprintf(answer, sizeof(answer), "no stand-in of Xen at %s: %s", address.sun_path,
		 strerror(errno));
	close(s);
	return -1;
}

/* An answer begins with ok or with an error, on a line of its own. */
static const char *behind_ok(void)
{
	char *rest = strchrnul(answer, '\n');

	if (*rest)
		*rest++ = '\0';
	return strcmp(answer, "ok") == 0 ? rest : NULL;
}

const char *ask(const char **problem, const char *verb, const char *format, ...)
{
	va_list words;

	va_start(words, format);
	int s = converse(verb, format, words);
	va_end(words);
	if (s >= 0)
		close(s);
	*problem = answer;
	return behind_ok();
}

int ask_and_stay(const char *verb, const char *format, ...)
{
	va_list words;

	va_start(words, format);
	int s = converse(verb, format, words);
	va_end(words);
	if (s < 0 || behind_ok())
		return s;
	close(s);
	return -1;
}
