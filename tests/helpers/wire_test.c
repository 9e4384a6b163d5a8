/* SPDX-License-Identifier: Apache-2.0 */
/* Tests frames and sessions, with a guest that keeps to the protocol and one that does not. */
#include "helpers/proxy/session.h"
#include "helpers/shared/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void feed(struct wire_input *in, const uint8_t *bytes, size_t count)
{
	size_t room;
	uint8_t *space = wire_space(in, &room);

	assert_true(count <= room);
	memcpy(space, bytes, count);
	wire_received(in, count);
}

static size_t encode(uint8_t *out, enum wire_type type, unsigned int stream, unsigned int session,
		     const char *payload)
{
	wire_header(out, type, stream, session, strlen(payload));
	memcpy(out + WIRE_HEADER, payload, strlen(payload));
	return WIRE_HEADER + strlen(payload);
}

static void frame_survives_any_split(void **state)
{
	uint8_t bytes[64];
	size_t size = encode(bytes, WIRE_DATA, WIRE_STDERR, 0x1234, "payload");

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct wire_input in = {0};
		struct wire_frame frame;
		feed(&in, bytes, cut);
		assert_int_equal(wire_next(&in, &frame), 0);
		feed(&in, bytes + cut, size - cut);
		assert_int_equal(wire_next(&in, &frame), 1);
		assert_int_equal(frame.type, WIRE_DATA);
		assert_int_equal(frame.stream, WIRE_STDERR);
		assert_int_equal(frame.session, 0x1234);
		assert_int_equal(frame.length, 7);
		assert_memory_equal(frame.payload, "payload", 7);
		wire_drop(&in, &frame);
		assert_int_equal(in.used, 0);
	}
}

static void frames_come_one_after_another(void **state)
{
	uint8_t bytes[64];
	struct wire_input in = {0};
	struct wire_frame frame;

	(void)state;
	feed(&in, bytes, encode(bytes, WIRE_DATA, 1, 0, "one"));
	feed(&in, bytes, encode(bytes, WIRE_EOF, 1, 0, ""));
	assert_int_equal(wire_next(&in, &frame), 1);
	wire_drop(&in, &frame);
	assert_int_equal(wire_next(&in, &frame), 1);
	assert_int_equal(frame.type, WIRE_EOF);
	assert_int_equal(frame.length, 0);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const uint8_t bad[][WIRE_HEADER] = {
		{0, 0, 0, 0, 0, 0, 0, 0},	   /* type 0, which is none */
		{WIRE_TYPES, 0, 0, 0, 0, 0, 0, 0}, /* a type that is not defined yet */
		{WIRE_DATA, WIRE_STREAMS, 0, 0, 0, 0, 0, 0},
		{WIRE_DATA, 1, 0, 0, 1, 0x10, 0, 0}, /* 4097 bytes */
		{WIRE_DATA, 1, 0, 0, 0xff, 0xff, 0xff, 0xff},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_input in = {0};
		struct wire_frame frame;
		feed(&in, bad[i], WIRE_HEADER);
		assert_int_equal(wire_next(&in, &frame), -1);
	}
}

static void short_payload_has_words_of_zero(void **state)
{
	const uint8_t payload[] = {1, 2, 0, 0, 9};
	struct wire_frame frame = {.length = 5, .payload = payload};

	(void)state;
	assert_int_equal(wire_word(&frame, 0), 0x201);
	assert_int_equal(wire_word(&frame, 1), 0);
}

static void the_guests_words_can_be_shown(void **state)
{
	static const char *const texts[][2] = {
		{"cannot execute /bin/sh", "cannot execute /bin/sh"},
		{"gr\u00fc\u00dfe \u20ac \U0001f600", "gr\u00fc\u00dfe \u20ac \U0001f600"},
		{"\x1b[31mred\n\x7f", "?[31mred??"},
		{"\x9b"
		 "31m \xc2\x9b"
		 "31m \xc2\x9d",
		 "?31m ?31m ?"}, /* C1, as byte and as UTF-8 */
		{"\u202eevil\u2066 \u2028\u2029 \u200f\u061c\ufeff", "?evil? ?? ???"},
		{"\xff\xfe\x80", "???"},
		{"\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "?? ??? ????"}, /* overlong */
		{"\xed\xa0\x80 \xf4\x90\x80\x80 \xf8\x88", "??? ???? ??"}, /* no characters */
		{"cut \xe2\x82", "cut ??"},
		{"\xe2\x82x\xc3", "??x?"},
	};
	char bytes[64], out[64], small[6];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wire_frame frame = {.payload = (uint8_t *)bytes};
		frame.length = (uint32_t)snprintf(bytes, sizeof(bytes), "0123%s", texts[i][0]);
		wire_text(&frame, out, sizeof(out));
		assert_string_equal(out, texts[i][1]);
	}
	/* A character that does not fit is left out whole. */
	struct wire_frame frame = {.length = 11, .payload = (const uint8_t *)"0123abc\u20acd"};
	wire_text(&frame, small, sizeof(small));
	assert_string_equal(small, "abc");
	frame.length = 3;
	wire_text(&frame, small, sizeof(small));
	assert_string_equal(small, "");
}

