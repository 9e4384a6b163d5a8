/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's process on the host: the pid that engines wait for, signal and look at.
 *
 * usage: proxy [-c CONSOLE-SOCKET [-s ROWSxCOLUMNS]] [-n new|PATH] [-t SECONDS] STATE-DIRECTORY
 * UUID -c  the process has a terminal; its master goes to this socket -n  network namespace to live
 * in: a new one, or that at PATH -t  how long a started VM may take to say that its process runs
 *
 * Stdin, stdout and descriptor 3 (stderr) become the container's; our own words go to stderr until
 * the container's takes its place. Returns 0 once the proxy runs in the background, its record
 * written. The proxy ends with the exit status of the guest's process, 128+n where signal n ended
 * it, 255 where the VM ended without a word. What it reads from the guest is hostile:
 * docs/security.md.
 */
#include "common.h"
#include "control.h"
#include "domain.h"
#include "execs.h"
#include "host.h"
#include "ring.h"
#include "session.h"
#include "terminal.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTAINER_STDERR 3

/* A killed process may have to end others and sync its disks first; then the VM goes the hard way.
 */
#define KILL_SECONDS 5
/* An idle guest answers a ping in well under a second, also under emulation. */
#define PING_SECONDS 5

enum phase { CREATED, BOOTING, RUNNING, OVER };

static struct {
	const char *console_socket, *netns, *uuid;
	uint16_t rows, columns;
	int start_seconds;
} option = {.start_seconds = 120};

static struct proxy {
	enum phase phase;
	bool hello;   /* the guest has spoken, and may be spoken to */
	bool ran;     /* the process was executed, whatever became of it */
	bool suspect; /* a domain ended while ours was silent; it may have been ours */
	int status;   /* what we exit with, once OVER */
	bool terminal;
	int state; /* the state directory */
	int signals, listener;
	int starter; /* who waits for the outcome of start, or -1 */
	unsigned int domid;
	int64_t start_by, kill_by, pong_by; /* deadlines in ms of CLOCK_MONOTONIC; 0: none */
	struct xenstore xs;
	struct ring ring;
	struct wire_input input;
	struct outbox outbox;
	struct session session;
} proxy;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- how it ends ---- */

