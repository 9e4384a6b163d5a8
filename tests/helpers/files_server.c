/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves a directory by 9P2000.L over a socket, as Linux's trans=fd, unix and tcp speak it: for
 * tests with a kernel that has no Xen, and for a look at what a client sends.
 *
 * usage: files_server [-v] DIRECTORY SOCKET   each connection to the UNIX socket is a session
 *        files_server [-v] DIRECTORY -        one session over stdin and stdout
 * -v prints the type of each request and the errno of its answer to stderr.
 */
#include "helpers/files/session.h"
#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MSIZE (256 * 1024)

static int root, proc;
static bool verbose;

struct connection {
	struct channel channel; /* first: answer() gets its address */
	int in, out;
	pthread_mutex_t lock;
};

static bool read_all(int fd, uint8_t *to, size_t count)
{
	while (count > 0) {
		ssize_t n = read(fd, to, count);
		if (n <= 0)
			return false;
		to += n;
		count -= (size_t)n;
	}
	return true;
}

static void answer(struct channel *channel, const uint8_t *message, size_t size)
{
	struct connection *c = (struct connection *)channel;

	if (verbose && message[4] == 7)
		fprintf(stderr, "  tag %d: error %d\n", message[5] | message[6] << 8, message[7]);
	pthread_mutex_lock(&c->lock);
	while (size > 0) {
		ssize_t n = write(c->out, message, size);
		if (n <= 0)
			break;
		message += n;
		size -= (size_t)n;
	}
	pthread_mutex_unlock(&c->lock);
}

static void serve(struct connection *c)
{
	struct session *session = session_new(root, proc, MSIZE, &(struct session_limits){0});
	uint8_t *message = malloc(MSIZE), *reply = malloc(MSIZE);

	if (!session || !message || !reply)
		fail("a session");
	while (read_all(c->in, message, 4)) {
		size_t size =
			message[0] | message[1] << 8 | message[2] << 16 | (size_t)message[3] << 24;
		if (size < 7 || size > MSIZE || !read_all(c->in, message + 4, size - 4))
			break;
		if (verbose)
			fprintf(stderr, "tag %d: type %d, %zu bytes\n",
				message[5] | message[6] << 8, message[4], size);
		ssize_t n = session_request(session, &c->channel, message, size, reply);
		if (n < 0)
			break;
		if (n > 0)
			answer(&c->channel, reply, (size_t)n);
	}
	session_end(session);
	free(message);
	free(reply);
}

static void *accepted(void *argument)
{
	struct connection c = {{answer},
			       (int)(intptr_t)argument,
			       (int)(intptr_t)argument,
			       PTHREAD_MUTEX_INITIALIZER};

	serve(&c);
	close(c.in);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    (int)sizeof(address.sun_path))
		failx("%s: too long for a socket", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		fail("%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	sigset_t signals;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		verbose = true;
		argc--;
		argv++;
	}
	if (argc != 3)
		failx("usage: files_server [-v] DIRECTORY SOCKET|-");
	signal(SIGPIPE, SIG_IGN);
	root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		fail("%s", argv[1]);
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int listener = strcmp(argv[2], "-") ? listen_at(argv[2]) : -1;
	if (proc < 0 || session_prepare(proc))
		fail("session_prepare");
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (listener < 0) {
		struct connection c = {{answer}, 0, 1, PTHREAD_MUTEX_INITIALIZER};
		serve(&c);
		return 0;
	}
	for (;;) {
		pthread_t thread;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			fail("accept");
		if (pthread_create(&thread, NULL, accepted, (void *)(intptr_t)fd))
			failx("no thread");
		pthread_detach(thread);
	}
}