/* The sanitizers watch that no byte from a guest makes the parser leave its buffer. */
static void garbage_is_survived(void **state)
{
	struct wire_input in = {0};
	struct wire_frame frame;
	size_t room;

	(void)state;
	srand(1);
	for (int round = 0; round < 200000; round++) {
		uint8_t *space = wire_space(&in, &room);
		size_t count = (size_t)rand() % 64;
		if (count > room)
			count = room;
		for (size_t i = 0; i < count; i++)
			space[i] = (uint8_t)(rand() % 4 ? rand() % 14 : rand());
		wire_received(&in, count);
		int whole;
		while ((whole = wire_next(&in, &frame)) > 0) {
			assert_true(frame.length <= WIRE_PAYLOAD);
			wire_drop(&in, &frame);
		}
		if (whole < 0)
			in.used = 0;
	}
}

/* ---- sessions ---- */

struct rig {
	struct outbox box;
	struct session session;
	int reader, writer; /* the test's ends of its stdout and its stdin */
};

static int new_rig(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int out[2], in[2];

	signal(SIGPIPE, SIG_IGN);
	if (!rig || pipe(out) < 0 || pipe(in) < 0)
		return -1;
	rig->reader = out[0];
	rig->writer = in[1];
	session_init(&rig->session, 0, (int[]){in[0], out[1], -1}, &rig->box);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	close(rig->reader);
	close(rig->writer);
	stream_close(&rig->session.input);
	stream_close(&rig->session.sinks[WIRE_STDOUT].out);
	free(rig);
	return 0;
}

static void serve(struct session *s)
{
	struct pollfd fds[WIRE_STREAMS];

	session_poll(s, fds);
	poll(fds, WIRE_STREAMS, 0);
	session_serve(s, fds);
}

static bool send_data(struct session *s, unsigned int stream, const void *data, size_t length)
{
	struct wire_frame frame = {
		.type = WIRE_DATA, .stream = stream, .length = length, .payload = data};

	return session_frame(s, &frame, true);
}

static bool send_word(struct session *s, enum wire_type type, unsigned int stream, uint32_t word)
{
	uint8_t payload[4];
	struct wire_frame frame = {.type = type, .stream = stream, .length = 4, .payload = payload};

	wire_put32(payload, word);
	return session_frame(s, &frame, true);
}

/* Takes the next frame for the guest out of the outbox. */
static struct wire_frame sent(struct outbox *box)
{
	static struct wire_input in;
	struct wire_frame frame = {0};

	in.used = 0;
	for (size_t i = 0; i < box->used && i < sizeof(in.bytes); i++)
		in.bytes[in.used++] = box->bytes[(box->head + i) % sizeof(box->bytes)];
	if (wire_next(&in, &frame) == 1) {
		box->head = (box->head + WIRE_HEADER + frame.length) % sizeof(box->bytes);
		box->used -= WIRE_HEADER + frame.length;
	}
	return frame;
}

static void output_is_delivered_and_credited(void **state)
{
	struct rig *rig = *state;
	char got[16] = "";

	assert_true(send_data(&rig->session, WIRE_STDOUT, "hello", 5));
	serve(&rig->session);
	assert_int_equal(read(rig->reader, got, sizeof(got)), 5);
	assert_string_equal(got, "hello");
	struct wire_frame frame = sent(&rig->box);
	assert_int_equal(frame.type, WIRE_CREDIT);
	assert_int_equal(wire_word(&frame, 0), 5);
	assert_true(session_drained(&rig->session));
}

