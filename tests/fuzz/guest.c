/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the proxy, between a guest and users that may do anything. The input says what happens,
 * and in which order. Descriptors, the ring and time are simulated. So many lives fit into a
 * second, and every misuse of a descriptor is seen.
 *
 * What must hold:
 * - The proxy waits only in poll().
 * - Neither its memory nor the length of a turn grows with what the guest sends.
 * - No credit is exceeded.
 * - A guest that breaks the protocol ends its container, with status 255 and a reason.
 * - SIGKILL ends every container. Then the proxy is done as soon as nobody reads.
 * - Every client gets an answer.
 * - At the end all descriptors are closed and all memory is freed.
 */
#include "fuzz.h"
#include "helpers/proxy/container.h"
#include "helpers/proxy/domain.h"
#include "helpers/proxy/execs.h"
#include "helpers/proxy/requests.h"
#include "helpers/proxy/serve.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"
#include "helpers/shared/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sanitizer/allocator_interface.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

/* xen/include/public/io/console.h */
static struct page {
	char in[1024], out[2048];
	uint32_t in_cons, in_prod, out_cons, out_prod;
} page;

/*
 * A descriptor of the proxy, and the state of its other end. No number is used twice, so the target
 * finds every use after a close.
 */
struct file {
	bool open;
	enum { SOURCE, SINK, CLIENT, DEVICE, TIMER, SERVER, RECORD, WORDS } kind;
	bool ended;    /* the other end is gone */
	size_t amount; /* SOURCE: bytes to read. SINK: bytes that nobody has read yet. */
	bool asks;     /* CLIENT: `words` and `fds` wait to be received */
	bool silent;   /* CLIENT: it has sent no request */
	int fds[CONTROL_FDS];
	size_t fds_used;
	size_t answers; /* CLIENT: messages that it has got */
	size_t length;
	char words[CONTROL_MESSAGE + 32];
};

#define FILES 600
#define PEERS 72 /* more than the proxy allows */
#define PIPE  65536
#define STATE 9999 /* the state directory */
/* The memory of a session, with all that belongs to it. */
#define SESSION_BYTES (sizeof(struct session) + 256)
/* The most reads in one turn of a ring that is always full. */
#define READS 96

/* The user's side of a session: its socket and its streams. */
struct peer {
	int client, fds[WIRE_STREAMS];
};

/* The state of Xen, the guest and the users. */
static struct {
	struct file files[FILES];
	size_t files_used;
	struct peer peers[PEERS]; /* the first is the container's own */
	size_t peers_used;
	int64_t now;
	int store; /* the descriptor of xenstore */
	struct question {
		uint32_t id;
		char path[XENSTORE_PATH];
	} question; /* that xenstore has not answered yet; its id is 0 if there is none */
	bool event, released, no_domain, map_fails, bind_fails, write_fails;
	bool set;		     /* the host's clock was set */
	unsigned int told, answered; /* how often the guest was told the time, and answered */
	char record[96];	     /* of the file server, which may write anything into it */
	size_t record_length;
	bool over;		  /* the domain has ended; its nodes and pages still exist */
	unsigned int ends, asked; /* how often a domain has ended, and xl was asked */
	uint8_t state, ref, port; /* values in xenstore; 255: no such node */
	const char *flood;	  /* what the guest writes as fast as it is read, or NULL */
	unsigned int reads;	  /* reads of the ring in this turn */
	bool unclear;		  /* the guest may have sent something else than frames */
	struct wire_input input;  /* what the guest has read */
	uint64_t given, taken;	  /* credit for stdin, and bytes of it that came */
	uint64_t sent[WIRE_STREAMS], credited[WIRE_STREAMS];
} world;

/* ---- descriptors ---- */

static struct file *file(int fd)
{
	must(fd >= FIRST && fd < FIRST + (int)world.files_used);
	must(world.files[fd - FIRST].open);
	return &world.files[fd - FIRST];
}

static int new_file(int kind)
{
	must(world.files_used < FILES);
	struct file *f = &world.files[world.files_used];

	memset(f, 0, offsetof(struct file, words));
	f->open = true;
	f->kind = kind;
	return FIRST + (int)world.files_used++;
}

