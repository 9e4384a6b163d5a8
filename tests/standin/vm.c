/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves frames between the rings in the domain's memory and PID 1, which has a socket for
 * /dev/hvc1. It is the place where a guest's faults are made: whole frames are dropped, changed or
 * held back here, and PID 1 itself knows nothing of it.
 */
#include "vm.h"

#include "files.h"
#include "helpers/shared/wire.h"
#include "init.h"
#include "page.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* One direction: bytes that came in, and at most two frames that are to go out. */
struct flow {
	struct wire_input input;
	uint8_t out[2 * WIRE_FRAME];
	size_t at, used;
};

static struct {
	struct page *page;
	char *data; /* both rings: that to the guest first */
	uint32_t in_cons, out_prod;
	int bell, pid1;
	struct flow to_host, to_guest;
	const char *faults;
	bool started, held;
} vm;

int vm_fault(const char *faults, const char *name, int otherwise)
{
	const size_t length = strlen(name);

	for (const char *at = faults; at && *at; at += strcspn(at, ","), at += *at == ',') {
		if (strncmp(at, name, length) != 0)
			continue;
		if (at[length] == '=')
			return atoi(at + length + 1);
		if (at[length] == ',' || at[length] == '\0')
			return 1;
	}
	return otherwise;
}

static bool fault(const char *name)
{
	return vm_fault(vm.faults, name, 0);
}