static void answer(int *client, const char *words)
{
	if (*client < 0)
		return;
	(void)send(*client, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(*client);
	*client = -1;
}

/*
 * The container is over, for the reason `how`; what the guest has sent is still delivered before we
 * exit. A start that waits is told `how`, unless its process did run.
 */
static void end(int status, const char *how)
{
	char line[CONTROL_MESSAGE];

	if (proxy.phase == OVER)
		return;
	int n = snprintf(line, sizeof(line), "%s\n", how);
	int file = openat(proxy.state, CONTROL_ENDED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file >= 0) {
		(void)!write(file, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
		close(file);
	}
	answer(&proxy.starter, how);
	proxy.phase = OVER;
	proxy.status = status;
	session_end_output(&proxy.session);
	execs_end();
}

static void end_by_signal(int signal)
{
	char how[64];

	snprintf(how, sizeof(how), "killed by signal %d", signal);
	end(128 + signal, how);
}

/* ---- what the guest says ---- */

/* errno values are those of the guest's Linux; the ones that matter are the same everywhere. */
static int failure_status(uint32_t guest_errno)
{
	return guest_errno == ENOENT ? 127 : guest_errno == EACCES ? 126 : 255;
}

static void guest_failed(const struct wire_frame *frame)
{
	char words[CONTROL_MESSAGE];

	wire_text(frame, words, sizeof(words));
	end(failure_status(wire_word(frame, 0)),
	    words[0] ? words : "the VM could not start the process");
}

static void guest_exited(uint32_t status)
{
	char how[64];

	if (WIFSIGNALED(status)) {
		end_by_signal(WTERMSIG(status));
		return;
	}
	snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
	end(WEXITSTATUS(status), how);
}

static void send_size(void)
{
	uint32_t rows, columns;
	uint8_t payload[8];

	terminal_raw(STDIN_FILENO);
	terminal_size(STDIN_FILENO, &rows, &columns);
	wire_put32(payload, rows);
	wire_put32(payload + 4, columns);
	outbox_put(&proxy.outbox, WIRE_WINSIZE, 0, 0, payload, sizeof(payload));
}

static void guest_started(void)
{
	proxy.phase = RUNNING;
	proxy.ran = true;
	proxy.start_by = 0;
	answer(&proxy.starter, CONTROL_OK);
}

/* False: this frame may not come now, or not at all. */
static bool guest_frame(const struct wire_frame *frame)
{
	if (!proxy.hello && frame->type != WIRE_HELLO)
		return false;
	if (frame->session > 0)
		return execs_frame(frame);
	switch (frame->type) {
	case WIRE_HELLO:
		if (proxy.hello || wire_word(frame, 0) != WIRE_VERSION)
			return false;
		proxy.hello = true;
		if (proxy.terminal)
			send_size();
		return true;
	case WIRE_STARTED:
		if (proxy.phase > BOOTING)
			return false;
		guest_started();
		return true;
	case WIRE_FAILED:
		guest_failed(frame);
		return true;
	case WIRE_EXITED:
		guest_exited(wire_word(frame, 0));
		return true;
	case WIRE_PONG:
		proxy.pong_by = 0;
		return true;
	default:
		return session_frame(&proxy.session, frame);
	}
}

static void guest_misbehaved(void)
{
	end(255, "the VM broke the console protocol (see docs/guest-interface.md)");
}

static void read_ring(void)
{
	struct wire_frame frame;
	size_t room;
	ssize_t n;

	do {
		uint8_t *space = wire_space(&proxy.input, &room);
		n = ring_read(&proxy.ring, space, room);
		if (n > 0)
			wire_received(&proxy.input, (size_t)n);
		int whole = 0;
		while (n >= 0 && proxy.phase != OVER &&
		       (whole = wire_next(&proxy.input, &frame)) > 0) {
			if (!guest_frame(&frame))
				whole = -1;
			if (whole < 0)
				break;
			wire_drop(&proxy.input, &frame);
		}
		if (n < 0 || whole < 0)
			guest_misbehaved();
	} while (n > 0 && proxy.phase != OVER);
}

static void write_ring(void)
{
	struct outbox *box = &proxy.outbox;
	ssize_t n = 1;

	while (proxy.hello && box->used > 0 && n > 0) {
		size_t chunk = sizeof(box->bytes) - box->head;
		n = ring_write(&proxy.ring, box->bytes + box->head,
			       chunk < box->used ? chunk : box->used);
		if (n < 0) {
			guest_misbehaved();
			return;
		}
		box->used -= (size_t)n;
		box->head = box->used ? (box->head + (size_t)n) % sizeof(box->bytes) : 0;
	}
}

/* ---- what xenstore says ---- */

/* The VM is no more. What it had written before stays in the ring, which we have mapped. */
static void lost(const char *how)
{
	if (proxy.ring.shared)
		read_ring();
	end(255, how);
}

/*
 * A guest that has said nothing yet cannot be asked. One whose start has not been announced either
 * may have crashed already, between the unpausing and our hearing of it: start() looks again.
 */
static void check_silent(void)
{
	proxy.suspect = proxy.phase == CREATED;
	if (proxy.phase == BOOTING && domain_is_over(proxy.domid))
		lost("the VM crashed while it booted");
}

static void check_domain(void)
{
	char path[XENSTORE_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/domid", proxy.domid);
	if (xenstore_number(&proxy.xs, path) < 0 && errno == ENOENT) {
		lost("the VM was destroyed from outside");
		return;
	}
	/*
	 * Some domain ended, maybe ours: xenstore does not tell which (before Xen 4.22), and a
	 * crashed one keeps its nodes. A guest that can still answer need not be asked of xl, which
	 * costs more.
	 */
	if (proxy.hello && proxy.pong_by == 0 &&
	    outbox_put(&proxy.outbox, WIRE_PING, 0, 0, NULL, 0))
		proxy.pong_by = now_ms() + PING_SECONDS * 1000;
	else if (!proxy.hello)
		check_silent();
}

static void xenstore_event(void)
{
	if (!xenstore_events(&proxy.xs))
		return;
	if (!proxy.ring.shared && ring_connect(&proxy.ring, &proxy.xs) < 0)
		end(255, "cannot connect to the VM's console");
	check_domain();
}

/* ---- what the host's user says ---- */

/* Signals that end a process which has no handler for them; the rest would do nothing. */
static bool ends_by_default(int signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return false;
	default:
		return true;
	}
}

/* Delivers `signal` to the guest's process. Returns what to answer. */
static const char *deliver(int signal)
{
	uint8_t payload[4];

	if (proxy.phase == OVER) {
		/* Its process has ended; what its reader has not taken is all that is left to kill.
		 */
		if (signal == SIGKILL)
			_exit(proxy.status);
		return "container not running";
	}
	/* No handler can be there before the process is: it is as if the default were taken. */
	if (proxy.phase != RUNNING) {
		if (ends_by_default(signal))
			end_by_signal(signal);
		return CONTROL_OK;
	}
	if (signal == SIGKILL && proxy.kill_by == 0)
		proxy.kill_by = now_ms() + KILL_SECONDS * 1000;
	wire_put32(payload, (uint32_t)signal);
	if (outbox_put(&proxy.outbox, WIRE_SIGNAL, 0, 0, payload, sizeof(payload)) ||
	    signal == SIGKILL)
		return CONTROL_OK;
	return "the VM takes no signals at the moment: it has not read its console";
}

static void signal_event(void)
{
	struct signalfd_siginfo info;

	if (read(proxy.signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && proxy.terminal)
		send_size();
	else
		(void)deliver((int)info.ssi_signo);
}

static const char *start(int *client)
{
	/* It may have run, and ended, between the unpausing and our hearing of it. */
	if (proxy.ran)
		return CONTROL_OK;
	if (proxy.phase == OVER)
		return "cannot start a container that has stopped";
	if (proxy.starter >= 0)
		return "another start of this container is under way";
	proxy.phase = BOOTING;
	proxy.starter = *client;
	*client = -1;
	proxy.start_by = now_ms() + option.start_seconds * (int64_t)1000;
	if (proxy.suspect)
		check_silent();
	return CONTROL_OK;
}

static const char *add_exec(int *client, int *fds, size_t count)
{
	const char *problem = NULL;

	if (proxy.phase != RUNNING)
		problem = "container not running";
	if (!problem)
		problem = execs_add(&proxy.outbox, *client, fds, count);
	for (size_t i = 0; problem && i < count; i++)
		close(fds[i]);
	if (!problem)
		*client = -1;
	return problem;
}

/* One request, and the descriptors that came with it: how many they are. */
static size_t receive(int client, char words[CONTROL_MESSAGE + 1], int fds[CONTROL_FDS])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
	} control;
	struct iovec data = {.iov_base = words, .iov_len = CONTROL_MESSAGE};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(client, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	words[n > 0 ? n : 0] = '\0';
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t size = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), size);
	return size / sizeof(int);
}

