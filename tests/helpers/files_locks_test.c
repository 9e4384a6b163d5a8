/* SPDX-License-Identifier: Apache-2.0 */
/* Tests locks of the file server (case 11): between two guests, against the host, and waiting. */
#include "share.h"

#include <sys/file.h>

#define NOBODY -1

/* The host's program: takes flock(2)'s lock, or one of bytes for itself, or gives it up. */
static int host_flock(int fd, int how)
{
	return flock(fd, how | LOCK_NB) ? errno : 0;
}

static int host_fcntl(int fd, short type, off_t start, off_t length)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

	return fcntl(fd, F_OFD_SETLK, &range) ? errno : 0;
}

/* What a guest is told: P9_LOCK_SUCCESS, P9_LOCK_BLOCKED, or an errno. */
static int lock(struct nine *n, unsigned int fid, unsigned int type, unsigned int flags,
		uint64_t start, uint64_t length, unsigned int process)
{
	int r = nine_lock(n, fid, type, flags, start, length, process);

	return r ? r : n->reply[7];
}

static void open_fid(struct nine *n, unsigned int fid, unsigned int flags)
{
	assert_int_equal(nine_walk(n, ROOT, fid, "file"), 0);
	assert_int_equal(nine_open(n, fid, flags), 0);
}

static int begin_locks(void **state)
{
	begin(state);
	put(in_share("file"), "0123456789");
	return 0;
}

static void hold_against_the_host(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	/* A guest that does not say what it was: both. */
	open_fid(n, 1, 2);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, 0, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_flock(fd, LOCK_SH), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 5, 1), EAGAIN);
	assert_int_equal(lock(n, 1, P9_UNLOCK, 0, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_flock(fd, LOCK_EX), 0);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, 0, 0, 0, 1), P9_LOCK_BLOCKED);
	assert_int_equal(host_flock(fd, LOCK_UN), 0);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 0), 0);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, 0, 0, 0, 1), P9_LOCK_BLOCKED);
	assert_int_equal(host_flock(fd, LOCK_EX), 0);
	assert_int_equal(host_flock(fd, LOCK_UN), 0);
	assert_int_equal(host_fcntl(fd, F_UNLCK, 0, 0), 0);
	/* One that does. */
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_flock(fd, LOCK_SH), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 0), 0);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 0, 1), P9_LOCK_BLOCKED);
	assert_int_equal(host_fcntl(fd, F_UNLCK, 0, 0), 0);
	/* Another process may give the lock of an inherited descriptor up. */
	assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FLOCK, 0, 0, 2), P9_LOCK_SUCCESS);
	assert_int_equal(host_flock(fd, LOCK_EX), 0);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 0, 1), P9_LOCK_SUCCESS);
	/* The end of the guest gives everything up. */
	assert_int_equal(host_fcntl(fd, F_RDLCK, 0, 0), EAGAIN);
	end_client(n);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 0, 0), 0);
	close(fd);
	*state = new_client(&(struct session_limits){0});
}