WRAP(int, close, int fd)
{
	if (fd < FIRST)
		return __real_close(fd);
	file(fd)->open = false;
	return 0;
}

WRAP(ssize_t, read, int fd, void *into, size_t count)
{
	if (fd < FIRST)
		return __real_read(fd, into, count);
	struct file *f = file(fd);
	if (f->kind == SOURCE) {
		must(f->amount || f->ended); /* otherwise the read would block */
		if (count > f->amount)
			count = f->amount;
		f->amount -= count;
	} else if (f->kind == TIMER) {
		must(world.set); /* otherwise the read would block */
		world.set = false;
		errno = ECANCELED;
		return -1;
	} else if (f->kind == RECORD) {
		must(count >= world.record_length);
		memcpy(into, world.record, world.record_length);
		return (ssize_t)world.record_length;
	} else {
		must(f->kind == DEVICE);
	}
	memset(into, 'x', count);
	return (ssize_t)count;
}

WRAP(ssize_t, write, int fd, const void *from, size_t count)
{
	if (fd < FIRST)
		return __real_write(fd, from, count);
	struct file *f = file(fd);
	if (f->kind == WORDS) {
		must(f->length + count < sizeof(f->words));
		memcpy(f->words + f->length, from, count);
		f->length += count;
	} else {
		must(f->kind == DEVICE);
	}
	return (ssize_t)count;
}

/* A SOURCE is a regular file, so it may be a description. */
WRAP(int, fstat, int fd, struct stat *st)
{
	if (fd < FIRST)
		return __real_fstat(fd, st);
	*st = (struct stat){.st_mode = file(fd)->kind == SOURCE ? S_IFREG : S_IFCHR};
	return 0;
}

/* ---- streams ---- */

struct stream stream_take(int fd, int access)
{
	(void)access;
	return (struct stream){.fd = fd};
}

ssize_t stream_read(const struct stream *s, void *into, size_t room)
{
	struct file *f = file(s->fd);

	must(room > 0);
	errno = EAGAIN;
	return f->amount || f->ended ? read(s->fd, into, room) : -1;
}