static void more_than_the_credit_is_refused(void **state)
{
	struct rig *rig = *state;
	static uint8_t data[WIRE_PAYLOAD];

	for (int i = 0; i < WIRE_WINDOW / WIRE_PAYLOAD; i++)
		assert_true(send_data(&rig->session, WIRE_STDOUT, data, sizeof(data)));
	assert_false(send_data(&rig->session, WIRE_STDOUT, data, 1));
}

/* The credit also bounds data that is dropped because nobody reads it. A guest that reads nothing
 * gets no new credit. */
static void credit_bounds_what_is_dropped(void **state)
{
	struct rig *rig = *state;
	static uint8_t data[WIRE_PAYLOAD];

	while (outbox_put(&rig->box, WIRE_PING, 0, 0, NULL, 0))
		;
	for (int i = 0; i < WIRE_WINDOW / WIRE_PAYLOAD; i++) {
		assert_true(send_data(&rig->session, WIRE_STDERR, data, sizeof(data)));
		serve(&rig->session);
	}
	assert_false(send_data(&rig->session, WIRE_STDERR, data, 1));
}

static void a_reader_that_stops_loses_nothing(void **state)
{
	struct rig *rig = *state;
	static uint8_t data[1 << 20], got[1 << 20];
	size_t at = 0, have = 0, credit = WIRE_WINDOW;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761U >> 13);
	while (have < sizeof(data)) {
		while (at < sizeof(data) && credit > 0) {
			size_t n = credit < 1500 ? credit : 1500;
			if (n > sizeof(data) - at)
				n = sizeof(data) - at;
			assert_true(send_data(&rig->session, WIRE_STDOUT, data + at, n));
			at += n;
			credit -= n;
		}
		/* The pipe takes 64 KiB, then the session must hold the rest. */
		for (int i = 0; i < 40; i++)
			serve(&rig->session);
		if (rig->session.sinks[WIRE_STDOUT].used || at == sizeof(data))
			have += (size_t)read(rig->reader, got + have, 7000);
		for (struct wire_frame f; (f = sent(&rig->box)).type == WIRE_CREDIT;)
			credit += wire_word(&f, 0);
	}
	assert_memory_equal(data, got, sizeof(data));
}

static void a_closed_reader_is_told_to_the_guest(void **state)
{
	struct rig *rig = *state;

	close(rig->reader);
	rig->reader = open("/dev/null", O_RDONLY);
	assert_true(send_data(&rig->session, WIRE_STDOUT, "x", 1));
	serve(&rig->session);
	struct wire_frame frame = sent(&rig->box);
	assert_int_equal(frame.type, WIRE_EOF);
	assert_int_equal(frame.stream, WIRE_STDOUT);
	/* Data that was already on its way is taken, dropped and credited. */
	assert_true(send_data(&rig->session, WIRE_STDOUT, "yz", 2));
	serve(&rig->session);
	uint32_t credit = 0;
	while ((frame = sent(&rig->box)).type == WIRE_CREDIT)
		credit += wire_word(&frame, 0);
	assert_int_equal(credit, 3);
}

static void output_after_its_end_is_refused(void **state)
{
	struct rig *rig = *state;

	assert_true(send_word(&rig->session, WIRE_EOF, WIRE_STDOUT, 0));
	assert_false(send_data(&rig->session, WIRE_STDOUT, "x", 1));
}

static void input_stops_at_the_credit(void **state)
{
	struct rig *rig = *state;
	static uint8_t data[WIRE_WINDOW];
	size_t sum = 0;

	/* The pipe is as large as the window: fill it, let the session drain it, fill it again. */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(write(rig->writer, data, sizeof(data)), sizeof(data));
		for (int i = 0; i < 40; i++) {
			serve(&rig->session);
			for (struct wire_frame f; (f = sent(&rig->box)).type == WIRE_DATA;)
				sum += f.length;
		}
	}
	assert_int_equal(sum, WIRE_WINDOW);
	assert_false(send_word(&rig->session, WIRE_CREDIT, WIRE_STDIN, WIRE_WINDOW + 1));
	assert_true(send_word(&rig->session, WIRE_CREDIT, WIRE_STDIN, 10));
	serve(&rig->session);
	assert_int_equal(sent(&rig->box).length, 10);
}

