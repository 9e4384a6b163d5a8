/* SPDX-License-Identifier: Apache-2.0 */
/* Tests streams: whoever is at the other end of a container's stdio, its proxy never waits. */
#include "helpers/proxy/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* More than any pipe, terminal or socket takes. */
#define MUCH (1 << 22)

/* A call that waits ends the test by SIGALRM. */
static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	alarm(20);
	return 0;
}

/* Writes until it would have to wait, which must come; how much was taken. */
static size_t write_until_full(const struct stream *s)
{
	static char data[60000];
	size_t taken = 0;
	ssize_t n;

	while ((n = stream_write(s, data, sizeof(data))) > 0 && taken < MUCH)
		taken += (size_t)n;
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
	return taken;
}

static void a_full_pipe_waits_for_nobody(void **state)
{
	int line[2];

	(void)state;
	assert_int_equal(pipe(line), 0);
	int owner = dup(line[1]);
	struct stream s = stream_take(line[1], O_WRONLY);
	assert_true(write_until_full(&s) >= 4096);
	/* Its owner's descriptor is as it was. */
	assert_int_equal(fcntl(owner, F_GETFL) & O_NONBLOCK, 0);
	stream_close(&s);
	close(owner);
	close(line[0]);
}

/* stdout and stderr of `2>&1 |`: poll() said yes to both, and one took the room of the other. */
static void two_streams_may_share_a_pipe(void **state)
{
	int line[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(line), 0);
	struct stream out = stream_take(dup(line[1]), O_WRONLY);
	struct stream err = stream_take(line[1], O_WRONLY);
	(void)write_until_full(&out);
	(void)write_until_full(&err);
	stream_close(&out);
	stream_close(&err);
	while (read(line[0], &byte, 1) == 1)
		;
	close(line[0]);
}

