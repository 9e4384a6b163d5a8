/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include "container.h"
#include "domain.h"
#include "helpers/shared/host.h"

#include <errno.h>
#include <stdio.h>

/* An idle guest answers a ping in well under a second, also under emulation. */
#define PING_SECONDS 1
/*
 * Most bytes that are read in a turn, a multiple of any ring's size. A guest that writes as fast as
 * we read must not keep us from signals, requests and deadlines.
 */
#define TURN_BYTES 65536

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
		(void)outbox_put(&container.outbox, WIRE_PING, 0, 0, NULL, 0);
		container.pong_by = host_now() + PING_SECONDS * 1000;
	}
	container.suspect = !container.hello;
}

static void check_domain(void)
{
	char path[XENSTORE_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/domid", container.domid);
	if (xenstore_number(&container.xs, path) < 0 && errno == ENOENT)
		lost("the VM was destroyed from outside");
	else if (container.xs.released)
		check_alive();
	container.xs.released = false;
}

void vm_event(void)
{
	if (!xenstore_events(&container.xs) || container.phase == OVER)
		return;
	if (!container.ring.shared && ring_connect(&container.ring, &container.xs) < 0)
		container_end(255, "cannot connect to the VM's console");
	check_domain();
}

/*
 * A guest that has said nothing yet cannot be asked. It may also have crashed before its start was
 * announced, between the unpause and the request. Then the proxy looks once the start is announced.
 */
static void check_silent(void)
{
	if (!container.suspect || container.phase != BOOTING)
		return;
	container.suspect = false;
	if (domain_is_over(container.domid))
		lost("the VM crashed while it booted");
}

void vm_check(int64_t now)
{
	check_silent();
	if (deadline_passed(&container.pong_by, now) && domain_is_over(container.domid))
		lost("the VM crashed or shut itself down");
}
