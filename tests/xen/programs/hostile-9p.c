/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a VM that speaks raw 9P to the file server: a front end of a 9pfs device, in a process.
 * It runs under a kernel with the devices gntalloc and evtchn, which are modules in /modules.
 *
 * It asks for what no guest may have, and says by 9P, in the file `report` of the root, what it
 * got. In the end it breaks its ring.
 */
#include "helpers/files/channel.h"
#include "helpers/shared/backend.h"
#include "helpers/shared/common.h"
#include "tests/helpers/nine.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

typedef uint16_t domid_t;
#include <xen/evtchn.h>
#include <xen/gntalloc.h>

#define ORDER	 5
#define HALF	 RING_HALF(ORDER)
#define FRONTEND "device/9pfs/0/"
#define ROOT	 0	/* the fid of the share's root */
#define LATE	 0xf000 /* tags of requests whose answer nobody waits for */

/* nine.h asks a session. Here that is a ring, with the server at its other end. */
struct session {
	struct indices *shared;
	uint8_t *in, *out;
	struct backend_events events;
};

static struct session rings[2];
static struct nine nine;
static char report[65536];
static size_t reported;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	int n = vsnprintf(report + reported, sizeof(report) - reported, format, values);
	va_end(values);
	reported += (size_t)n;
	if (reported > sizeof(report) - 1)
		reported = sizeof(report) - 1;
}

/* Only for what cannot come by 9P: the last words on the console. */
__attribute__((noreturn)) static void stop(const char *what)
{
	fprintf(stderr, "hostile-9p: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

/* ---- the device ---- */

static void load(const char *module)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
		stop(module);
	close(fd);
}

/* Returns `count` pages that dom0 may map, and their grants. */
static uint8_t *granted(unsigned int count, uint32_t *refs)
{
	static int device = -1;
	size_t room = sizeof(struct ioctl_gntalloc_alloc_gref) + count * sizeof(uint32_t);
	struct ioctl_gntalloc_alloc_gref *grants = calloc(1, room);

	if (device < 0)
		device = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
	*grants =
		(struct ioctl_gntalloc_alloc_gref){.flags = GNTALLOC_FLAG_WRITABLE, .count = count};
	if (ioctl(device, IOCTL_GNTALLOC_ALLOC_GREF, grants) < 0)
		stop("gntalloc");
	memcpy(refs, grants->gref_ids, count * sizeof(uint32_t));
	uint8_t *pages = mmap(NULL, (size_t)count * BACKEND_PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, device, (off_t)grants->index);
	if (pages == MAP_FAILED)
		stop("mmap of grants");
	free(grants);
	return pages;
}

static void tell(struct xenstore *xs, const char *name, unsigned int number, unsigned int value)
{
	char path[XENSTORE_PATH], text[12];

	snprintf(path, sizeof(path), FRONTEND "%s", name);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "%u", number);
	snprintf(text, sizeof(text), "%u", value);
	if (xenstore_write(xs, path, text) < 0)
		stop(path);
}

static void make_ring(struct xenstore *xs, unsigned int number)
{
	struct session *ring = &rings[number];
	struct ioctl_evtchn_bind_unbound_port bind = {.remote_domain = 0};
	uint32_t ref;

	ring->shared = (struct indices *)granted(1, &ref);
	ring->shared->order = ORDER;
	ring->in = granted(1 << ORDER, ring->shared->refs);
	ring->out = ring->in + HALF;
	ring->events.fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	int port = ioctl(ring->events.fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &bind);
	if (port < 0)
		stop("evtchn");
	ring->events.port = (uint32_t)port;
	tell(xs, "ring-ref", number, ref);
	tell(xs, "event-channel-", number, ring->events.port);
}

/* Waits until the server's state is `state`. */
static void await_state(struct xenstore *xs, const char *state)
{
	static char backend[XENSTORE_VALUE + 1];
	char path[XENSTORE_PATH];
	struct pollfd event = {.fd = xs->fd, .events = POLLIN};
	struct xenstore_answer answer;

	if (xenstore_read(xs, FRONTEND "backend", backend) < 0)
		stop("the device is missing");
	snprintf(path, sizeof(path), "%.200s/state", backend);
	if (xenstore_watch(xs, path) < 0)
		stop(path);
	while (xenstore_number(xs, path) != atoi(state)) {
		while (!xs->changed)
			if (poll(&event, 1, -1) > 0 && xenstore_next(xs, &answer) < 0)
				stop("xenstore");
		xs->changed = false;
	}
}