static void the_end_of_input_is_sent(void **state)
{
	struct rig *rig = *state;

	close(rig->writer);
	rig->writer = open("/dev/null", O_WRONLY);
	serve(&rig->session);
	struct wire_frame frame = sent(&rig->box);
	assert_int_equal(frame.type, WIRE_EOF);
	assert_int_equal(frame.stream, WIRE_STDIN);
	assert_int_equal(rig->session.input.fd, -1);
}

/* A file of two bytes, whose third cannot be read: the memory of this process, before a hole. */
static int failing_file(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDONLY);

	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(munmap(memory + page, page), 0);
	memset(memory, 'x', page);
	assert_true(lseek(fd, (off_t)(uintptr_t)(memory + page - 2), SEEK_SET) > 0);
	return fd;
}

static void input_that_fails_arrives_so_far_and_is_said(void **state)
{
	struct rig *rig = *state;
	char said[200] = "";
	int err[2];

	stream_close(&rig->session.input);
	assert_int_equal(pipe(err), 0);
	rig->session.input.fd = failing_file();
	rig->session.sinks[WIRE_STDERR].out.fd = err[1];
	serve(&rig->session);
	struct wire_frame frame = sent(&rig->box);
	assert_int_equal(frame.type, WIRE_DATA);
	assert_int_equal(frame.length, 2);
	serve(&rig->session);
	frame = sent(&rig->box);
	assert_int_equal(frame.type, WIRE_EOF);
	assert_true(read(err[0], said, sizeof(said) - 1) > 0);
	assert_string_equal(said, "runX: cannot read the process's stdin (Input/output error), so "
				  "it ends here\n");
	stream_close(&rig->session.sinks[WIRE_STDERR].out);
	close(err[0]);
}

static void output_to_a_full_disk_is_said(void **state)
{
	struct rig *rig = *state;
	char said[200] = "";
	int err[2];

	stream_close(&rig->session.sinks[WIRE_STDOUT].out);
	assert_int_equal(pipe(err), 0);
	rig->session.sinks[WIRE_STDOUT].out.fd = open("/dev/full", O_WRONLY);
	rig->session.sinks[WIRE_STDERR].out.fd = err[1];
	assert_true(send_data(&rig->session, WIRE_STDOUT, "hello", 5));
	serve(&rig->session);
	assert_true(session_drained(&rig->session));
	assert_true(read(err[0], said, sizeof(said) - 1) > 0);
	assert_string_equal(said, "runX: cannot write the process's stdout (No space left on "
				  "device), so the rest of it is lost\n");
	stream_close(&rig->session.sinks[WIRE_STDERR].out);
	close(err[0]);
}

/* The guest's frames for stdin may come: the process's pipe may end before it is executed. */
static void output_before_the_process_runs_is_refused(void **state)
{
	struct rig *rig = *state;
	struct wire_frame frame = {.stream = WIRE_STDOUT, .payload = (const uint8_t *)"x"};

	for (frame.type = WIRE_DATA; frame.type <= WIRE_EOF; frame.type++)
		assert_false(session_frame(&rig->session, &frame, false));
	frame = (struct wire_frame){.type = WIRE_EOF};
	assert_true(session_frame(&rig->session, &frame, false));
}

/* All are ready in one turn, and the outbox takes the frames of some: the rest stays unread. */
static void what_many_send_at_once_is_not_lost(void **state)
{
	enum { MANY = 8 };
	struct rig *rig = *state;
	static struct session sessions[MANY];
	struct pollfd fds[MANY * WIRE_STREAMS];
	static uint8_t data[WIRE_PAYLOAD];
	size_t got[MANY] = {0}, ends = 0;
	int line[2];

	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(pipe(line), 0);
		session_init(&sessions[i], i, (int[]){line[0], -1, -1}, &rig->box);
		assert_int_equal(write(line[1], data, sizeof(data)), sizeof(data));
		close(line[1]);
	}
	for (int turn = 0; turn < 100 && ends < MANY; turn++) {
		for (int i = 0; i < MANY; i++)
			session_poll(&sessions[i], fds + i * WIRE_STREAMS);
		assert_true(poll(fds, MANY * WIRE_STREAMS, 0) >= 0);
		for (int i = 0; i < MANY; i++)
			session_serve(&sessions[i], fds + i * WIRE_STREAMS);
		while (rig->box.used) {
			struct wire_frame frame = sent(&rig->box);
			got[frame.session] += frame.length;
			ends += frame.type == WIRE_EOF;
		}
	}
	assert_int_equal(ends, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(got[i], sizeof(data));
}