static void control_event(void)
{
	char words[CONTROL_MESSAGE + 1];
	int signal, fds[CONTROL_FDS];
	int client = accept4(proxy.listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	size_t count = receive(client, words, fds);
	if (!strcmp(words, "start"))
		answer(&client, start(&client));
	else if (!strcmp(words, "exec"))
		answer(&client, add_exec(&client, fds, count));
	else if (sscanf(words, "signal %d", &signal) == 1 && signal > 0 && signal <= 64)
		answer(&client, deliver(signal));
	else
		answer(&client, "not a request");
}

/* ---- time ---- */

static int until(void)
{
	int64_t deadlines[] = {proxy.start_by, proxy.kill_by, proxy.pong_by};
	int64_t next = 0;

	for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++)
		if (deadlines[i] && (next == 0 || deadlines[i] < next))
			next = deadlines[i];
	if (next == 0 || proxy.phase == OVER)
		return -1;
	int64_t left = next - now_ms();
	return left > 0 ? (int)left + 1 : 0;
}

static bool passed(int64_t *deadline, int64_t now)
{
	if (*deadline == 0 || now < *deadline)
		return false;
	*deadline = 0;
	return true;
}

static void check_deadlines(void)
{
	int64_t now = now_ms();

	if (passed(&proxy.kill_by, now))
		end_by_signal(SIGKILL);
	if (passed(&proxy.start_by, now))
		end(255, "the VM did not report within its start time-out that the process runs");
	if (passed(&proxy.pong_by, now) && domain_is_over(proxy.domid))
		lost("the VM crashed or shut itself down");
}

/* ---- the loop ---- */

enum {
	AT_SIGNALS,
	AT_LISTENER,
	AT_XENSTORE,
	AT_RING,
	AT_SESSION,
	AT_EXECS = AT_SESSION + WIRE_STREAMS
};

static void serve(void)
{
	struct pollfd fds[AT_EXECS + EXECS_FDS] = {
		[AT_SIGNALS] = {.fd = proxy.signals, .events = POLLIN},
		[AT_LISTENER] = {.fd = proxy.listener, .events = POLLIN},
		[AT_XENSTORE] = {.fd = proxy.xs.fd, .events = POLLIN},
		[AT_RING] = {.fd = proxy.ring.shared ? proxy.ring.evtchn : -1, .events = POLLIN},
	};

	session_poll(&proxy.session, fds + AT_SESSION);
	nfds_t count = AT_EXECS + execs_poll(fds + AT_EXECS);
	if (poll(fds, count, until()) < 0)
		return;
	session_serve(&proxy.session, fds + AT_SESSION);
	execs_serve(fds + AT_EXECS);
	if (fds[AT_XENSTORE].revents)
		xenstore_event();
	if (fds[AT_RING].revents)
		ring_acknowledge(&proxy.ring);
	if (fds[AT_SIGNALS].revents)
		signal_event();
	if (fds[AT_LISTENER].revents)
		control_event();
	if (proxy.ring.shared && proxy.phase != OVER)
		read_ring();
	check_deadlines();
	execs_advance();
	if (proxy.ring.shared && proxy.phase != OVER)
		write_ring();
}