static void a_terminal_that_nobody_reads_waits_for_nobody(void **state)
{
	struct termios t;
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0 && tcgetattr(slave, &t) == 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(slave, TCSANOW, &t), 0);
	struct stream out = stream_take(dup(slave), O_WRONLY), in = stream_take(slave, O_RDONLY);
	assert_true(write_until_full(&out) >= 1);
	char byte;
	assert_int_equal(stream_read(&in, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	stream_close(&out);
	stream_close(&in);
	close(master);
}

static void a_full_socket_waits_for_nobody(void **state)
{
	int pair[2];
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct stream s = stream_take(pair[0], O_WRONLY);
	assert_true(s.socket);
	assert_true(write_until_full(&s) >= 4096);
	assert_int_equal(stream_read(&s, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	close(pair[1]);
	assert_int_equal(stream_write(&s, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	stream_close(&s);
}

/* With one position for both, as the shell's `>file 2>&1` makes them. */
static void two_streams_may_share_a_file(void **state)
{
	char name[] = "/tmp/stream_test.XXXXXX", got[8] = "";
	int file = mkstemp(name);

	(void)state;
	struct stream out = stream_take(dup(file), O_WRONLY),
		      err = stream_take(dup(file), O_WRONLY);
	assert_int_equal(stream_write(&out, "ab", 2), 2);
	assert_int_equal(stream_write(&err, "cd", 2), 2);
	assert_int_equal(pread(file, got, 8, 0), 4);
	assert_string_equal(got, "abcd");
	stream_close(&out);
	stream_close(&err);
	close(file);
	unlink(name);
}

/* It cannot be opened again. A child finds out that nobody reads. */
static void a_fifo_without_a_reader_is_a_closed_pipe(void **state)
{
	char name[] = "/tmp/stream_test.XXXXXX";
	struct pollfd p = {.events = POLLOUT};

	(void)state;
	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK), writer = open("fifo", O_WRONLY);
	close(reader);
	struct stream s = stream_take(writer, O_WRONLY);
	ssize_t n = 1;
	p.fd = s.fd;
	while (n > 0 && poll(&p, 1, -1) > 0)
		n = stream_write(&s, "x", 1);
	assert_int_equal(n, -1);
	assert_int_equal(errno, EPIPE);
	stream_close(&s);
	unlink("fifo");
	assert_int_equal(chdir("/"), 0);
	rmdir(name);
}

/* go-runc's null I/O: the session takes this error for a reader that swallows all. */
static void dev_null_that_was_opened_for_reading_is_no_closed_pipe(void **state)
{
	struct stream s = stream_take(open("/dev/null", O_RDONLY), O_WRONLY);

	(void)state;
	assert_int_equal(stream_write(&s, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	stream_close(&s);
}

/* A shell's `<>fifo`, which keeps the FIFO open after its last writer. */
static void a_fifo_for_both_directions_never_ends(void **state)
{
	char name[] = "/tmp/stream_test.XXXXXX", got[4];

	(void)state;
	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	struct stream s = stream_take(open("fifo", O_RDWR), O_RDONLY);
	int writer = open("fifo", O_WRONLY);
	assert_int_equal(write(writer, "ab", 2), 2);
	close(writer);
	assert_int_equal(stream_read(&s, got, 4), 2);
	assert_int_equal(stream_read(&s, got, 4), -1);
	assert_int_equal(errno, EAGAIN);
	stream_close(&s);
	unlink("fifo");
	assert_int_equal(chdir("/"), 0);
	rmdir(name);
}

static void the_end_of_a_pipe_is_read(void **state)
{
	int line[2];
	char got[4];

	(void)state;
	assert_int_equal(pipe(line), 0);
	struct stream s = stream_take(line[0], O_RDONLY);
	assert_int_equal(stream_read(&s, got, 4), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(line[1], "ab", 2), 2);
	close(line[1]);
	assert_int_equal(stream_read(&s, got, 4), 2);
	assert_int_equal(stream_read(&s, got, 4), 0);
	stream_close(&s);
}

/* Waits for the copying process of a stream, and reads. */
static ssize_t read_copied(const struct stream *s, void *into, size_t room)
{
	struct pollfd wanted = {.fd = s->fd, .events = POLLIN};

	assert_int_equal(poll(&wanted, 1, 10000), 1);
	return stream_read(s, into, room);
}

/* An eventfd cannot be opened again. */
static void what_cannot_be_opened_again_is_copied_as_it_comes(void **state)
{
	int source = eventfd(0, EFD_NONBLOCK);
	int owner = dup(source);
	uint64_t got;

	(void)state;
	struct stream s = stream_take(source, O_RDONLY);
	assert_int_equal(stream_read(&s, &got, sizeof(got)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(eventfd_write(owner, 3), 0);
	assert_int_equal(read_copied(&s, &got, sizeof(got)), sizeof(got));
	assert_int_equal(got, 3);
	assert_int_equal(eventfd_write(owner, 4), 0);
	assert_int_equal(read_copied(&s, &got, sizeof(got)), sizeof(got));
	assert_int_equal(got, 4);
	stream_close(&s);
	close(owner);
}

/* An epoll descriptor cannot be opened again either. It counts as ready, and every read fails. */
static void what_cannot_be_read_is_no_end(void **state)
{
	struct epoll_event readable = {.events = EPOLLIN};
	int source = epoll_create1(0), ready = eventfd(1, 0);
	char got;

	(void)state;
	assert_int_equal(epoll_ctl(source, EPOLL_CTL_ADD, ready, &readable), 0);
	struct stream s = stream_take(source, O_RDONLY);
	assert_int_equal(read_copied(&s, &got, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	stream_close(&s);
	close(ready);
}

/* What comes after the stream's end belongs to the other owners of the source. */
static void a_copying_process_ends_with_its_stream(void **state)
{
	int source = eventfd(0, 0), owner = dup(source);
	eventfd_t got;

	(void)state;
	struct stream s = stream_take(source, O_RDONLY);
	stream_close(&s);
	/* Nothing tells when the process has ended; too short a wait lets this test pass. */
	assert_int_equal(usleep(100000), 0);
	assert_int_equal(eventfd_write(owner, 5), 0);
	assert_int_equal(usleep(100000), 0);
	assert_int_equal(fcntl(owner, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(eventfd_read(owner, &got), 0);
	assert_int_equal(got, 5);
	close(owner);
}

/* Such a stdin is rare. A read with less room than a message has loses its rest. */
static void messages_of_a_socket_come_whole(void **state)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};
	static char sent[20000], got[3 * sizeof(sent)];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, types[i], 0, pair), 0);
		struct stream s = stream_take(pair[0], O_RDONLY);
		for (int n = 0; n < 3; n++) {
			memset(sent, 'a' + n, sizeof(sent));
			assert_int_equal(write(pair[1], sent, sizeof(sent)), sizeof(sent));
		}
		for (size_t used = 0; used < sizeof(got);)
			used += (size_t)read_copied(&s, got + used, 1000);
		for (size_t at = 0; at < sizeof(got); at++)
			assert_int_equal(got[at], 'a' + at / sizeof(sent));
		if (types[i] == SOCK_SEQPACKET) {
			close(pair[1]);
			assert_int_equal(read_copied(&s, got, 1), 0);
		}
		stream_close(&s);
	}
}

#define timed(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		timed(a_full_pipe_waits_for_nobody),
		timed(two_streams_may_share_a_pipe),
		timed(a_terminal_that_nobody_reads_waits_for_nobody),
		timed(a_full_socket_waits_for_nobody),
		timed(two_streams_may_share_a_file),
		timed(a_fifo_without_a_reader_is_a_closed_pipe),
		timed(dev_null_that_was_opened_for_reading_is_no_closed_pipe),
		timed(a_fifo_for_both_directions_never_ends),
		timed(the_end_of_a_pipe_is_read),
		timed(what_cannot_be_opened_again_is_copied_as_it_comes),
		timed(what_cannot_be_read_is_no_end),
		timed(a_copying_process_ends_with_its_stream),
		timed(messages_of_a_socket_come_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
