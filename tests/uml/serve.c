// SPDX-License-Identifier: Apache-2.0
// A 9P server on a Unix socket: the core of `files` without Xen, one share for each connection. It
// counts what is asked.
//
// usage: serve SOCKET DIRECTORY COUNTS [DESCRIPTORS]
//
// COUNTS is a file that others map: the requests of each type, and in [0] how often it had to wait
// for one. The program goes to the background when it listens. DESCRIPTORS is how many it has for
// files that are known (default: as `files`).

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "helpers/files/session.h"

#define MSIZE (512 << 10)

struct connection {
	struct channel channel;
	pthread_mutex_t lock;
	int fd;
};

static int root, proc;
static struct session_limits limits;
static volatile uint64_t *counts;

static void answer(struct channel *channel, const uint8_t *message, size_t size)
{
	struct connection *connection = (struct connection *)channel;

	pthread_mutex_lock(&connection->lock);
	for (ssize_t n; size > 0; message += n, size -= (size_t)n)
		if ((n = write(connection->fd, message, size)) < 0)
			break;
	pthread_mutex_unlock(&connection->lock);
}

static size_t size_of(const uint8_t *message)
{
	return message[0] | (size_t)message[1] << 8 | (size_t)message[2] << 16 |
	       (size_t)message[3] << 24;
}

static void *serve(void *arg)
{
	struct connection *connection = arg;
	struct session *session = session_new(root, proc, MSIZE, &limits);
	uint8_t *in = malloc(4 * MSIZE), *reply = malloc(MSIZE);
	size_t have = 0;
	ssize_t n;

	if (!session || !in || !reply)
		err(1, "session");
	while ((n = read(connection->fd, in + have, 4 * MSIZE - have)) > 0) {
		size_t at = 0;

		counts[0]++;
		have += (size_t)n;
		while (have - at >= 7 && size_of(in + at) <= have - at) {
			size_t size = size_of(in + at);

			counts[in[at + 4]]++;
			n = session_request(session, &connection->channel, in + at, size, reply);
			if (n < 0)
				goto end;
			if (n > 0)
				answer(&connection->channel, reply, (size_t)n);
			at += size;
		}
		memmove(in, in + at, have -= at);
	}
end:
	session_end(session);
	close(connection->fd);
	free(in);
	free(reply);
	free(connection);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t usr1;

	if (argc < 4 || argc > 5 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2, "usage: serve SOCKET DIRECTORY COUNTS [DESCRIPTORS]");
	limits.descriptors = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	strcpy(address.sun_path, argv[1]);
	root = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (root < 0 || fd < 0 || ftruncate(fd, 4096))
		err(1, "start");
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		err(1, "%s", argv[3]);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_IGN);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	unlink(argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 8))
		err(1, "%s", argv[1]);
	pid_t background = fork();
	if (background)
		return background < 0;
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || session_prepare(proc))
		err(1, "session_prepare");
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		connection->channel.answer = answer;
		pthread_mutex_init(&connection->lock, NULL);
		connection->fd = fd;
		if (pthread_create(&thread, &attributes, serve, connection))
			err(1, "thread");
	}
	err(1, "accept");
}
