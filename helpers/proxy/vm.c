/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include "container.h"
#include "domain.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* An idle guest answers a ping in well under a second, also under emulation. */
#define PING_SECONDS 1
/* How often xl is asked about a guest that does not answer, at most. It costs a process. */
#define XL_SECONDS 10
/*
 * Most bytes that are read in a turn, a multiple of any ring's size. A guest that writes as fast as
 * we read must not keep us from signals, requests and deadlines.
 */
#define TURN_BYTES 65536
/* How often we look for the file server's record, if nothing tells us of it. */
#define LOOK_MS 10
/* Answers of xenstore that one turn takes, for the same reason. */
#define TURN_ANSWERS 16

/* ---- its console ---- */

/*
 * Takes all whole frames. Returns false if one of them may not come, or if the bytes are no frame.
 */
static bool take_frames(void)
{
	struct wire_frame frame;
	int whole = 0;

	while (container.phase != OVER && (whole = wire_next(&container.input, &frame)) > 0) {
		if (!container_frame(&frame))
			return false;
		wire_drop(&container.input, &frame);
	}
	return whole >= 0;
}

void vm_read(void)
{
	size_t room, all = 0;
	ssize_t n;

	do {
		uint8_t *space = wire_space(&container.input, &room);
		n = ring_read(&container.ring, space, room);
		if (n > 0)
			wire_received(&container.input, (size_t)n);
		if (n < 0 || !take_frames())
			container_misbehaved();
		all += n > 0 ? (size_t)n : 0;
	} while (n > 0 && all < TURN_BYTES && container.phase != OVER);
	container.unread = n > 0;
}

void vm_write(void)
{
	struct outbox *box = &container.outbox;
	ssize_t n = 1;

	while (container.hello && box->used > 0 && n > 0) {
		size_t chunk = sizeof(box->bytes) - box->head;
		n = ring_write(&container.ring, box->bytes + box->head,
			       chunk < box->used ? chunk : box->used);
		if (n < 0) {
			container_misbehaved();
			return;
		}
		box->used -= (size_t)n;
		box->head = box->used ? (box->head + (size_t)n) % sizeof(box->bytes) : 0;
	}
}

/* ---- whether it is there ---- */

/* The VM is gone. What it wrote before is still in the ring, which we have mapped. */
static void lost(const char *how)
{
	if (container.ring.shared)
		vm_read();
	container_end(255, how);
}

/*
 * Some domain ended, maybe ours. xenstore does not tell which one (before Xen 4.22), and a crashed
 * domain keeps its nodes. xl would know, but it costs more than a PING to the guest. Only what the
 * guest says after the PING is an answer, so the ring is read first. A guest that reads nothing
 * leaves no room for the PING, and so gives no answer.
 */
static void check_alive(void)
{
	if (container.ring.shared)
		vm_read();
	if (container.hello && container.pong_by == 0) {
		container.pong_by = host_now() + PING_SECONDS * 1000;
		if (!outbox_put(&container.outbox, WIRE_PING, 0, 0, NULL, 0))
			container.pong_by = host_now();
	}
	container.suspect = !container.hello;
}

/* Has xl asked now, or XL_SECONDS after it was asked last. */
static void ask_xl(int64_t now)
{
	int64_t earliest = container.inquiry.by + (XL_SECONDS - INQUIRY_SECONDS) * (int64_t)1000;

	if (container.xl_by == 0)
		container.xl_by = container.inquiry.by && earliest > now ? earliest : now;
}

static void take_inquiry(int64_t now)
{
	switch (inquiry_take(&container.inquiry, container.domid)) {
	case INQUIRY_ENDED:
	case INQUIRY_GONE:
		lost(container.hello ? "the VM crashed or shut itself down"
				     : "the VM crashed while it booted");
		break;
	case INQUIRY_FAILED:
		ask_xl(now);
		break;
	default:
		break;
	}
}

/*
 * A guest that has said nothing yet cannot be asked. It may also have crashed before its start was
 * announced, between the unpause and the request. Then the proxy looks once the start is announced.
 */
static void check_silent(int64_t now)
{
	if (!container.suspect || container.phase != BOOTING)
		return;
	container.suspect = false;
	ask_xl(now);
}

void vm_check(int64_t now)
{
	if (container.phase == OVER)
		return;
	if (container.inquiry.pid)
		take_inquiry(now);
	check_silent(now);
	if (deadline_passed(&container.pong_by, now))
		ask_xl(now);
	if (container.xl_by && container.xl_by <= now && !container.inquiry.pid) {
		container.xl_by = 0;
		container.inquiry.by = now + INQUIRY_SECONDS * (int64_t)1000;
		if (inquiry_start(&container.inquiry) < 0)
			ask_xl(now);
	}
}

/* ---- what xenstore says of it ---- */

/* The questions, in the order in which they are asked. Each is the id of its answer. */
enum question { STATE = 1, RING_REF, PORT, DATA_REFS, CONNECT, DOMID, QUESTIONS };

static void question_path(enum question question, char path[XENSTORE_PATH])
{
	static const char *const names[QUESTIONS] = {[STATE] = "state",
						     [RING_REF] = "ring-ref",
						     [PORT] = "port",
						     [DATA_REFS] = "data-refs"};

	if (question == DOMID)
		snprintf(path, XENSTORE_PATH, "/local/domain/%u/domid", container.domid);
	else if (question == CONNECT)
		ring_backend_path(container.domid, "state", path);
	else
		ring_frontend_path(container.domid, names[question], path);
}

