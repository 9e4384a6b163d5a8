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
 * Bytes of a turn, a multiple of any ring: a guest that writes as fast as we read must not keep us
 * from signals, requests and deadlines.
 */
#define TURN_BYTES 65536

/* ---- its console ---- */

/* Whether all that is there were frames that may come. */
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

/* The VM is no more. What it had written before stays in the ring, which we have mapped. */
static void lost(const char *how)
{
	if (container.ring.shared)
		vm_read();
	container_end(255, how);
}

/*
 * Some domain ended, maybe ours: xenstore does not tell which (before Xen 4.22), and a crashed one
 * keeps its nodes. A guest that can still answer need not be asked of xl, which costs more. What it
 * said before is no answer, and one that reads nothing, so that no ping fits, gives none.
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
 * A guest that has said nothing yet cannot be asked. One whose start has not been announced either
 * may have crashed already, between the unpausing and our hearing of it: then we look again.
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