static void connect_device(void)
{
	struct xenstore xs;

	if (xenstore_open(&xs) < 0)
		stop("/dev/xen/xenbus");
	await_state(&xs, BACKEND_INIT_WAIT);
	make_ring(&xs, 0);
	make_ring(&xs, 1);
	if (xenstore_write(&xs, FRONTEND "version", "1") < 0 ||
	    xenstore_write(&xs, FRONTEND "num-rings", "2") < 0 ||
	    xenstore_write(&xs, FRONTEND "state", "3") < 0)
		stop("xenstore");
	await_state(&xs, BACKEND_CONNECTED);
}

/* ---- the ring ---- */

static void put(struct session *ring, const uint8_t *message, size_t size)
{
	uint32_t at = ring->shared->out_prod;

	backend_copy_in(ring->out, HALF, at, message, size);
	__atomic_store_n(&ring->shared->out_prod, at + (uint32_t)size, __ATOMIC_SEQ_CST);
	backend_ring(&ring->events);
}

/* Takes the next answer, and waits for it. */
static size_t take(struct session *ring, uint8_t *reply)
{
	struct indices *s = ring->shared;
	uint8_t header[4];

	while (__atomic_load_n(&s->in_prod, __ATOMIC_SEQ_CST) == s->in_cons) {
		backend_await(&ring->events);
		backend_acknowledge(&ring->events);
	}
	backend_copy_out(header, ring->in, HALF, s->in_cons, 4);
	size_t size = nine_number(header, 4);
	if (size < MESSAGE_HEADER || size > NINE_MSIZE)
		stop("an answer makes no sense");
	backend_copy_out(reply, ring->in, HALF, s->in_cons, size);
	__atomic_store_n(&s->in_cons, s->in_cons + (uint32_t)size, __ATOMIC_SEQ_CST);
	return size;
}

/* Waits for the answer of this request, which need not be the next. */
ssize_t session_request(struct session *session, struct channel *channel, const uint8_t *message,
			size_t size, uint8_t *reply)
{
	size_t got;

	(void)channel;
	put(session, message, size);
	do
		got = take(session, reply);
	while (memcmp(reply + 5, message + 5, 2) != 0);
	return (ssize_t)got;
}

/* ---- what no guest may have ---- */

static void begin(void)
{
	if (nine_version(&nine, NINE_MSIZE) || nine_attach(&nine, ROOT, 0))
		stop("no session");
}

/* Fid 1 becomes the file, or directory, of this path. */
static int walk(const char *path)
{
	nine_clunk(&nine, 1);
	return nine_walk(&nine, ROOT, 1, path);
}

static void wants(bool right, const char *what, const char *name, int answer)
{
	if (!right)
		say("WRONG %s %.40s: %d\n", what, name, answer);
}

static void refused(int answer, const char *what, const char *name)
{
	wants(answer > 0, what, name, answer);
}

static void try_name(const char *name, size_t size)
{
	const unsigned int one = 1;
	uint8_t walks[2] = {(uint8_t)size, (uint8_t)(size >> 8)};

	if (size != 2 || memcmp(name, "..", 2) != 0)
		refused(nine_ask(&nine, TWALK, "ddwDD", ROOT, 2, one, (void *)walks, sizeof(walks),
				 (const void *)name, size),
			"walk", name);
	nine_walk(&nine, ROOT, 3, "");
	refused(nine_ask(&nine, TLCREATE, "dSddd", 3, size, name, O_RDWR, 0644, 0), "create", name);
	nine_clunk(&nine, 3);
	refused(nine_ask(&nine, TMKDIR, "dSdd", ROOT, size, name, 0755, 0), "mkdir", name);
	refused(nine_ask(&nine, TSYMLINK, "dSsd", ROOT, size, name, "to", 0), "symlink", name);
	refused(nine_ask(&nine, TMKNOD, "dSdddd", ROOT, size, name, S_IFREG | 0644, 0, 0, 0),
		"mknod", name);
	walk("bin/busybox");
	refused(nine_ask(&nine, TLINK, "ddS", ROOT, 1, size, name), "link", name);
	refused(nine_ask(&nine, TRENAMEAT, "dsdS", ROOT, "bin", ROOT, size, name), "rename to",
		name);
	refused(nine_ask(&nine, TRENAMEAT, "dSds", ROOT, size, name, ROOT, "bin2"), "rename", name);
	refused(nine_ask(&nine, TUNLINKAT, "dSd", ROOT, size, name, 0x200), "rmdir", name);
	refused(nine_ask(&nine, TUNLINKAT, "dSd", ROOT, size, name, 0), "unlink", name);
}