/*
 * Asks the next question, if no answer is to come. Linux keeps one request for each descriptor, and
 * a second one overwrites it before xenstored has it (xenbus_dev_request_and_reply, seen in 6.12:
 * xenstored ended).
 */
static void ask_next(void)
{
	char path[XENSTORE_PATH];
	enum question next = STATE;

	if (container.store.asked || !container.store.wanted || container.phase == OVER)
		return;
	while (!(container.store.wanted & 1U << next))
		next++;
	question_path(next, path);
	container.store.wanted &= ~(1U << next);
	container.store.asked = next;
	if (xenstore_ask(&container.xs, path, next == CONNECT ? BACKEND_CONNECTED : NULL, next) < 0)
		container_end(255, "cannot ask xenstore about the VM");
}

static void want(enum question question)
{
	container.store.wanted |= 1U << question;
}

/* Asks anew after watch events. Events that come while answers are pending lead to one more turn.
 */
static void ask_again(void)
{
	if (!container.xs.changed || container.store.asked || container.store.wanted)
		return;
	container.store.released = container.xs.released;
	container.xs.changed = container.xs.released = false;
	if (!container.ring.shared)
		want(STATE);
	want(DOMID);
}

static void connect_console(const struct xenstore_answer *data)
{
	if ((data->length < 0 && data->error != ENOENT) ||
	    ring_connect(&container.ring, container.store.ref, container.store.port,
			 data->length < 0 ? NULL : data->value) < 0) {
		container_end(255, "cannot connect to the VM's console");
		return;
	}
	want(CONNECT);
}

static void take_answer(const struct xenstore_answer *answer)
{
	container.store.asked = 0;
	switch ((enum question)answer->id) {
	case STATE:
		if (xenstore_answer_number(answer) != BACKEND_INITIALISED)
			break;
		want(RING_REF);
		want(PORT);
		want(DATA_REFS);
		break;
	case RING_REF:
		container.store.ref = xenstore_answer_number(answer);
		break;
	case PORT:
		container.store.port = xenstore_answer_number(answer);
		break;
	case DATA_REFS:
		connect_console(answer);
		break;
	case CONNECT:
		if (answer->length < 0)
			container_end(255, "cannot connect to the VM's console");
		break;
	case DOMID:
		if (answer->length < 0 && answer->error == ENOENT)
			lost("the VM was destroyed from outside");
		else if (container.store.released)
			check_alive();
		break;
	case QUESTIONS:
		break;
	}
}

void vm_event(void)
{
	struct xenstore_answer answer;
	int got = 1;

	for (int i = 0; i < TURN_ANSWERS && got > 0 && container.phase != OVER; i++) {
		got = xenstore_next(&container.xs, &answer);
		if (got > 0)
			take_answer(&answer);
		ask_again();
		ask_next();
	}
	if (got < 0)
		container_end(255, "cannot read what xenstore says of the VM");
}

/* ---- its file server ---- */

/*
 * Takes the second line of the record, where the server says how it ended. A server that somebody
 * has taken over may have written anything there.
 */
static void read_reason(char reason[CONTROL_REASON])
{
	char record[64 + CONTROL_REASON] = "";
	int file = openat(container.state, CONTROL_FILES, O_RDONLY | O_CLOEXEC);
	ssize_t n = file >= 0 ? read(file, record, sizeof(record) - 1) : -1;

	if (file >= 0)
		close(file);
	record[n > 0 ? n : 0] = '\0';
	const char *line = strchr(record, '\n');
	snprintf(reason, CONTROL_REASON, "%s", line ? line + 1 : "");
	reason[strcspn(reason, "\n")] = '\0';
	for (char *at = reason; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	if (!*reason)
		snprintf(reason, CONTROL_REASON, "the file server of the VM crashed or was killed");
}

/* The file server starts beside the proxy. Its record is complete once it is there (a rename). */
static void await_record(void)
{
	char directory[32], events[4096];
	int watch = inotify_init1(IN_CLOEXEC);

	snprintf(directory, sizeof(directory), "/proc/self/fd/%d/.", container.state);
	if (watch >= 0 && inotify_add_watch(watch, directory, IN_MOVED_TO) < 0)
		fail("cannot watch the state directory");
	/* A user has 128 instances of inotify, and others may have taken all. Then we look often.
	 */
	while (faccessat(container.state, CONTROL_FILES, F_OK, 0) < 0)
		if (watch < 0)
			(void)poll(NULL, 0, LOOK_MS);
		else if (read(watch, events, sizeof(events)) < 0)
			fail("cannot watch the state directory");
	if (watch >= 0)
		close(watch);
}

void vm_find_files(bool wait)
{
	char reason[CONTROL_REASON];

	if (wait)
		await_record();
	container.files = host_open_recorded(container.state, CONTROL_FILES);
	if (container.files < 0 && errno != ESRCH)
		fail("cannot watch the file server");
	if (container.files >= 0 || faccessat(container.state, CONTROL_FILES, F_OK, 0) < 0)
		return;
	read_reason(reason);
	failx("%s", reason);
}

void vm_files_ended(void)
{
	char reason[CONTROL_REASON];

	close(container.files);
	container.files = -1;
	if (container.phase == OVER)
		return;
	read_reason(reason);
	lost(reason);
}

/* ---- its end ---- */

void vm_leave(void)
{
	if (container.guardian.lifeline < 0)
		return;
	ring_disconnect(&container.ring);
	close(container.xs.fd);
	container.xs.fd = -1;
	close(container.clock.set);
	container.clock.set = -1;
	close(container.guardian.lifeline);
	container.guardian.lifeline = -1;
}