static void hold_against_another_guest(void **state)
{
	struct nine *n = *state, *m = new_client(&(struct session_limits){0});

	open_fid(n, 1, 2);
	open_fid(m, 1, 2);
	for (unsigned int flags = 0; flags <= P9_LOCK_FLOCK; flags += P9_LOCK_FLOCK) {
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
		assert_int_equal(lock(m, 1, P9_WRITE_LOCK, flags, 0, 0, 1), P9_LOCK_BLOCKED);
		assert_int_equal(lock(m, 1, P9_READ_LOCK, flags, 0, 0, 1), P9_LOCK_BLOCKED);
		assert_int_equal(lock(n, 1, P9_UNLOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
		assert_int_equal(lock(m, 1, P9_READ_LOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_READ_LOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, flags, 0, 0, 1), P9_LOCK_BLOCKED);
		assert_int_equal(lock(m, 1, P9_UNLOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_UNLOCK, flags, 0, 0, 1), P9_LOCK_SUCCESS);
	}
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 5, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(m, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 5, 5, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(m, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 4, 1, 1), P9_LOCK_BLOCKED);
	assert_int_equal(
		nine_ask(m, TGETLOCK, "dbqqds", 1, P9_READ_LOCK, (uint64_t)0, (uint64_t)0, 1, "g"),
		0);
	assert_int_equal(m->reply[7], P9_WRITE_LOCK);
	assert_int_equal(nine_number(m->reply + 8, 8), 0);
	assert_int_equal(nine_number(m->reply + 16, 8), 5);
	assert_int_equal(
		nine_ask(m, TGETLOCK, "dbqqds", 1, P9_READ_LOCK, (uint64_t)5, (uint64_t)9, 1, "g"),
		0);
	assert_int_equal(m->reply[7], P9_UNLOCK);
	end_client(m);
}

/* fcntl(2): a process has one lock of a byte, by whatever descriptor. flock(2): a descriptor. */
static void belong_to_a_process_or_to_a_file(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	open_fid(n, 1, 2);
	open_fid(n, 2, 0);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 4, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 2, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 4, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 2, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 4, 2), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 2, P9_UNLOCK, P9_LOCK_FCNTL, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 0), EAGAIN);
	assert_int_equal(lock(n, 2, P9_UNLOCK, P9_LOCK_FCNTL, 0, 0, 2), P9_LOCK_SUCCESS);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 0), 0);
	assert_int_equal(host_fcntl(fd, F_UNLCK, 0, 0), 0);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 2, P9_WRITE_LOCK, P9_LOCK_FLOCK, 0, 0, 1), P9_LOCK_BLOCKED);
	assert_int_equal(nine_clunk(n, 1), 0);
	assert_int_equal(lock(n, 2, P9_WRITE_LOCK, P9_LOCK_FLOCK, 0, 0, 1), P9_LOCK_SUCCESS);
	close(fd);
}

/* Whether an answer is what it should be: its type, and its first byte. */
static void is_answer(const uint8_t *answer, uint8_t type, uint16_t tag, int content)
{
	assert_int_equal(answer[4], type);
	assert_int_equal(answer[5], tag);
	if (content >= 0)
		assert_int_equal(answer[7], content);
}

static void wait_and_do_not_hold_up_others(void **state)
{
	static const unsigned int kinds[] = {0, P9_LOCK_FLOCK, P9_LOCK_FCNTL};
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);
	size_t answers = 0;

	open_fid(n, 1, 2);
	for (size_t i = 0; i < 3; i++) {
		host_flock(fd, LOCK_EX);
		host_fcntl(fd, F_WRLCK, 0, 0);
		n->tag = 7;
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, kinds[i] | P9_LOCK_BLOCK, 0, 0, 1),
				 NOBODY);
		n->tag = 0;
		assert_int_equal(nine_read(n, 1, 0, 4), 4);
		assert_int_equal(n->late_count, answers);
		host_fcntl(fd, F_UNLCK, 0, 0);
		host_flock(fd, LOCK_UN);
		is_answer(nine_await(n, ++answers), TLOCK + 1, 7, P9_LOCK_SUCCESS);
		assert_int_not_equal(kinds[i] == P9_LOCK_FCNTL ? host_fcntl(fd, F_RDLCK, 0, 0)
							       : host_flock(fd, LOCK_SH),
				     0);
		assert_int_equal(lock(n, 1, P9_UNLOCK, kinds[i], 0, 0, 1), P9_LOCK_SUCCESS);
	}
	close(fd);
}

static void stop_waiting_when_flushed(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);
	size_t answers = 0;

	open_fid(n, 1, 2);
	host_flock(fd, LOCK_EX);
	/* Often, to meet the signal just before the wait. */
	for (int i = 0; i < 300; i++) {
		n->tag = 7;
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1),
				 NOBODY);
		if (i % 3 == 0)
			usleep(100);
		n->tag = 8;
		assert_int_equal(nine_ask(n, TFLUSH, "w", 7), NOBODY);
		is_answer(nine_await(n, ++answers), TFLUSH + 1, 8, -1);
	}
	n->tag = 9;
	assert_int_equal(nine_ask(n, TFLUSH, "w", 7), 0);
	host_flock(fd, LOCK_UN);
	/* Nothing was locked by the way. */
	assert_int_equal(host_flock(fd, LOCK_EX), 0);
	/* A clunk ends the wait, too, and a new session ends it without an answer. */
	n->tag = 7;
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1), NOBODY);
	n->tag = 8;
	assert_int_equal(nine_clunk(n, 1), 0);
	is_answer(nine_await(n, ++answers), RLERROR, 7, EINTR);
	n->tag = 0;
	open_fid(n, 1, 2);
	n->tag = 7;
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1), NOBODY);
	/* A new session may use the tag at once, and hears nothing of the old one. */
	assert_int_equal(nine_version(n, NINE_MSIZE), 0);
	n->tag = 7;
	assert_int_equal(nine_attach(n, ROOT, 0), 0);
	open_fid(n, 1, 2);
	assert_int_equal(n->late_count, answers);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1), NOBODY);
	end_client(n);
	*state = n = new_client(&(struct session_limits){.waiting = 2});
	/* Of more than may wait, the guest tries again by itself. */
	open_fid(n, 1, 2);
	for (uint16_t i = 0; i < 2; i++) {
		n->tag = (uint16_t)(10 + i);
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1),
				 NOBODY);
	}
	n->tag = 12;
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0, 0, 1),
			 P9_LOCK_BLOCKED);
	/* The tag of a request that waits cannot be used again. */
	n->tag = 10;
	assert_int_equal(nine_clunk(n, ROOT), -2);
	close(fd);
}