/* What people type next is for whoever reads after it. */
static void after_its_end_nothing_is_read(void **state)
{
	struct rig *rig = *state;
	struct pollfd fds[WIRE_STREAMS];

	session_end(&rig->session);
	session_poll(&rig->session, fds);
	assert_int_equal(fds[WIRE_STDIN].fd, -1);
	assert_int_equal(write(rig->writer, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
}

/* Its process must not wait for ever. The guest hears of it once it knows the process. */
static void a_stdin_that_cannot_be_taken_is_empty(void **state)
{
	struct rig *rig = *state;
	static struct session session;
	struct rlimit old, none;
	int line[2], said[2];
	char words[256];

	assert_int_equal(pipe(line), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, said), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	session_init(&session, 1, (int[]){line[0], -1, said[1]}, &rig->box);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	session.unknown = true;
	serve(&session);
	assert_int_equal(sent(&rig->box).type, 0);
	session.unknown = false;
	assert_true(session_owes(&session));
	serve(&session);
	assert_int_equal(sent(&rig->box).type, WIRE_EOF);
	assert_false(session_owes(&session));
	serve(&session);
	assert_int_equal(sent(&rig->box).type, 0);
	ssize_t n = read(said[0], words, sizeof(words) - 1);
	assert_true(n > 0);
	words[n] = '\0';
	assert_string_equal(
		words,
		"runX: cannot take the process's stdin (Too many open files), so it is empty\n");
	close(line[1]);
	close(said[0]);
	session_abandon(&session);
}

/* That its reader has gone is told once there is room. */
static void a_full_outbox_forgets_no_closed_reader(void **state)
{
	struct rig *rig = *state;
	struct wire_frame frame;

	close(rig->reader);
	rig->reader = open("/dev/null", O_RDONLY);
	while (outbox_put(&rig->box, WIRE_PING, 0, 0, NULL, 0))
		;
	assert_true(send_data(&rig->session, WIRE_STDOUT, "x", 1));
	serve(&rig->session);
	while ((frame = sent(&rig->box)).type == WIRE_PING)
		;
	assert_int_equal(frame.type, 0);
	serve(&rig->session);
	assert_int_equal(sent(&rig->box).type, WIRE_EOF);
}

static void data_for_stdin_is_refused(void **state)
{
	struct rig *rig = *state;

	assert_false(send_data(&rig->session, WIRE_STDIN, "x", 1));
}

static void signals_fit_beside_data(void **state)
{
	struct rig *rig = *state;
	static uint8_t data[WIRE_WINDOW];

	assert_int_equal(write(rig->writer, data, sizeof(data)), sizeof(data));
	for (int i = 0; i < 40; i++)
		serve(&rig->session);
	/* The guest has read nothing. There is still room for signals, but only for so many. */
	int signals = 0;
	while (outbox_put(&rig->box, WIRE_SIGNAL, 0, 0, data, 4))
		signals++;
	assert_in_range(signals, 64, 4096);
}

#define with_rig(test) cmocka_unit_test_setup_teardown(test, new_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_survives_any_split),
		cmocka_unit_test(frames_come_one_after_another),
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(short_payload_has_words_of_zero),
		cmocka_unit_test(the_guests_words_can_be_shown),
		cmocka_unit_test(garbage_is_survived),
		with_rig(output_is_delivered_and_credited),
		with_rig(more_than_the_credit_is_refused),
		with_rig(credit_bounds_what_is_dropped),
		with_rig(a_reader_that_stops_loses_nothing),
		with_rig(a_closed_reader_is_told_to_the_guest),
		with_rig(output_after_its_end_is_refused),
		with_rig(input_stops_at_the_credit),
		with_rig(the_end_of_input_is_sent),
		with_rig(input_that_fails_arrives_so_far_and_is_said),
		with_rig(output_to_a_full_disk_is_said),
		with_rig(output_before_the_process_runs_is_refused),
		with_rig(what_many_send_at_once_is_not_lost),
		with_rig(after_its_end_nothing_is_read),
		with_rig(a_stdin_that_cannot_be_taken_is_empty),
		with_rig(a_full_outbox_forgets_no_closed_reader),
		with_rig(data_for_stdin_is_refused),
		with_rig(signals_fit_beside_data),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