static int run(void)
{
	while (proxy.phase != OVER || !session_drained(&proxy.session) || !execs_done())
		serve();
	return proxy.status;
}

/* ---- becoming the proxy ---- */

static void write_record(void)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%u %d %llu\n", proxy.domid, getpid(),
			 host_start_time());
	int file = openat(proxy.state, CONTROL_RECORD ".tmp",
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || write(file, line, (size_t)n) != n ||
	    renameat(proxy.state, CONTROL_RECORD ".tmp", proxy.state, CONTROL_RECORD) < 0)
		fail("cannot write the proxy's record");
	close(file);
}

static void take_stdio(void)
{
	int fds[WIRE_STREAMS] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

	if (proxy.terminal) {
		int slave = terminal_open(option.console_socket, option.rows, option.columns);
		terminal_control(slave);
		dup2(slave, STDIN_FILENO);
		dup2(slave, STDOUT_FILENO);
		close(slave);
		close(CONTAINER_STDERR);
		fds[WIRE_STDERR] = -1;
	}
	session_init(&proxy.session, 0, fds, &proxy.outbox);
}

/* The last step: from here on, stderr is the container's. */
static void leave_caller(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (chdir("/") < 0)
		fail("chdir /");
	if (dup2(proxy.terminal ? null : CONTAINER_STDERR, STDERR_FILENO) < 0)
		fail("descriptor %d is to be the container's stderr", CONTAINER_STDERR);
	close(null);
	if (!proxy.terminal)
		close(CONTAINER_STDERR);
}

static void become_proxy(void)
{
	char path[XENSTORE_PATH];

	setsid();
	host_enter_netns(option.netns);
	proxy.signals = host_take_signals();
	take_stdio();
	if (ring_open(&proxy.ring, proxy.domid) < 0)
		fail("/dev/xen/evtchn, /dev/xen/gntdev (modules xen_evtchn, xen_gntdev)");
	ring_state_path(proxy.domid, path);
	if (xenstore_watch(&proxy.xs, path) < 0 || xenstore_watch(&proxy.xs, "@releaseDomain") < 0)
		fail("cannot watch xenstore");
	proxy.listener = host_listen(proxy.state, CONTROL_SOCKET);
	write_record();
	leave_caller();
}

static int take_lock(void)
{
	int lock = openat(proxy.state, CONTROL_LOCK, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		fail("cannot lock the state directory");
	return lock;
}

static const char *parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:s:n:t:")) != -1)
		switch (c) {
		case 'c':
			option.console_socket = optarg;
			break;
		case 's':
			terminal_parse_size(optarg, &option.rows, &option.columns);
			break;
		case 'n':
			option.netns = optarg;
			break;
		case 't':
			option.start_seconds = atoi(optarg);
			break;
		default:
			exit(EXIT_HELPER);
		}
	if (argc - optind != 2)
		failx("usage: proxy [options] STATE-DIRECTORY UUID");
	option.uuid = argv[optind + 1];
	return argv[optind];
}

int main(int argc, char **argv)
{
	const char *directory = parse(argc, argv);

	/* Engines leak descriptors into us (containerd's shim: its socket), which we must not keep.
	 */
	close_range(CONTAINER_STDERR + 1, ~0U, 0);
	proxy.starter = -1;
	proxy.terminal = option.console_socket != NULL;
	proxy.state = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proxy.state < 0)
		fail("%s", directory);
	int lock = take_lock();

	if (xenstore_open(&proxy.xs) < 0)
		fail("/dev/xen/xenbus (is this Xen's dom0?)");
	long domid = xenstore_domain(&proxy.xs, option.uuid);
	if (domid < 0)
		fail("no domain has the UUID %s", option.uuid);
	proxy.domid = (unsigned int)domid;
	if (ring_publish(&proxy.xs, proxy.domid) < 0)
		fail("cannot announce the console in xenstore");

	(void)guardian_start(proxy.domid, proxy.state, CONTROL_GONE, lock);
	int ready = host_go_to_background();
	become_proxy();
	host_ready(ready);
	int status = run();
	ring_disconnect(&proxy.ring);
	return status;
}
