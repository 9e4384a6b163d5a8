/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as its proxy knows it: what its guest says, what the host's users ask of it, and how
 * it ends. Moving bytes is for others: vm.h, session.h, execs.h.
 */
#ifndef RUNX_CONTAINER_H
#define RUNX_CONTAINER_H

#include "domain.h"
#include "helpers/shared/ring.h"
#include "helpers/shared/wire.h"
#include "helpers/shared/xenstore.h"
#include "session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum phase { CREATED, BOOTING, RUNNING, OVER };

/* A proxy has one. */
extern struct container {
	enum phase phase;
	bool hello;	/* the guest has spoken, and may be spoken to */
	bool ran;	/* the process was executed, whatever became of it */
	bool spoke;	/* its process has written to stdout */
	bool unread;	/* there may be more in the ring */
	bool suspect;	/* a domain ended while ours was silent; it may have been ours */
	bool killed;	/* SIGKILL was asked for: its end waits for no reader */
	bool size_owed; /* the guest has yet to get the size of the terminal */
	int status;	/* what the proxy exits with, once OVER */
	bool terminal;
	bool bare;	   /* there is no VM, and no process but this */
	int state;	   /* the state directory */
	int starter;	   /* who waits for the outcome of start, or -1 */
	int start_seconds; /* how long a started VM may take to say that its process runs */
	/* And, after SIGKILL, that it has ended: it may have to end others and sync its disks
	 * first. Then the VM goes the hard way. */
	int kill_seconds;
	unsigned int domid;
	/* Deadlines by host_now(); 0: none. xl_by is when xl is to be asked whether the VM lives.
	 */
	int64_t start_by, kill_by, pong_by, xl_by;
	struct inquiry inquiry;
	struct guardian guardian;
	struct xenstore xs;
	struct {
		unsigned int pending; /* a bit for each question whose answer is to come */
		bool released;	      /* a domain's end is why they were asked */
		long ref, port;	      /* of the guest's console */
	} store;		      /* vm.c's, what xenstore is asked */
	struct ring ring;
	struct wire_input input;
	struct outbox outbox;
	struct session session;
} container;

/*
 * It is over, for the reason `how`; what the guest has sent is still delivered before the proxy
 * exits. A start that waits is told `how`, unless its process did run. Nothing, where it was over.
 */
void container_end(int status, const char *how);
void container_misbehaved(void);

/* A frame from the guest. False: it may not come now, or not at all. */
bool container_frame(const struct wire_frame *frame);

/*
 * Requests of the host's users. They return what to answer; a client that they keep, to answer it
 * later, becomes -1.
 */
const char *container_start(int *client);
/* To its process, or to all of its processes. */
const char *container_signal(int signal, bool all);
/* With these descriptors, which are taken where it returns NULL. */
const char *container_exec(int *client, const int *fds, size_t count);

/* Tells the guest what size the terminal has, as soon as there is room for that. */
void container_send_size(void);

/* What has taken too long, by `now`. */
void container_check_deadlines(int64_t now);

/* True where the deadline is past; there is none then. */
bool deadline_passed(int64_t *deadline, int64_t now);

/* Sends `words` to a client, if it is one, and hangs up. */
void answer(int *client, const char *words);

#endif
