/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy and its guardian ask of xl. */
#ifndef RUNX_DOMAIN_H
#define RUNX_DOMAIN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs `xl destroy`; true when xl says that it did. */
bool domain_destroy(unsigned int domid);

/*
 * A question to xl: does the domain live? xl runs in a child, for INQUIRY_SECONDS at most, and
 * nobody waits for it.
 */
#define INQUIRY_SECONDS 30
#define INQUIRY_FDS	2

struct inquiry {
	pid_t pid;	 /* 0: xl does not run */
	int output, end; /* its stdout; a pidfd, readable once it has ended */
	int64_t by;	 /* when it is killed, by host_now() */
	bool alive;	 /* it has listed the domain as one that lives */
	size_t used;	 /* of `line`, what has come of one */
	char line[512];
};

enum inquiry_result { INQUIRY_PENDING, INQUIRY_ALIVE, INQUIRY_OVER, INQUIRY_FAILED };

/* Runs `xl list`. -1 with errno where it cannot be started. One that runs already goes on. */
int inquiry_start(struct inquiry *q);

/* What to poll() for, in INQUIRY_FDS entries. */
void inquiry_poll(const struct inquiry *q, struct pollfd *fds);

/*
 * Takes what xl has said by now. INQUIRY_OVER: the domain shut itself down, crashed, or is no more.
 * INQUIRY_FAILED: xl itself failed, which says nothing of the domain. After each result but
 * INQUIRY_PENDING it may be started again.
 */
enum inquiry_result inquiry_take(struct inquiry *q, unsigned int domid);

/* The same for who may wait. */
enum inquiry_result inquiry_wait(struct inquiry *q, unsigned int domid);

/*
 * Forks the guardian: a process that waits for the caller to end, in whatever way (SIGKILL leaves
 * no code to run), and then destroys the domain and what it had in xenstore, again and again until
 * that succeeds. It leaves `mark` as a file in `state` when done, and keeps `lock` open as long as
 * it lives.
 */
struct guardian {
	int lifeline; /* the caller's to keep: closed, also by its death, it sets the guardian off
		       */
	int end;      /* a pidfd, readable once the guardian has ended */
};

struct guardian guardian_start(unsigned int domid, int state, const char *mark, int lock);

#endif
