/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "helpers/shared/common.h"
#include "helpers/shared/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A state directory may have a longer path than a socket's address can hold. */
int client_connect(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (s < 0)
		fail("cannot make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory,
		 CONTROL_SOCKET);
	/* A proxy that was stopped accepts nobody, and a full queue would make connect(2) wait for
	 * it. */
	const struct timeval patience = {.tv_sec = CLIENT_SECONDS};
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&address, sizeof(address)) == 0)
		return s;
	const int error = errno;
	close(s);
	errno = error;
	return -1;
}

int client_send(int socket, const char *words, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
	} control = {0};
	struct iovec data = {.iov_base = (void *)words, .iov_len = strlen(words)};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};

	if (count) {
		m.msg_control = &control;
		m.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * count);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	}
	return sendmsg(socket, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}