static void cost_descriptors_that_are_bounded(void **state)
{
	struct nine *n = *state;

	end_client(n);
	*state = n = new_client(&(struct session_limits){.opens = 4});
	open_fid(n, 1, 2);
	for (unsigned int process = 1; process <= 3; process++)
		assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 1, process),
				 P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 1, 4), ENFILE);
	assert_int_equal(nine_walk(n, ROOT, 2, "file"), 0);
	assert_int_equal(nine_open(n, 2, 2), ENFILE);
	assert_int_equal(nine_clunk(n, 1), 0);
	assert_int_equal(nine_open(n, 2, 2), 0);
	assert_int_equal(lock(n, 2, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 0, 4), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 2, 3, 0, 0, 0, 4), EINVAL);
	assert_int_equal(lock(n, 2, P9_READ_LOCK, 0, UINT64_MAX, 0, 4), EINVAL);
}

/* A process that has no lock costs no descriptor. */
static void are_gone_with_the_last_lock(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	end_client(n);
	*state = n = new_client(&(struct session_limits){.opens = 2});
	open_fid(n, 1, 2);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 9, 1), 0);
	for (unsigned int process = 1; process <= 50; process++) {
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 5, process),
				 P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FCNTL, 0, 5, process),
				 P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 0, process + 100),
				 P9_LOCK_BLOCKED);
		/* A guest that does not say what it was: both. */
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, 0, 0, 5, process), P9_LOCK_SUCCESS);
		assert_int_equal(lock(n, 1, P9_UNLOCK, 0, 0, 5, process), P9_LOCK_SUCCESS);
	}
	assert_int_equal(host_flock(fd, LOCK_EX), 0);
	close(fd);
}

/* With any file that is open for writing. What was locked for reading stays. */
static void become_locks_for_writing(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	open_fid(n, 1, 0);
	open_fid(n, 2, 2);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 0, 2, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 6, 2, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 4, 1, 1), EBADF);
	assert_int_equal(lock(n, 2, P9_WRITE_LOCK, P9_LOCK_FCNTL, 4, 1, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 4, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 7, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 0, 1), 0);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 2, 2), 0);
	close(fd);
}

/* Two processes of the guest wait with a file that they share. One gives up, and one gets it. */
static void of_a_file_outlast_another_wait(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	size_t answers = 0;

	open_fid(n, 1, 2);
	for (int i = 0; i < 200; i++) {
		bool came[16] = {false};
		host_flock(fd, LOCK_EX);
		for (n->tag = 7; n->tag < 9; n->tag++)
			assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FLOCK | P9_LOCK_BLOCK, 0,
					      0, n->tag),
					 NOBODY);
		host_flock(fd, LOCK_UN);
		n->tag = 9;
		bool late = nine_ask(n, TFLUSH, "w", 7) == NOBODY;
		/* A lock that was flushed may have no answer. */
		while (!came[8] || !came[late ? 9 : 7])
			came[nine_await(n, ++answers)[5] & 15] = true;
		assert_int_equal(host_flock(fd, LOCK_EX), EAGAIN);
		n->tag = 0;
		assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FLOCK, 0, 0, 1), P9_LOCK_SUCCESS);
	}
	close(fd);
}

