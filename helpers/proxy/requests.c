/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#include "container.h"
#include "helpers/shared/control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A client that connects sends at once, unless it was stopped in between. */
#define REQUEST_SECONDS 5

/* Receives one request and its descriptors. Returns how many descriptors came. */
static size_t receive(int client, char words[CONTROL_MESSAGE + 1], int fds[CONTROL_FDS])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
	} control;
	struct iovec data = {.iov_base = words, .iov_len = CONTROL_MESSAGE};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(client, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;

	words[n > 0 ? n : 0] = '\0';
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t size = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), size);
	return size / sizeof(int);
}

void requests_take(int client)
{
	char words[CONTROL_MESSAGE + 1], whom[4] = "";
	const char *reply = "unknown request";
	int signal, fds[CONTROL_FDS];
	size_t count = receive(client, words, fds);

	if (!strcmp(words, "start")) {
		reply = container_start(&client);
	} else if (!strcmp(words, "exec")) {
		reply = container_exec(&client, fds, count);
		if (!reply)
			count = 0;
	} else if (sscanf(words, "signal %d %3s", &signal, whom) >= 1 && signal > 0 &&
		   signal <= 64) {
		reply = container_signal(signal, !strcmp(whom, "all"));
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	answer(&client, reply);
}

void requests_event(int listener)
{
	const struct timeval patience = {.tv_sec = REQUEST_SECONDS};
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	(void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	requests_take(client);
}