/* ---- rings, as hvc_xen and kernel-config/hvc.patch use them ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t at_once(size_t count)
{
	return fault("slow") ? least(count, 64) : count;
}

/* The host is rung for only where the ring was full: it may wait for room. */
static size_t ring_get(uint8_t *into, size_t room)
{
	const uint32_t before = vm.in_cons;
	uint32_t queued = __atomic_load_n(&vm.page->in_prod, __ATOMIC_ACQUIRE) - before;
	size_t at = before % RING, count = at_once(least(least(queued, room), RING - at));

	memcpy(into, vm.data + at, count);
	vm.in_cons += (uint32_t)count;
	__atomic_store_n(&vm.page->in_cons, vm.in_cons, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (count && __atomic_load_n(&vm.page->in_prod, __ATOMIC_RELAXED) == before + RING)
		(void)send(vm.bell, &(uint8_t){CONSOLE_PORT}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return count;
}

/* The host is rung for only where it had read all before. */
static size_t ring_put(const uint8_t *from, size_t count)
{
	const uint32_t before = vm.out_prod;
	uint32_t queued = before - __atomic_load_n(&vm.page->out_cons, __ATOMIC_ACQUIRE);
	size_t at = before % RING;

	count = at_once(least(least(count, RING - queued), RING - at));
	memcpy(vm.data + RING + at, from, count);
	vm.out_prod += (uint32_t)count;
	__atomic_store_n(&vm.page->out_prod, vm.out_prod, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (count && __atomic_load_n(&vm.page->out_cons, __ATOMIC_RELAXED) == before)
		(void)send(vm.bell, &(uint8_t){CONSOLE_PORT}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return count;
}

/* ---- frames ---- */

static void queue(struct flow *f, enum wire_type type, const struct wire_frame *frame)
{
	wire_header(f->out + f->used, type, frame->stream, frame->session, frame->length);
	memcpy(f->out + f->used + WIRE_HEADER, frame->payload, frame->length);
	f->used += WIRE_HEADER + frame->length;
}

/* Of an ESC sequence, and of one in C1 as UTF-8. */
static void queue_failure(void)
{
	static const uint8_t words[] = "\2\0\0\0\033[31mno \302\233such thing\n";

	queue(&vm.to_host, WIRE_FAILED,
	      &(struct wire_frame){.length = sizeof(words) - 1, .payload = words});
}

static void queue_started(void)
{
	vm.held = false;
	queue(&vm.to_host, WIRE_STARTED, &(struct wire_frame){.payload = (const uint8_t *)""});
}

static void queue_output(void)
{
	queue(&vm.to_host, WIRE_DATA,
	      &(struct wire_frame){
		      .stream = WIRE_STDOUT, .length = 1, .payload = (const uint8_t *)"x"});
}

static void pass_started(const struct wire_frame *frame)
{
	vm.started = true;
	vm.held = fault("reorder");
	if (fault("failed"))
		queue_failure();
	else if (!vm.held)
		queue(&vm.to_host, frame->type, frame);
}

static void pass_to_host(const struct wire_frame *frame)
{
	if (fault("no-hello") || (frame->type == WIRE_PONG && fault("no-pong")))
		return;
	if (frame->type == WIRE_STARTED && frame->session == 0) {
		pass_started(frame);
		return;
	}
	queue(&vm.to_host, frame->type, frame);
	if (frame->type == WIRE_HELLO && fault("early"))
		queue_output();
	if (vm.held && frame->type == WIRE_EXITED)
		queue_started();
}

static void pass_to_guest(const struct wire_frame *frame)
{
	if (frame->type != WIRE_SIGNAL || !fault("no-signal"))
		queue(&vm.to_guest, frame->type, frame);
}

static void advance(struct flow *f, void (*pass)(const struct wire_frame *))
{
	struct wire_frame frame;
	int whole = 0;

	while (f->used == 0 && (whole = wire_next(&f->input, &frame)) > 0) {
		pass(&frame);
		wire_drop(&f->input, &frame);
	}
	if (whole < 0)
		errx(1, "a frame that is none");
}

static void sent(struct flow *f, size_t count)
{
	f->at += count;
	if (f->at < f->used)
		return;
	f->at = f->used = 0;
}

/* ---- turns ---- */

static void read_ring(void)
{
	size_t room, n;

	if (vm.started && fault("deaf"))
		return;
	uint8_t *space = wire_space(&vm.to_guest.input, &room);
	while (room > 0 && (n = ring_get(space, room)) > 0) {
		wire_received(&vm.to_guest.input, n);
		space += n;
		room -= n;
	}
}

/* False: PID 1 has ended, and all that it sent was read. */
static bool read_pid1(void)
{
	size_t room;
	uint8_t *space = wire_space(&vm.to_host.input, &room);

	if (room == 0)
		return true;
	ssize_t n = recv(vm.pid1, space, room, MSG_DONTWAIT);
	if (n > 0)
		wire_received(&vm.to_host.input, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void write_pid1(void)
{
	struct flow *f = &vm.to_guest;
	ssize_t n = send(vm.pid1, f->out + f->at, f->used - f->at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		sent(f, (size_t)n);
}

static void flush(void)
{
	size_t n = 1;

	while (n > 0) {
		advance(&vm.to_host, pass_to_host);
		struct flow *f = &vm.to_host;
		n = f->used ? ring_put(f->out + f->at, f->used - f->at) : 0;
		if (n > 0)
			sent(f, n);
	}
	advance(&vm.to_guest, pass_to_guest);
}

static void fail_after_start(void)
{
	if (!vm.started || vm.to_host.used)
		return;
	if (fault("crash"))
		_exit(1);
	while (fault("stop"))
		pause();
}

/* A ring without room is looked at again and again, as Linux's console driver does. */
static int patience(void)
{
	return vm.to_host.used || fault("slow") ? 1 : -1;
}

static void serve_once(bool *ended)
{
	char bells[64];
	struct pollfd fds[] = {
		{.fd = vm.bell, .events = POLLIN},
		{.fd = *ended ? -1 : vm.pid1, .events = POLLIN},
	};

	if (vm.to_guest.used)
		fds[1].events |= POLLOUT;
	if (vm.to_host.used)
		fds[1].events &= ~POLLIN;
	if (fault("slow"))
		(void)poll(NULL, 0, 1);
	(void)poll(fds, 2, patience());
	if (fds[0].revents)
		(void)recv(vm.bell, bells, sizeof(bells), MSG_DONTWAIT);
	if (fds[1].revents & POLLOUT)
		write_pid1();
	if (fds[1].revents & (POLLIN | POLLHUP))
		*ended = !read_pid1();
	read_ring();
	flush();
	fail_after_start();
}

static void start_pid1(const char *description, size_t size)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		err(1, "socketpair");
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		close(ends[0]);
		init_run(ends[1], description, size, vm.faults);
	}
	close(ends[1]);
	vm.pid1 = ends[0];
}

void vm_run(int memory, int bell, const char *description, size_t size, unsigned int files,
	    const char *faults)
{
	bool ended = false;

	vm.faults = faults;
	vm.bell = bell;
	char *pages =
		mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (pages == MAP_FAILED)
		err(1, "mmap");
	vm.page = (struct page *)(pages + SHARED_REF * PAGE);
	vm.data = pages + FIRST_DATA_REF * PAGE;
	files_check(pages, bell, files, faults);
	/* The console may have rung meanwhile. */
	read_ring();
	flush();
	/* Whom PID 1 leaves behind comes to us, and nobody asks how it ended. */
	signal(SIGCHLD, SIG_IGN);
	start_pid1(description, size);
	while (!ended || vm.to_host.used)
		serve_once(&ended);
	_exit(0);
}