ssize_t stream_write(const struct stream *s, const void *from, size_t count)
{
	struct file *f = file(s->fd);

	(void)from;
	must(f->kind == SINK && count > 0);
	errno = f->ended ? f->amount & 1 ? EBADF : EPIPE : EAGAIN;
	if (f->ended || f->amount == PIPE)
		return -1;
	if (count > PIPE - f->amount)
		count = PIPE - f->amount;
	f->amount += count;
	return (ssize_t)count;
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

WRAP(ssize_t, send, int fd, const void *from, size_t count, int flags)
{
	struct file *f = file(fd);

	(void)from;
	must(f->kind == CLIENT && flags == (MSG_NOSIGNAL | MSG_DONTWAIT));
	must(count > 0 && count <= CONTROL_MESSAGE);
	f->answers++;
	return f->ended ? -1 : (ssize_t)count;
}

static ssize_t receive(struct file *f, void *into, size_t count)
{
	must(f->kind == CLIENT);
	errno = EAGAIN;
	if (!f->asks)
		return f->ended ? 0 : -1;
	f->asks = false;
	if (count > f->length)
		count = f->length;
	memcpy(into, f->words, count);
	return (ssize_t)count;
}

WRAP(ssize_t, recv, int fd, void *into, size_t count, int flags)
{
	must(flags == MSG_DONTWAIT);
	return receive(file(fd), into, count);
}

WRAP(ssize_t, recvmsg, int fd, struct msghdr *m, int flags)
{
	struct file *f = file(fd);
	struct cmsghdr *c = m->msg_control;
	const size_t size = f->fds_used * sizeof(int);

	must(flags == (MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
	must(m->msg_controllen >= CMSG_SPACE(size));
	m->msg_controllen = f->fds_used ? CMSG_SPACE(size) : 0;
	if (f->fds_used) {
		*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), f->fds, size);
	}
	return receive(f, m->msg_iov->iov_base, m->msg_iov->iov_len);
}

WRAP(int, openat, int directory, const char *path, int flags, ...)
{
	must(directory == STATE);
	if (!strcmp(path, CONTROL_FILES)) {
		must(!(flags & (O_CREAT | O_WRONLY | O_RDWR)));
		return new_file(RECORD);
	}
	must(!strcmp(path, CONTROL_ENDED) && flags & O_CREAT);
	return new_file(WORDS);
}

static short ready(const struct file *f)
{
	switch (f->kind) {
	case SOURCE:
		return (f->amount ? POLLIN : 0) | (f->ended ? POLLHUP : 0);
	case SINK:
		return f->ended ? POLLERR : f->amount <= PIPE - PIPE_BUF ? POLLOUT : 0;
	case CLIENT:
		return (f->asks ? POLLIN : 0) | (f->ended ? POLLIN | POLLHUP : 0);
	case TIMER:
		return world.set ? POLLIN : 0;
	case SERVER:
		return f->ended ? POLLIN : 0;
	default:
		return POLLIN;
	}
}

/* It never waits: the input says what happens next. */
WRAP(int, poll, struct pollfd *fds, nfds_t count, int timeout)
{
	(void)timeout;
	for (nfds_t i = 0; i < count; i++)
		fds[i].revents = fds[i].fd < 0 ? 0
					       : ready(file(fds[i].fd)) &
							 (fds[i].events | POLLERR | POLLHUP);
	return 1;
}

/* ---- stand-ins for Xen and for other modules ---- */

int64_t host_now(void)
{
	return world.now;
}

int host_signal(int signals)
{
	struct signalfd_siginfo info;

	return read(signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Only vm_find_files calls it, before the part of a container's life that this target runs. */
int host_open_recorded(int directory, const char *name)
{
	(void)directory, (void)name;
	must(0);
	return -1;
}

/* Only the proxy's last step calls it. */
void host_leave_groups(void)
{
	must(0);
}

int inquiry_start(struct inquiry *q)
{
	must(world.asked++ < world.ends); /* it costs a process */
	q->pid = 1;
	return 0;
}

void inquiry_poll(const struct inquiry *q, struct pollfd *fds)
{
	(void)q;
	for (int i = 0; i < INQUIRY_FDS; i++)
		fds[i] = (struct pollfd){.fd = -1};
}

enum inquiry_result inquiry_take(struct inquiry *q, unsigned int domid)
{
	(void)domid;
	q->pid = 0;
	return world.over ? INQUIRY_ENDED : INQUIRY_ALIVE;
}

void terminal_raw(int slave)
{
	must(container.terminal && file(slave)->kind <= SINK);
}

void terminal_size(int slave, uint32_t *rows, uint32_t *columns)
{
	must(container.terminal && file(slave)->kind <= SINK);
	*rows = 24;
	*columns = 80;
}

int xenstore_write(struct xenstore *xs, const char *path, const char *value)
{
	(void)xs, (void)path, (void)value;
	return world.write_fails ? -1 : 0;
}

int xenstore_permit(struct xenstore *xs, const char *path, unsigned int owner, unsigned int reader)
{
	(void)xs, (void)path, (void)owner, (void)reader;
	return 0;
}

int xenstore_remove(struct xenstore *xs, const char *path)
{
	(void)xs, (void)path;
	return 0;
}

int xenstore_ask(struct xenstore *xs, const char *path, const char *value, uint32_t id)
{
	must(xs->fd == world.store && world.question.id == 0); /* Linux keeps one */
	must(id > 0 && strlen(path) < XENSTORE_PATH);
	struct question *q = &world.question;
	q->id = id;
	snprintf(q->path, sizeof(q->path), "%s", value ? "" : path);
	return 0;
}

/*
 * Returns the number in a node, or -1 if there is no such node. There is no data-refs: this guest
 * uses only the page, and ring.c tests both. The path "" stands for the answer to a write.
 */
static int node_value(const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name)
		return world.write_fails ? -1 : 0;
	if (!strcmp(name, "/domid"))
		return world.no_domain ? -1 : 7;
	uint8_t value = !strcmp(name, "/state")	     ? world.state
			: !strcmp(name, "/ring-ref") ? world.ref
			: !strcmp(name, "/port")     ? world.port
						     : 255;
	return value == 255 ? -1 : value;
}

int xenstore_next(struct xenstore *xs, struct xenstore_answer *answer)
{
	must(xs->fd == world.store);
	xs->changed = xs->changed || world.event;
	xs->released = xs->released || (world.event && world.released);
	if (world.event)
		world.released = false;
	world.event = false;
	if (world.question.id == 0)
		return 0;
	int value = node_value(world.question.path);
	answer->id = world.question.id;
	answer->error = value < 0 ? ENOENT : 0;
	answer->length = value < 0 ? -1 : snprintf(answer->value, 8, "%d", value);
	world.question.id = 0;
	return 1;
}

long xenstore_answer_number(const struct xenstore_answer *answer)
{
	return answer->length < 0 ? -1 : atol(answer->value);
}

WRAP(int, ioctl, int fd, unsigned long request, ...)
{
	must(file(fd)->kind == DEVICE);
	if (request == IOCTL_GNTDEV_MAP_GRANT_REF)
		return world.map_fails ? -1 : 0;
	return request == IOCTL_EVTCHN_BIND_INTERDOMAIN && world.bind_fails ? -1 : 0;
}

WRAP(void *, mmap, void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fd < FIRST)
		return __real_mmap(at, size, protection, flags, fd, offset);
	return &page;
}

WRAP(int, munmap, void *at, size_t size)
{
	return at == &page ? 0 : __real_munmap(at, size);
}

/* In a flood, the guest fills the ring again with two frames whenever the proxy has emptied it. */
WRAP(ssize_t, ring_read, struct ring *ring, void *into, size_t room)
{
	ssize_t n = __real_ring_read(ring, into, room);

	must(++world.reads <= READS);
	if (world.flood && page.out_prod == page.out_cons) {
		memcpy(page.out, world.flood, sizeof(page.out));
		page.out_prod += sizeof(page.out);
	}
	return n;
}

/* ---- memory ---- */

static _Thread_local bool inside; /* true in the target's thread; libFuzzer has others */
static size_t held;

static void count_malloc(const volatile void *at, size_t size)
{
	(void)at;
	held += inside ? size : 0;
}

static void count_free(const volatile void *at)
{
	held -= inside ? __sanitizer_get_allocated_size(at) : 0;
}

/* ---- what must hold at any time ---- */

static void check(void)
{
	const struct session *s = &container.session;

	must(container.outbox.used <= sizeof(container.outbox.bytes));
	must(container.input.used <= sizeof(container.input.bytes));
	must(s->input_credit <= WIRE_WINDOW);
	for (int i = WIRE_STDOUT; i < WIRE_STREAMS; i++)
		must(s->sinks[i].used + s->sinks[i].owed <= WIRE_WINDOW);
	must(container.status >= 0 && container.status <= 255);
	must(container.phase != RUNNING || (container.hello && container.ran));
	must(container.phase != OVER || container.starter < 0);
}

static void turn(void)
{
	container.xs.fd = container.guardian.lifeline >= 0 ? world.store : -1;
	world.reads = 0;
	serve_once(-1, -1);
	check();
}

/* The reason of the end, which runX's commands read, must be one line of printable characters. */
static void check_words(bool misbehaved)
{
	const struct file *ended = NULL;

	for (size_t i = 0; i < world.files_used; i++)
		if (world.files[i].kind == WORDS) {
			must(!ended);
			ended = &world.files[i];
		}
	must(ended && ended->length > 1);
	for (size_t i = 0; i < ended->length - 1; i++)
		must((unsigned char)ended->words[i] >= ' ' && ended->words[i] != 127);
	must(!misbehaved || memmem(ended->words, ended->length, "broke the console protocol", 26));
}

/* ---- the guest ---- */

static uint32_t queued(void)
{
	return page.out_prod - page.out_cons;
}

/* Writes as a driver does: one full ring at a time, while somebody reads it. */
static void guest_writes(const uint8_t *bytes, size_t count)
{
	while (count > 0 && container.phase != OVER && container.ring.shared && !world.over) {
		uint32_t room = sizeof(page.out) - queued();
		if (room == 0 || room > sizeof(page.out))
			return;
		for (; room > 0 && count > 0; room--, count--)
			page.out[page.out_prod++ % sizeof(page.out)] = (char)*bytes++;
		turn();
	}
}

/* True: the guest must not send such a frame now. */
static bool forbidden(const uint8_t *header)
{
	unsigned int type = header[0], stream = header[1], session = header[2] | header[3] << 8;

	if (type == 0 || type >= WIRE_TYPES || stream >= WIRE_STREAMS ||
	    wire_get32(header + 4) > WIRE_PAYLOAD || session >= WIRE_SESSIONS)
		return true;
	if (container.hello == (type == WIRE_HELLO))
		return true;
	if (session == 0 && (type == WIRE_STARTED || type == WIRE_FAILED))
		return container.ran;
	if (session == 0 && type == WIRE_EXITED)
		return !container.ran;
	if (session == 0 && type == WIRE_OOM)
		return false;
	if (session == 0 && type == WIRE_CLOCK)
		return !container.clock.asked;
	if (session == 0 && stream != WIRE_STDIN && (type == WIRE_DATA || type == WIRE_EOF))
		return !container.ran;
	return type == WIRE_SIGNAL || type == WIRE_WINSIZE || type == WIRE_PING ||
	       type == WIRE_EXEC || type == WIRE_CLOCK || type == WIRE_OOM ||
	       (type == WIRE_DATA && stream == WIRE_STDIN);
}

static void guest_frame(enum wire_type type, unsigned int stream, unsigned int session,
			const uint8_t *payload, size_t length)
{
	static uint8_t frame[WIRE_FRAME];
	size_t sent = length <= WIRE_PAYLOAD ? length : 0;

	wire_header(frame, type, stream, session, length);
	if (sent)
		memcpy(frame + WIRE_HEADER, payload, sent);
	bool alive =
		container.phase != OVER && container.ring.shared && !world.unclear && !world.over;
	bool bad = alive && forbidden(frame);
	if (alive && session == 0 && type == WIRE_CREDIT)
		world.given += wire_get32(frame + WIRE_HEADER);
	if (alive && session == 0 && type == WIRE_DATA && stream < WIRE_STREAMS)
		world.sent[stream] += length;
	world.answered += type == WIRE_CLOCK;
	guest_writes(frame, WIRE_HEADER + sent);
	if (!bad)
		return;
	must(container.phase == OVER && container.status == 255);
	check_words(true);
}

static void op_frame(struct bytes *in)
{
	static uint8_t payload[WIRE_PAYLOAD];
	uint8_t type = take8(in), stream = take8(in), session = take8(in);
	uint32_t length = take16(in);

	/* Make most lengths small, and some types frequent. */
	if (length < 0xc000)
		length &= 15;
	else
		length -= 0xc000;
	memset(payload, 0, sizeof(payload));
	take(in, payload, length < 16 ? length : 16);
	guest_frame(type & 0x80 ? WIRE_DATA : type & 0x1f, stream & 0x80 ? WIRE_STDOUT : stream & 3,
		    session & 0x40 ? session << 4 : session & 0x3f, payload, length);
}

static void op_bytes(struct bytes *in)
{
	uint8_t bytes[256];
	size_t count = take(in, bytes, take8(in));

	world.unclear = true;
	guest_writes(bytes, count);
}

static void op_index(struct bytes *in)
{
	uint32_t *indices[] = {&page.in_cons, &page.in_prod, &page.out_cons, &page.out_prod};
	uint8_t which = take8(in);

	if (world.over)
		return;
	world.unclear = true;
	*indices[which % 4] = which & 4 ? *indices[which % 4] + take8(in) : take32(in);
	turn();
}

static void guest_takes(const struct wire_frame *frame)
{
	must(frame->session < WIRE_SESSIONS);
	switch (frame->type) {
	case WIRE_DATA:
		must(frame->stream == WIRE_STDIN && frame->length > 0);
		if (frame->session == 0)
			world.taken += frame->length;
		must(world.taken <= WIRE_WINDOW + world.given);
		break;
	case WIRE_CREDIT:
		must(frame->stream != WIRE_STDIN && frame->length == 4);
		if (frame->session == 0)
			world.credited[frame->stream] += wire_word(frame, 0);
		must(world.credited[frame->stream] <= world.sent[frame->stream]);
		break;
	case WIRE_SIGNAL:
		must(wire_word(frame, 0) > 0 && wire_word(frame, 0) <= 64);
		break;
	case WIRE_EXEC:
		must(frame->session > 0);
		break;
	case WIRE_CLOCK:
		/* It may have answered before it read. */
		must(frame->length == WIRE_CLOCK_LENGTH && world.told++ <= world.answered);
		break;
	case WIRE_WINSIZE:
		must(frame->length == 8);
		break;
	default:
		must(frame->type == WIRE_EOF || frame->type == WIRE_PING);
	}
}

static void guest_reads(size_t count)
{
	struct wire_frame frame;
	size_t room;
	uint8_t *space = wire_space(&world.input, &room);

	if (world.unclear || world.over)
		return;
	must(container.hello || page.in_prod == page.in_cons);
	for (; room > 0 && count > 0 && page.in_prod != page.in_cons; room--, count--) {
		*space++ = (uint8_t)page.in[page.in_cons++ % sizeof(page.in)];
		wire_received(&world.input, 1);
	}
	int whole;
	while ((whole = wire_next(&world.input, &frame)) > 0) {
		guest_takes(&frame);
		wire_drop(&world.input, &frame);
	}
	must(whole == 0);
}

/* ---- the users ---- */

/* Makes a peer with its streams; with a terminal there is no stderr. */
static struct peer *new_peer(bool terminal)
{
	struct peer *p = &world.peers[world.peers_used++];

	p->client = -1;
	p->fds[WIRE_STDIN] = new_file(SOURCE);
	p->fds[WIRE_STDOUT] = new_file(SINK);
	p->fds[WIRE_STDERR] = terminal ? -1 : new_file(SINK);
	return p;
}

/* Picks a file of a peer. The proxy may have closed it. */
static struct file *peer_file(struct bytes *in, unsigned int which)
{
	const struct peer *p = &world.peers[take8(in) % world.peers_used];
	int fd = which % 4 == 3 ? p->client : p->fds[which % 4];

	return fd < 0 ? NULL : &world.files[fd - FIRST];
}

/* Sends a request, and lets the proxy take it. */
static int request(const char *words, size_t length, const int *fds, size_t count)
{
	int client = new_file(CLIENT);
	struct file *f = file(client);

	f->asks = true;
	f->silent = length == 0; /* an empty request looks like the end */
	f->length = length;
	memcpy(f->words, words, length);
	f->fds_used = count;
	memcpy(f->fds, fds, sizeof(int) * count);
	requests_add(client);
	return client;
}

static bool crowded(void)
{
	return world.files_used > FILES - 16;
}

static void ask(const char *words)
{
	if (!crowded())
		request(words, strlen(words), (int[]){0}, 0);
	turn();
}

static void op_signal(struct bytes *in)
{
	char words[32];
	uint8_t what = take8(in), signal = what & 0x7f;

	snprintf(words, sizeof(words), "signal %d%s", signal, what & 0x80 ? " all" : "");
	ask(words);
}

static void op_words(struct bytes *in)
{
	char words[CONTROL_MESSAGE + 20] = "";
	uint8_t how = take8(in);
	size_t length = take(in, words, how & 0x3f);

	if (how & 0x40)
		memset(words + length, 'x', sizeof(words) - length), length = sizeof(words);
	if (crowded() || !strncmp(words, "signal", 6))
		return;
	int fds[] = {new_file(DEVICE), new_file(DEVICE)};
	if (!(how & 0x80))
		close(fds[0]), close(fds[1]);
	request(words, length, fds, how & 0x80 ? 2 : 0);
	turn();
}

/* A client that connects and sends nothing. Some places stay free, since without one the proxy
 * accepts nobody. */
static void op_silent(void)
{
	size_t waiting = 0;

	for (size_t i = 0; i < world.files_used; i++)
		waiting += world.files[i].open && world.files[i].silent;
	if (!crowded() && waiting < REQUESTS_CLIENTS / 2) {
		int client = new_file(CLIENT);
		file(client)->asks = false;
		file(client)->silent = true;
		requests_add(client);
	}
	turn();
}

static void op_exec(struct bytes *in)
{
	uint8_t how = take8(in);

	if (world.peers_used == PEERS || crowded())
		return;
	struct peer *p = new_peer(how & 1);
	int description = new_file(SOURCE);
	file(description)->ended = true;
	file(description)->amount = (how >> 3) * 999U;
	int fds[] = {description, p->fds[WIRE_STDIN], p->fds[WIRE_STDOUT], p->fds[WIRE_STDERR]};
	size_t count = how & 1 ? 3 : 4;
	if (how & 2) {
		while (count > 1)
			close(fds[--count]);
	}
	p->client = request("exec", 4, fds, count);
	turn();
}

static void op_read(struct bytes *in)
{
	uint8_t how = take8(in);
	struct file *f = peer_file(in, how & 1 ? WIRE_STDERR : WIRE_STDOUT);
	size_t count = (how >> 1) * (size_t)1024;

	if (f)
		f->amount -= count < f->amount ? count : f->amount;
	turn();
}

static void op_close(struct bytes *in)
{
	struct file *f = peer_file(in, take8(in));

	if (f)
		f->ended = true;
	turn();
}

static void op_write(struct bytes *in)
{
	struct file *f = peer_file(in, WIRE_STDIN);
	uint32_t count = take16(in);

	if (!f->ended)
		f->amount += count < 0xc000 ? count & 15 : count;
	turn();
}

/* A further message of an exec's client. */
static void op_say(struct bytes *in)
{
	static const char *const known[] = {"signal 15", "signal 9", "size 10 20", "signal 65"};
	struct file *f = peer_file(in, 3);
	uint8_t how = take8(in);

	if (!f || f->ended)
		return;
	if (how < 4)
		f->length = (size_t)snprintf(f->words, sizeof(f->words), "%s", known[how]);
	else
		f->length = take(in, f->words, how & 0x3f);
	f->asks = f->length > 0; /* an empty message is none */
	turn();
}

/* ---- the rest of the world ---- */

/* xenstore and xl answer one question in a turn. A frame that comes later finds the container
 * ended. */
static void settle(void)
{
	for (int turns = 0; turns < 8; turns++)
		turn();
}

static void op_time(struct bytes *in)
{
	uint8_t tenths = take8(in);

	world.now += tenths * (int64_t)100;
	world.set = tenths == 0;
	settle();
}

/* The domain ends. In its ring it leaves a PONG for a PING that was not sent yet. */
static void guest_dies(void)
{
	static const uint8_t pong[WIRE_HEADER] = {WIRE_PONG};

	if (!world.unclear && !world.over && container.hello && queued() == 0)
		for (size_t i = 0; i < sizeof(pong); i++)
			page.out[page.out_prod++ % sizeof(page.out)] = (char)pong[i];
	world.over = true;
}

static void op_xenstore(struct bytes *in)
{
	uint8_t what = take8(in);

	world.event = true;
	world.no_domain = what & 1 && what & 2;
	if (what & 4 && what & 2)
		guest_dies();
	if (what & 4) {
		world.released = true;
		world.ends++;
	}
	world.map_fails = what & 8 && what & 16;
	world.bind_fails = what & 32 && what & 16;
	world.write_fails = what & 64 && what & 16;
	if (what & 128) {
		world.state = take8(in);
		world.ref = take8(in);
		world.port = take8(in);
	}
	settle();
}

/* The file server ends. What it has left in its record comes from the input. */
static void op_server(struct bytes *in)
{
	world.record_length = take(in, world.record, take8(in) % sizeof(world.record));
	if (container.files >= 0)
		file(container.files)->ended = true;
	turn();
}

static void op_size(void)
{
	if (container.terminal)
		container_send_size();
	turn();
}

static void op_flood(void)
{
	static char flood[sizeof(page.out)];
	const size_t length = sizeof(flood) / 2;

	memset(flood, 0, sizeof(flood));
	for (size_t i = 0; i < 2 * WIRE_HEADER; i++) {
		uint8_t header[WIRE_HEADER];
		wire_header(header, WIRE_PONG, 0, 0, length - WIRE_HEADER);
		size_t at =
			page.out_prod + WIRE_HEADER + i % WIRE_HEADER + i / WIRE_HEADER * length;
		flood[at % sizeof(flood)] = (char)header[i % WIRE_HEADER];
	}
	world.flood = flood;
	guest_frame(WIRE_PONG, 0, 0, NULL, 0);
	world.flood = NULL;
	turn();
}

static void step(struct bytes *in)
{
	switch (take8(in) % 19) {
	case 0:
	case 1:
		op_frame(in);
		break;
	case 2:
		op_bytes(in);
		break;
	case 3:
		op_index(in);
		break;
	case 4:
		guest_reads(take8(in) * (size_t)8);
		turn();
		break;
	case 5:
		ask("start");
		break;
	case 6:
		op_signal(in);
		break;
	case 7:
		op_words(in);
		break;
	case 8:
		op_exec(in);
		break;
	case 9:
		op_read(in);
		break;
	case 10:
		op_close(in);
		break;
	case 11:
		op_write(in);
		break;
	case 12:
		op_say(in);
		break;
	case 13:
		op_time(in);
		break;
	case 14:
		op_xenstore(in);
		break;
	case 15:
		op_size();
		break;
	case 16:
		op_flood();
		break;
	case 17:
		op_silent();
		break;
	case 18:
		op_server(in);
		break;
	}
}

/* ---- a life from its beginning to its end ---- */

static void begin(bool terminal, bool running, bool files)
{
	memset((char *)&world + sizeof(world.files), 0, sizeof(world) - sizeof(world.files));
	memset(&page, 0, sizeof(page));
	world.now = 1;
	world.state = 3; /* XenbusStateInitialised */
	container = (struct container){
		.state = STATE, .starter = -1, .start_seconds = 120, .oom.marker = -1};
	container.terminal = terminal;
	container.domid = 7;
	container.guardian = (struct guardian){.lifeline = new_file(DEVICE), .end = -1};
	world.store = new_file(DEVICE);
	container.ring = (struct ring){
		.domid = 7, .events.fd = new_file(DEVICE), .gntdev = new_file(DEVICE)};
	container.clock.set = new_file(TIMER);
	container.files = files ? new_file(SERVER) : -1;
	session_init(&container.session, 0, new_peer(terminal)->fds, &container.outbox);
	if (!running)
		return;
	op_xenstore(&(struct bytes){.left = 0});
	turn();
	turn();
	ask("start");
	guest_frame(WIRE_HELLO, 0, 0, (const uint8_t *)"\1\0\0\0", 4);
	guest_frame(WIRE_STARTED, 0, 0, NULL, 0);
	must(container.phase == RUNNING);
}

/*
 * If the VM has ended, the proxy must notice that. In any other state SIGKILL must end the
 * container in time, even if the guest is silent.
 */
static void end(void)
{
	if (world.over && (container.hello || container.phase == BOOTING)) {
		/* The event, the ping, xl (every 10 s at most) and its answer take a turn each. */
		for (int turns = 0; turns < 6; turns++) {
			world.now += 10000;
			turn();
		}
		must(container.phase == OVER);
	}
	if (container.phase != OVER) {
		container_signal(SIGKILL, false);
		world.now += 10000;
		turn();
	}
	must(container.phase == OVER);
	check_words(false);
	for (size_t i = 0; i < world.files_used; i++)
		if (world.files[i].kind != CLIENT)
			world.files[i].ended = true;
	for (int turns = 0; !session_drained(&container.session) || !execs_done(); turns++) {
		must(turns < 200);
		turn();
	}
	session_abandon(&container.session);
	/* The proxy drops clients that have sent no request by now. */
	world.now += 10000;
	turn();
	for (size_t i = 0; i < world.files_used; i++) {
		const struct file *f = &world.files[i];
		must(!f->open && (f->kind != CLIENT || f->answers > 0 || f->ended || f->silent));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	must(__sanitizer_install_malloc_and_free_hooks(count_malloc, count_free) > 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {.at = data, .left = size};
	uint8_t how = take8(&in);

	held = 0;
	inside = true;
	begin(how & 1, how & 2, how & 4);
	while (in.left)
		step(&in);
	must(held <= world.peers_used * SESSION_BYTES);
	end();
	must(held == 0);
	inside = false;
	return 0;
}