static void names_that_lead_elsewhere(void)
{
	static char longest[32000];
	struct nine_attributes root, up;

	memset(longest, 'x', sizeof(longest));
	try_name("..", 2);
	try_name(".", 1);
	try_name("", 0);
	try_name("../x", 4);
	try_name("bin/x", 5);
	try_name("x\0y", 3);
	try_name("/etc", 4);
	try_name(longest, sizeof(longest));
	try_name(longest, 256);
	nine_getattr(&nine, ROOT, &root);
	wants(walk("..") == 0 && nine_getattr(&nine, 1, &up) == 0 && up.path == root.path,
	      "the root's parent is the root", "", 0);
	refused(walk("../b"), "walk", "../b");
	refused(walk("bin/../.."), "walk", "bin/../..");
}

static void links(void)
{
	refused(nine_ask(&nine, TATTACH, "ddssd", 4, MESSAGE_NO_FID, "", "/etc", 0), "attach",
		"/etc");
	wants(nine_ask(&nine, TSYMLINK, "dssd", ROOT, "out", "/b", 0) == 0, "symlink", "out", 0);
	refused(walk("out/secret"), "walk through a link", "out");
	wants(walk("out") == 0, "walk to a link", "out", 0);
	refused(nine_open(&nine, 1, O_RDWR), "open", "a link");
	refused(nine_ask(&nine, TMKDIR, "dsdd", 1, "made", 0755, 0), "mkdir", "in a link");
	refused(nine_create(&nine, 1, "made", O_RDWR, 0644, 0), "create", "in a link");
	refused(nine_setattr(&nine, 1, 1, 0777, 0, 0, 0, 0, 0), "chmod", "a link");
	nine_setattr(&nine, 1, 2, 0, 12345, 0, 0, 0, 0); /* the link's own owner */
	refused(nine_setattr(&nine, 1, 8, 0, 0, 0, 0, 0, 0), "truncate", "a link");
}

static void special_files(void)
{
	static const struct {
		const char *name;
		unsigned int mode, major, minor;
	} files[] = {{"mem", S_IFCHR | 0666, 1, 1},
		     {"disk", S_IFBLK | 0666, 202, 0},
		     {"loop", S_IFBLK | 0666, 7, 0},
		     {"fifo", S_IFIFO | 0666, 0, 0},
		     {"socket", S_IFSOCK | 0666, 0, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int made = nine_ask(&nine, TMKNOD, "dsdddd", ROOT, files[i].name, files[i].mode,
				    files[i].major, files[i].minor, 0);
		wants(made == 0, "mknod", files[i].name, made);
		wants(walk(files[i].name) == 0, "walk", files[i].name, 0);
		refused(nine_open(&nine, 1, O_RDWR), "open", files[i].name);
		refused(nine_open(&nine, 1, O_RDONLY | O_NONBLOCK), "open", files[i].name);
	}
}

static void sizes_and_offsets(void)
{
	static const uint64_t ends[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 4096,
					UINT64_MAX};

	nine_walk(&nine, ROOT, 6, "");
	wants(nine_create(&nine, 6, "sizes", O_RDWR, 0644, 0) == 0, "create", "sizes", 0);
	wants(nine_write(&nine, 6, 0, "content", 7) == 7, "write", "sizes", 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		wants(nine_read(&nine, 6, ends[i], UINT32_MAX) <= 0, "read", "at the end", 0);
		wants(nine_write(&nine, 6, ends[i], "x", 1) < 0, "write", "at the end", 0);
	}
	wants(nine_read(&nine, 6, 0, UINT32_MAX) == 7, "read of 2^32-1", "sizes", 0);
	refused(nine_ask(&nine, TWRITE, "dqd", 6, (uint64_t)0, UINT32_MAX), "write",
		"more than the message has");
	refused(nine_ask(&nine, TWALK, "ddw", ROOT, 7, 17), "walk", "seventeen names");
	refused(nine_ask(&nine, 107, "d", ROOT), "an answer", "as request");
	/* What it did not write it must not read: the server's memory. */
	int made = nine_ask(&nine, TXATTRCREATE, "dsqd", ROOT, "user.x", (uint64_t)4096, 0);
	wants(made == 0, "create", "an attribute", made);
	refused(-nine_read(&nine, ROOT, 0, 4096), "read", "an attribute that is being written");
	begin();
}

/* What may wait for ever does not hold up the ring: a hundred locks, and then a question. */
static void locks_that_wait(void)
{
	struct nine_attributes attributes;

	nine_walk(&nine, ROOT, 6, "sizes");
	nine_open(&nine, 6, O_RDWR);
	wants(nine_lock(&nine, 6, P9_WRITE_LOCK, P9_LOCK_FCNTL, 0, 0, 1) == 0, "lock", "", 0);
	for (unsigned int i = 0; i < 100; i++) {
		nine_walk(&nine, ROOT, 100 + i, "sizes");
		nine_open(&nine, 100 + i, O_RDWR);
		size_t size = nine_build(nine.message, TLOCK, (uint16_t)(LATE + i), "dbdqqds",
					 100 + i, P9_WRITE_LOCK, P9_LOCK_BLOCK | P9_LOCK_FCNTL,
					 (uint64_t)0, (uint64_t)0, 2 + i, "guest");
		put(&rings[0], nine.message, size);
	}
	wants(nine_getattr(&nine, ROOT, &attributes) == 0, "getattr", "behind locks", 0);
	begin();
}

/* Messages of any bytes behind a right header. Tlock may wait, and has had its turn. */
static void noise(void)
{
	uint8_t bytes[256];
	uint32_t random = 1;

	for (unsigned int i = 0; i < 2000; i++) {
		if (i % 200 == 0)
			begin(); /* what it has broken */
		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] = (uint8_t)((random = random * 1103515245 + 12345) >> 16);
		uint8_t type = bytes[0] / 2 % (MESSAGE_TYPES / 2) * 2;
		/* A quarter has a fid that is in use. */
		if (bytes[1] % 4 == 0)
			memset(bytes + 2, 0, 4);
		if (type == TLOCK)
			continue;
		size_t size = nine_build(nine.message, type, (uint16_t)i, "D", (void *)(bytes + 2),
					 (size_t)bytes[1] % 200);
		ssize_t got = session_request(nine.session, NULL, nine.message, size, nine.reply);
		if (got < MESSAGE_HEADER || (nine.reply[4] != RLERROR && nine.reply[4] != type + 1))
			say("WRONG answer %d to noise of type %d\n", nine.reply[4], type);
	}
	begin();
}

