/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#include "container.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that connects sends at once, unless it was stopped in between. */
#define REQUEST_SECONDS 5

/* Clients that have connected and have not sent their request yet. */
static struct client {
	int fd; /* 0: this place is free */
	int64_t by;
} clients[REQUESTS_CLIENTS];

/* Receives one request and its descriptors. Returns the length, as recvmsg(2) does. */
static ssize_t receive(int client, char words[CONTROL_MESSAGE + 1], int fds[CONTROL_FDS],
		       size_t *count)
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
	ssize_t n = recvmsg(client, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;

	words[n > 0 ? n : 0] = '\0';
	*count = 0;
	if (c && c->cmsg_type == SCM_RIGHTS) {
		size_t size = c->cmsg_len - CMSG_LEN(0);
		memcpy(fds, CMSG_DATA(c), size);
		*count = size / sizeof(int);
	}
	return n;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void carry_out(int client, const char *words, const int *fds, size_t count)
{
	const char *reply = "unknown request";
	char whom[4] = "";
	int signal;

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
	close_all(fds, count);
	answer(&client, reply);
}

static void drop(struct client *c)
{
	close(c->fd);
	c->fd = 0;
}

static void client_event(struct client *c)
{
	char words[CONTROL_MESSAGE + 1];
	int fds[CONTROL_FDS];
	size_t count;
	ssize_t n = receive(c->fd, words, fds, &count);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* An empty message looks like the end. */
	if (n <= 0) {
		close_all(fds, count);
		drop(c);
		return;
	}
	int client = c->fd;
	c->fd = 0;
	carry_out(client, words, fds, count);
}

void requests_add(int client)
{
	for (size_t i = 0; i < REQUESTS_CLIENTS; i++)
		if (clients[i].fd == 0) {
			clients[i].fd = client;
			clients[i].by = host_now() + REQUEST_SECONDS * 1000;
			client_event(&clients[i]);
			return;
		}
	close(client);
}

/* The listener is left alone while no place is free: who connects then waits in its queue. */
void requests_poll(int listener, struct pollfd *fds)
{
	bool free = false;

	for (size_t i = 0; i < REQUESTS_CLIENTS; i++) {
		free = free || clients[i].fd == 0;
		fds[1 + i] =
			(struct pollfd){.fd = clients[i].fd ? clients[i].fd : -1, .events = POLLIN};
	}
	fds[0] = (struct pollfd){.fd = free ? listener : -1, .events = POLLIN};
}

void requests_serve(int listener, const struct pollfd *fds)
{
	for (size_t i = 0; i < REQUESTS_CLIENTS; i++)
		if (clients[i].fd && fds[1 + i].fd == clients[i].fd && fds[1 + i].revents)
			client_event(&clients[i]);
	if (!fds[0].revents)
		return;
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (client >= 0)
		requests_add(client);
}

int64_t requests_check(int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; i < REQUESTS_CLIENTS; i++) {
		if (clients[i].fd && clients[i].by <= now)
			drop(&clients[i]);
		if (clients[i].fd && (next == 0 || clients[i].by < next))
			next = clients[i].by;
	}
	return next;
}
