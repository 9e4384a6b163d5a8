/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "page.h"
#include "vm.h"

#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 9P2000.L, by Linux's include/net/9p/9p.h. An answer's type is one more than its request's. */
enum { TLERROR = 6, TLOPEN = 12, TVERSION = 100, TATTACH = 104, TWALK = 110, TREAD = 116 };

#define HEADER	7
#define ANSWER	4096
#define PATIENT 10000 /* ms */

/* The ring through which the next request goes. */
static struct {
	struct nine_page *page;
	uint8_t *in, *out;
	uint8_t port;
	int bell;
} nine;

/* A request while it is built, and then its answer. */
static struct {
	uint8_t bytes[ANSWER];
	size_t used;
} message;

static void put(uint64_t value, size_t size)
{
	for (; size > 0; size--, value >>= 8)
		message.bytes[message.used++] = (uint8_t)value;
}

static void put_text(const char *text)
{
	put(strlen(text), 2);
	memcpy(message.bytes + message.used, text, strlen(text));
	message.used += strlen(text);
}

static uint32_t get32(size_t at)
{
	const uint8_t *b = message.bytes + at;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void begin(uint8_t type, uint16_t tag)
{
	message.used = 0;
	put(0, 4);
	put(type, 1);
	put(tag, 2);
}

static void await_bell(void)
{
	struct pollfd p = {.fd = nine.bell, .events = POLLIN};
	uint8_t port;

	if (poll(&p, 1, PATIENT) <= 0)
		errx(1, "the file server does not answer");
	(void)recv(nine.bell, &port, 1, MSG_DONTWAIT);
}

static void send_request(void)
{
	uint32_t at = nine.page->out_prod;

	for (size_t i = 0; i < 4; i++)
		message.bytes[i] = (uint8_t)(message.used >> 8 * i);
	for (size_t i = 0; i < message.used; i++)
		nine.out[(at + i) % NINE_HALF] = message.bytes[i];
	__atomic_store_n(&nine.page->out_prod, at + (uint32_t)message.used, __ATOMIC_SEQ_CST);
	(void)send(nine.bell, &nine.port, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void receive(void)
{
	uint32_t at = nine.page->in_cons;

	while (__atomic_load_n(&nine.page->in_prod, __ATOMIC_SEQ_CST) - at < HEADER)
		await_bell();
	for (size_t i = 0; i < ANSWER; i++)
		message.bytes[i] = nine.in[(at + i) % NINE_HALF];
	message.used = get32(0);
	__atomic_store_n(&nine.page->in_cons, at + (uint32_t)message.used, __ATOMIC_SEQ_CST);
}

static void ask(const char *what)
{
	const uint8_t type = message.bytes[4];

	send_request();
	receive();
	if (message.bytes[4] == TLERROR + 1)
		errx(1, "%s: the file server answers error %u", what, get32(HEADER));
	if (message.bytes[4] != type + 1 || message.used > ANSWER)
		errx(1, "%s: the file server answers %u", what, message.bytes[4]);
}

static void use(char *pages, unsigned int device, unsigned int ring)
{
	const size_t ref = NINE_REF(device, ring);

	nine.page = (struct nine_page *)(pages + ref * PAGE);
	nine.in = (uint8_t *)pages + (ref + 1) * PAGE;
	nine.out = nine.in + NINE_HALF;
	nine.port = (uint8_t)NINE_PORT(device, ring);
}

/* ---- what is asked ---- */

static void attach(void)
{
	begin(TVERSION, UINT16_MAX);
	put(NINE_HALF, 4);
	put_text("9P2000.L");
	ask("version");
	begin(TATTACH, 2);
	put(1, 4);
	put(UINT32_MAX, 4);
	put_text("");
	put_text("");
	put(0, 4);
	ask("attach");
}

/* The root has bin/sh, a script (env.bash). */
static void read_file(void)
{
	begin(TWALK, 1);
	put(1, 4);
	put(2, 4);
	put(2, 2);
	put_text("bin");
	put_text("sh");
	ask("walk");
	begin(TLOPEN, 1);
	put(2, 4);
	put(0, 4);
	ask("open");
	begin(TREAD, 1);
	put(2, 4);
	put(0, 8);
	put(100, 4);
	ask("read");
	if (get32(HEADER) != 10 || memcmp(message.bytes + HEADER + 4, "#!/bin/sh\n", 10) != 0)
		errx(1, "the file server read something else");
}

/* The server has to end the container. */
static void misbehave(const char *faults)
{
	begin(TVERSION, UINT16_MAX);
	if (vm_fault(faults, "nine-size", 0)) {
		memset(nine.out, 0xff, NINE_HALF);
		nine.page->out_prod += 100;
	} else if (vm_fault(faults, "nine-index", 0)) {
		nine.page->out_prod -= 1;
	} else {
		return;
	}
	(void)send(nine.bell, &nine.port, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (;;)
		pause();
}

void files_check(char *pages, int bell, unsigned int devices, const char *faults)
{
	nine.bell = bell;
	for (unsigned int device = 0; device < devices; device++) {
		use(pages, device, 0);
		misbehave(faults);
		attach();
		use(pages, device, 1);
		if (device == 0)
			read_file();
	}
}
