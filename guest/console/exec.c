/* SPDX-License-Identifier: Apache-2.0 */
#include "exec.h"

#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The pieces received so far, for each session id. */
static struct description {
	char *bytes;
	size_t used;
} descriptions[WIRE_SESSIONS];

static void forget(struct description *d)
{
	free(d->bytes);
	*d = (struct description){0};
}

/* Without memory the pieces are dropped. spec_join() then finds the description incomplete. */
static void add(struct description *d, const struct wire_frame *frame)
{
	char *bytes = realloc(d->bytes, d->used + frame->length);

	if (!bytes) {
		forget(d);
		return;
	}
	d->bytes = bytes;
	memcpy(d->bytes + d->used, frame->payload, frame->length);
	d->used += frame->length;
}

static struct session *start(const struct spec *spec, pid_t container, unsigned int id)
{
	struct child child;
	struct session *s = calloc(1, sizeof(*s));

	if (!s || child_start(spec, container, &child) < 0) {
		io_send_failure(id, errno, "the VM cannot start another process");
		free(s);
		return NULL;
	}
	session_init(s, id, &child);
	return s;
}

struct session *exec_frame(const struct spec *spec, pid_t container, const struct wire_frame *frame)
{
	struct description *d = &descriptions[frame->session];
	struct session *s = NULL;
	struct spec joined;

	if (frame->length > 0) {
		add(d, frame);
		return NULL;
	}
	const char *problem = spec_join(spec, d->bytes, d->used, &joined);
	if (container <= 0)
		problem = "container not running";
	if (problem)
		io_send_failure(frame->session, EINVAL, problem);
	else
		s = start(&joined, container, frame->session);
	spec_release(&joined);
	forget(d);
	return s;
}
