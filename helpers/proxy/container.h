/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as its proxy knows it: what its guest says, what the host's users ask for, and how it
 * ends. vm.h, session.h and execs.h move the bytes.
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
#include <sys/types.h>

enum phase { CREATED, BOOTING, RUNNING, OVER };

/* The one container of this proxy. */
extern struct container {
	enum phase phase;
	bool hello;	/* the guest has sent HELLO, so the host may send */
	bool ran;	/* the process was executed, whatever became of it */
	bool spoke;	/* the process has written to stdout */
	bool unread;	/* the ring may have more bytes */
	bool suspect;	/* a domain ended while our guest was silent; it may have been ours */
	bool killed;	/* somebody asked for SIGKILL: the end waits for no reader */
	bool size_owed; /* the guest does not have the terminal's size yet */
	int status;	/* exit status of the proxy, once phase is OVER */
	bool terminal;
	bool bare;	   /* a pod's sandbox: no VM, and no process except the proxy */
	int state;	   /* descriptor of the state directory */
	int lock;	   /* descriptor of CONTROL_LOCK, which is locked */
	int starter;	   /* client that waits for the outcome of start, or -1 */
	int start_seconds; /* how long a started VM may take to report its process */
	/*
	 * How long the VM may take to report the process's end after SIGKILL. It may have to end
	 * other processes and sync its disks first. After that time, the VM is destroyed.
	 */
	int kill_seconds;
	unsigned int domid;
	/* Deadlines by host_now() (ms); 0: none. At xl_by, xl is asked if the VM lives. */
	int64_t start_by, kill_by, pong_by, xl_by;
	struct inquiry inquiry;
	struct guardian guardian;
	const char *group; /* the directory of its control group on the host, or NULL */
	int files; /* a pidfd of the VM's file server, or -1 if there is none or it has ended */
	struct xenstore xs;
	struct {
		unsigned int wanted; /* a bit for each question that is still to be asked */
		unsigned int asked;  /* the question whose answer is to come, or 0 */
		bool released;	     /* a domain's end is why they were asked */
		long ref, port;	     /* of the guest's console */
	} store;		     /* vm.c's, what xenstore is asked */
	struct {
		int set;      /* readable once somebody has set the host's clock; -1: no VM */
		bool owed;    /* the guest is to be told the time */
		bool asked;   /* its answer to CLOCK is to come */
		int64_t sent; /* when it was last told, by host_now() */
	} clock;	      /* clock.c's */
	struct {
		bool owed;	  /* a kill is still to be shown there */
		pid_t pid;	  /* of the process that shows one */
		int marker;	  /* its pidfd, or -1 */
		int64_t next, by; /* when the next may be shown, and this must be, by host_now() */
	} oom;			  /* oom.c's */
	struct ring ring;
	struct wire_input input;
	struct outbox outbox;
	struct session session;
} container;

/*
 * Ends the container for the reason `how`, one line of text. The proxy will exit with `status`, but
 * what the guest has sent is still delivered first. `how` goes to the file CONTROL_ENDED and to a
 * client that still waits for start. Does nothing if the container is over already.
 */
void container_end(int status, const char *how);

/* Ends the container with status 255, because its guest broke the console protocol. */
void container_misbehaved(void);

/* Handles a frame from the guest. Returns false if the frame may not come now, or not at all. */
bool container_frame(const struct wire_frame *frame);

/*
 * The request start: the proxy waits for the guest's report that the process runs. Returns what to
 * answer now, CONTROL_OK or an error text. If the client has to wait for the report, this keeps it
 * for a later answer and sets *client to -1.
 */
const char *container_start(int *client);
/*
 * The request signal: sends the signal (1 to 64) to the container's process, or with `all` to all
 * of its processes. Before the process runs, a signal that would end it ends the container. After
 * the end, SIGKILL makes the proxy exit at once. Returns what to answer, CONTROL_OK or an error
 * text.
 */
const char *container_signal(int signal, bool all);
/*
 * The request exec: adds a process with `count` descriptors (execs_add()). Returns NULL if it took
 * the client and the descriptors (*client is then -1), otherwise an error text.
 */
const char *container_exec(int *client, const int *fds, size_t count);

/* Tells the guest the size of the container's terminal, as soon as the outbox has room. */
void container_send_size(void);

/*
 * Ends the container if the guest has missed a deadline of start or SIGKILL. `now` is host_now().
 */
void container_check_deadlines(int64_t now);

/* Returns true if the deadline has passed at `now`, and then sets it to 0 (none). */
bool deadline_passed(int64_t *deadline, int64_t now);

/* Sends `words` to the client and closes it, unless *client is -1. Sets *client to -1. */
void answer(int *client, const char *words);

#endif
