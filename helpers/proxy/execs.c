/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If an exec proxy dies, its process is killed, as with the container's proxy. An exec proxy is
 * told the outcome only when all output has been delivered, because engines wait for the exec
 * proxy's end.
 */
#include "execs.h"

#include "helpers/shared/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct exec {
	struct session session;
	int client;	 /* -1: the exec proxy is gone, and the process must end */
	int description; /* the guest still gets the rest of it; -1: it has all */
	bool started, killed, over;
	int status;
};

static struct exec *execs[WIRE_SESSIONS];
static unsigned int exec_count = 1; /* all ids from here on are free */

static unsigned int free_id(void)
{
	unsigned int id = 1;

	while (id < WIRE_SESSIONS && execs[id])
		id++;
	return id;
}

const char *execs_add(struct outbox *box, int client, const int *fds, size_t count)
{
	unsigned int id = free_id();
	int stdio[WIRE_STREAMS] = {-1, -1, -1};

	if (count < 3 || count > 4)
		return "exec needs 3 or 4 descriptors: description, stdin, stdout, stderr";
	if (id == WIRE_SESSIONS)
		return "too many processes have joined this container (at most 63 at a time)";
	/* The description is read in one go, and that must not wait. */
	struct stat st;
	if (fstat(fds[0], &st) < 0 || !S_ISREG(st.st_mode))
		return "exec: the description of the process is not a file";
	struct exec *e = calloc(1, sizeof(*e));
	if (!e)
		return "no memory for another process";
	memcpy(stdio, fds + 1, (count - 1) * sizeof(int));
	session_init(&e->session, id, stdio, box);
	e->client = client;
	e->description = fds[0];
	e->session.unknown = true;
	execs[id] = e;
	if (id >= exec_count)
		exec_count = id + 1;
	return NULL;
}

/* ---- to the guest ---- */

static void send_description(struct exec *e)
{
	uint8_t piece[WIRE_PAYLOAD];

	while (e->description >= 0 && outbox_has_room(e->session.box)) {
		ssize_t n = read(e->description, piece, sizeof(piece));
		size_t length = n > 0 ? (size_t)n : 0;
		outbox_put_room(e->session.box, WIRE_EXEC, 0, e->session.id, piece, length);
		if (length == 0) {
			close(e->description);
			e->description = -1;
			e->session.unknown = false;
		}
	}
}

static bool send_words(struct exec *e, enum wire_type type, uint32_t first, uint32_t second)
{
	uint8_t payload[8];

	wire_put32(payload, first);
	wire_put32(payload + 4, second);
	return outbox_put(e->session.box, type, 0, e->session.id, payload,
			  type == WIRE_SIGNAL ? 4 : 8);
}

static bool kill_is_owed(const struct exec *e)
{
	return e->client < 0 && e->description < 0 && !e->over && !e->killed;
}

/* The guest must know the process first. If the outbox has no room, the next turn tries again. */
static void kill_abandoned(struct exec *e)
{
	if (kill_is_owed(e))
		e->killed = send_words(e, WIRE_SIGNAL, SIGKILL, 0);
}

/* ---- its client ---- */

static void tell(struct exec *e, const char *words)
{
	if (e->client >= 0)
		(void)send(e->client, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void drop_client(struct exec *e)
{
	if (e->client >= 0)
		close(e->client);
	e->client = -1;
}

/* A process that has ended takes no words, and the end of its client needs no room. */
static bool hears_client(const struct exec *e)
{
	return e->over || (outbox_has_room(e->session.box) && e->description < 0);
}

/* Takes nothing that the outbox has no room for: others may have filled it since execs_poll(). */
static void client_event(struct exec *e)
{
	char words[CONTROL_MESSAGE + 1];
	unsigned int first, second;

	if (!hears_client(e))
		return;
	ssize_t n = recv(e->client, words, CONTROL_MESSAGE, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client(e);
		session_abandon(&e->session);
		return;
	}
	words[n] = '\0';
	if (e->over)
		return;
	if (sscanf(words, "signal %u", &first) == 1 && first > 0 && first <= 64)
		(void)send_words(e, WIRE_SIGNAL, first, 0);
	else if (sscanf(words, "size %u %u", &first, &second) == 2)
		(void)send_words(e, WIRE_WINSIZE, first, second);
}

/* ---- from the guest ---- */

static void end(struct exec *e, int status)
{
	e->over = true;
	e->status = status;
	session_end(&e->session);
}

static bool failed(struct exec *e, const struct wire_frame *frame)
{
	char words[CONTROL_MESSAGE] = "unable to start container process: ";
	size_t used = strlen(words);

	wire_text(frame, words + used, sizeof(words) - used);
	tell(e, words);
	drop_client(e);
	end(e, 255);
	return true;
}

bool execs_frame(const struct wire_frame *frame)
{
	struct exec *e = frame->session < WIRE_SESSIONS ? execs[frame->session] : NULL;
	int status = (int)wire_word(frame, 0);

	if (!e || e->over)
		return false;
	switch (frame->type) {
	case WIRE_STARTED:
		if (e->started || e->description >= 0)
			return false;
		e->started = true;
		tell(e, CONTROL_OK);
		return true;
	case WIRE_FAILED:
		return !e->started && failed(e, frame);
	case WIRE_EXITED:
		end(e, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		return e->started;
	default:
		return session_frame(&e->session, frame, e->started);
	}
}

/* ---- all of them ---- */

static void forget(unsigned int id)
{
	struct exec *e = execs[id];
	char words[32];

	snprintf(words, sizeof(words), "exited %d", e->status);
	tell(e, words);
	drop_client(e);
	session_abandon(&e->session);
	if (e->description >= 0)
		close(e->description);
	free(e);
	execs[id] = NULL;
	while (exec_count > 1 && !execs[exec_count - 1])
		exec_count--;
}

size_t execs_poll(struct pollfd *fds)
{
	struct pollfd *at = fds;

	for (unsigned int id = 1; id < exec_count; id++) {
		struct exec *e = execs[id];
		if (!e)
			continue;
		session_poll(&e->session, at);
		at[WIRE_STREAMS] =
			(struct pollfd){.fd = hears_client(e) ? e->client : -1, .events = POLLIN};
		at += WIRE_STREAMS + 1;
	}
	return (size_t)(at - fds);
}

void execs_serve(const struct pollfd *fds)
{
	const unsigned int count = exec_count;

	for (unsigned int id = 1; id < count; id++) {
		struct exec *e = execs[id];
		if (!e)
			continue;
		session_serve(&e->session, fds);
		if (fds[WIRE_STREAMS].revents)
			client_event(e);
		fds += WIRE_STREAMS + 1;
	}
}

void execs_advance(void)
{
	const unsigned int count = exec_count;

	for (unsigned int id = 1; id < count; id++) {
		struct exec *e = execs[id];
		if (!e)
			continue;
		send_description(e);
		kill_abandoned(e);
		if (e->over && session_drained(&e->session))
			forget(id);
	}
}

/* As under runc, where the end of a PID namespace kills all processes in it. */
void execs_end(void)
{
	for (unsigned int id = 1; id < exec_count; id++)
		if (execs[id] && !execs[id]->over)
			end(execs[id], 128 + SIGKILL);
}

bool execs_owe(void)
{
	for (unsigned int id = 1; id < exec_count; id++) {
		const struct exec *e = execs[id];
		if (e && (e->description >= 0 || kill_is_owed(e) || session_owes(&e->session)))
			return true;
	}
	return false;
}

bool execs_done(void)
{
	return exec_count == 1;
}