/* Each is memory of the host's kernel. */
static void have_ranges_that_are_bounded(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	end_client(n);
	*state = n = new_client(&(struct session_limits){.ranges = 4});
	open_fid(n, 1, 2);
	for (unsigned int at = 0; at < 6; at += 2)
		assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, at, 1, at % 4 + 1),
				 P9_LOCK_SUCCESS);
	/* While one waits, another takes the last. */
	assert_int_equal(host_fcntl(fd, F_WRLCK, 8, 1), 0);
	n->tag = 7;
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL | P9_LOCK_BLOCK, 8, 1, 1), NOBODY);
	n->tag = 0;
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 6, 1, 3), P9_LOCK_SUCCESS);
	assert_int_equal(host_fcntl(fd, F_UNLCK, 8, 1), 0);
	is_answer(nine_await(n, 1), RLERROR, 7, ENOLCK);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 8, 1, 1), ENOLCK);
	/* It was given up again. */
	assert_int_equal(host_fcntl(fd, F_WRLCK, 8, 1), 0);
	close(fd);
	/* Nobody else is in its way, and it can have what touches a range. */
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 8, 1, 4), ENOLCK);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 1, 8, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FCNTL, 2, 1, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FCNTL, 4, 1, 1), ENOLCK);
	assert_int_equal(lock(n, 1, P9_UNLOCK, P9_LOCK_FCNTL, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 8, 1, 4), P9_LOCK_SUCCESS);
	/* A file that is closed gives back what it had. */
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 1, 4), P9_LOCK_SUCCESS);
	assert_int_equal(nine_clunk(n, 1), 0);
	open_fid(n, 1, 2);
	for (unsigned int at = 0; at < 8; at += 2)
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, at, 1, 1),
				 P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, INT64_MAX, 1),
			 P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 2, INT64_MAX, 1), EOVERFLOW);
}

/* fcntl(2): a lock that is not taken changes none that the process has. */
static void outlast_a_wait_in_vain(void **state)
{
	struct nine *n = *state;
	int fd = open(in_share("file"), O_RDWR);

	open_fid(n, 1, 2);
	assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL, 2, 2, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(n, 1, P9_READ_LOCK, P9_LOCK_FCNTL, 6, 1, 1), P9_LOCK_SUCCESS);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 8, 1), 0);
	for (size_t i = 1; i <= 50; i++) {
		n->tag = 7;
		assert_int_equal(lock(n, 1, P9_WRITE_LOCK, P9_LOCK_FCNTL | P9_LOCK_BLOCK, 1, 0, 1),
				 NOBODY);
		n->tag = 8;
		assert_int_equal(nine_ask(n, TFLUSH, "w", 7), NOBODY);
		is_answer(nine_await(n, i), TFLUSH + 1, 8, -1);
	}
	assert_int_equal(host_fcntl(fd, F_RDLCK, 2, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 3, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 6, 1), EAGAIN);
	assert_int_equal(host_fcntl(fd, F_RDLCK, 6, 1), 0);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 0, 2), 0);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 4, 2), 0);
	assert_int_equal(host_fcntl(fd, F_WRLCK, 7, 0), 0);
	close(fd);
}

static void syncs_in_a_thread(void **state)
{
	struct nine *n = *state;

	open_fid(n, 1, 2);
	n->tag = 7;
	assert_int_equal(nine_ask(n, TFSYNC, "dd", 1, 0), NOBODY);
	is_answer(nine_await(n, 1), TFSYNC + 1, 7, -1);
	assert_int_equal(nine_walk(n, ROOT, 2, ""), 0);
	n->tag = 0;
	assert_int_equal(nine_open(n, 2, 0), 0);
	n->tag = 8;
	assert_int_equal(nine_ask(n, TFSYNC, "dd", 2, 1), NOBODY);
	is_answer(nine_await(n, 2), TFSYNC + 1, 8, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_locks, end)
		TEST(hold_against_the_host),
		TEST(hold_against_another_guest),
		TEST(belong_to_a_process_or_to_a_file),
		TEST(wait_and_do_not_hold_up_others),
		TEST(stop_waiting_when_flushed),
		TEST(cost_descriptors_that_are_bounded),
		TEST(are_gone_with_the_last_lock),
		TEST(become_locks_for_writing),
		TEST(of_a_file_outlast_another_wait),
		TEST(have_ranges_that_are_bounded),
		TEST(outlast_a_wait_in_vain),
		TEST(syncs_in_a_thread),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("files locks", tests, begin_all, end_all);
}