/* Builds one of seven messages to fid 9. Two requests at once must not have the same tag. */
static size_t racing(uint8_t *to, uint16_t tag, unsigned int which)
{
	switch (which) {
	case 0:
		return nine_build(to, TWALK, tag, "ddws", ROOT, 9, 1, "race");
	case 1:
		return nine_build(to, TRENAME, tag, "dds", 9, ROOT, "race");
	case 2:
		return nine_build(to, TGETATTR, tag, "dq", 9, (uint64_t)0x7ff);
	case 3:
		return nine_build(to, TLOPEN, tag, "dd", 9, 0);
	case 4:
		return nine_build(to, TMKDIR, tag, "dsdd", ROOT, "race", 0755, 0);
	default:
		return nine_build(to, which % 2 ? TCLUNK : TREMOVE, tag, "d", 9);
	}
}

/* One fid is walked, renamed, used and given up by two rings at once. */
static void two_rings(void)
{
	uint32_t random = 7;

	for (unsigned int round = 0; round < 100; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			random = random * 1103515245 + 12345;
			put(&rings[i % 2], nine.message,
			    racing(nine.message, (uint16_t)i, (random >> 16) % 7));
		}
		for (unsigned int i = 0; i < 40; i++)
			take(&rings[i % 2], nine.reply);
	}
	begin();
}

/* ---- the end ---- */

static void save_report(void)
{
	nine_walk(&nine, ROOT, 8, "");
	if (nine_create(&nine, 8, "report", O_RDWR | O_TRUNC, 0644, 0) ||
	    nine_write(&nine, 8, 0, report, reported) != (int)reported ||
	    nine_ask(&nine, TFSYNC, "dd", 8, 0))
		stop("report");
}

int main(void)
{
	static const struct {
		const char *name;
		void (*attack)(void);
	} attacks[] = {{"names that lead elsewhere", names_that_lead_elsewhere},
		       {"links", links},
		       {"special files", special_files},
		       {"sizes and offsets", sizes_and_offsets},
		       {"locks that wait", locks_that_wait},
		       {"noise", noise},
		       {"two rings", two_rings}};

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/hvc0", O_WRONLY | O_CLOEXEC);
	dup2(console, 2);
	load("/modules/xen-gntalloc.ko");
	load("/modules/xen-evtchn.ko");
	connect_device();
	nine_begin(&nine, &rings[0]);
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		attacks[i].attack();
		say("%s\n", attacks[i].name);
		fprintf(stderr, "hostile-9p: %s\n", attacks[i].name);
	}
	/* An order that changes once it was read is the guest's own business. */
	rings[0].shared->order = 31;
	save_report();
	rings[0].shared->out_prod += 2 * HALF;
	backend_ring(&rings[0].events);
	for (;;)
		pause();
}
