/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors are shared with the program that called runX. O_NONBLOCK would hit their other
 * owners too, for example a user's shell, so it is never set on them. poll(2) alone does not help:
 * a terminal counts as ready when it takes one byte, and another writer may fill a pipe after
 * poll(2).
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Opens the same pipe or terminal again. Only the flags of the new descriptor are our own. The
 * access stays: a FIFO that was opened for both directions never ends, and never is without a
 * reader.
 */
static int open_again(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Whether a call failed only because it would have had to wait, or was interrupted. */
static bool only_now(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/*
 * Waits for something to read, and returns false if nobody reads `to` any more. A read would take
 * what belongs to somebody else by then: the next line of the user's terminal.
 */
static bool await_input(int from, int to)
{
	struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLRDHUP}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return true;
	return !fds[1].revents;
}

static void await_room(int to)
{
	struct pollfd wanted = {.fd = to, .events = POLLOUT};

	(void)poll(&wanted, 1, -1);
}

/* A socket of messages (SOCK_SEQPACKET, SOCK_DGRAM) drops what a read has no room for. */
static bool has_messages(int fd)
{
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type != SOCK_STREAM;
}

/* What read(2) reads into: a piece of a stream, or a whole message. */
struct piece {
	char *data;
	size_t room;
};

static bool make_room(struct piece *p, size_t room)
{
	char *data = room > p->room ? realloc(p->data, room) : p->data;

	if (!data)
		return false;
	p->data = data;
	p->room = room > p->room ? room : p->room;
	return true;
}

static ssize_t read_piece(int from, struct piece *p, bool messages)
{
	ssize_t size = messages ? recv(from, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) : 0;

	if (size < 0 || !make_room(p, size > PIPE_BUF ? (size_t)size : PIPE_BUF))
		return -1;
	return read(from, p->data, p->room);
}

/*
 * Copies until one of the two sides ends. Returns 0, or -1 if `from` cannot be read. The owners of
 * the caller's descriptor may have set O_NONBLOCK on it.
 */
static int copy(int from, int to)
{
	const bool messages = has_messages(from);
	struct piece piece = {0};
	ssize_t n, written;

	while (await_input(from, to) && (n = read_piece(from, &piece, messages)) != 0) {
		if (n < 0 && !only_now())
			return -1;
		for (ssize_t done = 0; done < n; done += written) {
			written = write(to, piece.data + done, (size_t)(n - done));
			if (written < 0 && !only_now())
				return 0;
			if (written < 0) {
				await_room(to);
				written = 0;
			}
		}
	}
	return 0;
}

/*
 * The copying process: 0 and 1 are what it copies from and to. One byte waits in its end of the
 * line to us. If it ends without having read that, the kernel tells us ECONNRESET behind the last
 * data, so an end by an error or a signal does not look like the end of the input.
 */
__attribute__((noreturn)) static void copy_and_end(bool reads)
{
	char byte;

	if (copy(0, 1) == 0 && reads)
		(void)recv(1, &byte, 1, MSG_DONTWAIT);
	_exit(0);
}

/*
 * Starts a process that copies between `fd` and a line to us, and returns our end of the line, or
 * -1. This is for what cannot be opened again: a FIFO that nobody reads, /dev/tty of another
 * session, an anonymous file of the kernel, and for messages that must be read whole. The process
 * ends when one of the two sides ends.
 */
static int relay(int fd, int access)
{
	bool reads = access == O_RDONLY;
	int line[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
		return -1;
	int ours = line[0], theirs = line[1];
	pid_t pid = !reads || send(ours, "", 1, MSG_DONTWAIT) == 1 ? fork() : -1;
	if (pid == 0) {
		/* The copying process is a grandchild, which init waits for. */
		if (fork() != 0)
			_exit(0);
		if (dup2(reads ? fd : theirs, 0) < 0 || dup2(reads ? theirs : fd, 1) < 0)
			_exit(1);
		close_range(2, ~0U, 0);
		copy_and_end(reads);
	}
	close(theirs);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (pid < 0 || fcntl(ours, F_SETFL, O_NONBLOCK) < 0) {
		close(ours);
		return -1;
	}
	return ours;
}

/* A file makes nobody wait, and its position is shared with its other owners. */
struct stream stream_take(int fd, int access)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return (struct stream){.fd = fd};
	if (S_ISSOCK(st.st_mode) && !(access == O_RDONLY && has_messages(fd)))
		return (struct stream){.fd = fd, .socket = true};
	int own = S_ISSOCK(st.st_mode) ? -1 : open_again(fd);
	if (own < 0)
		own = relay(fd, access);
	close(fd);
	return (struct stream){.fd = own};
}

ssize_t stream_read(const struct stream *s, void *into, size_t room)
{
	return s->socket ? recv(s->fd, into, room, MSG_DONTWAIT) : read(s->fd, into, room);
}

ssize_t stream_write(const struct stream *s, const void *from, size_t count)
{
	return s->socket ? send(s->fd, from, count, MSG_DONTWAIT | MSG_NOSIGNAL)
			 : write(s->fd, from, count);
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
