/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy and its guardian do with the domain through xl. */
#ifndef RUNX_DOMAIN_H
#define RUNX_DOMAIN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs `xl destroy` for up to `seconds`, and waits for it. Returns true if xl reports success. */
bool domain_destroy(unsigned int domid, unsigned int seconds);

/*
 * A question to xl: does the domain live? xl runs in a child, for INQUIRY_SECONDS at most, and the
 * caller does not wait for it.
 */
#define INQUIRY_SECONDS 30
#define INQUIRY_FDS	2

enum inquiry_result {
	INQUIRY_PENDING,
	INQUIRY_ALIVE,
	INQUIRY_ENDED, /* it has shut itself down or crashed, and still holds its memory */
	INQUIRY_GONE,  /* it is not there, or is dying */
	INQUIRY_FAILED /* xl itself failed, which says nothing about the domain */
};

struct inquiry {
	pid_t pid;		  /* 0: xl does not run */
	int output, end;	  /* xl's stdout, and a pidfd that is readable once xl has ended */
	int64_t by;		  /* when xl is killed, by host_now() (ms) */
	enum inquiry_result said; /* what the lines say about the domain so far */
	size_t used;		  /* bytes of the current line in `line` */
	char line[512];
};

/*
 * Runs `xl list`. Returns 0, also if an inquiry runs already, or -1 with errno if xl cannot be
 * started.
 */
int inquiry_start(struct inquiry *q);

/* Sets INQUIRY_FDS entries for poll(2). */
void inquiry_poll(const struct inquiry *q, struct pollfd *fds);

/*
 * Takes what xl has written so far. After each result but INQUIRY_PENDING, the inquiry may be
 * started again.
 */
enum inquiry_result inquiry_take(struct inquiry *q, unsigned int domid);

/* The same for a caller that may wait. Never returns INQUIRY_PENDING. */
enum inquiry_result inquiry_wait(struct inquiry *q, unsigned int domid);

/*
 * Forks the guardian: a process that waits until the caller ends in any way (SIGKILL leaves the
 * caller no code to run), or closes the lifeline. The guardian then destroys the domain, again and
 * again until that succeeds, and removes what the domain had in xenstore. Once the domain is gone,
 * it makes the file `mark` in the directory of the descriptor `state`. It keeps the descriptor
 * `lock` open as long as it lives. Ends the program with EXIT_HELPER if the guardian cannot be
 * started.
 */
struct guardian {
	int lifeline; /* the caller's to keep: closed, also by its death, it sets the guardian off
		       */
	int end;      /* a pidfd, readable once the guardian has ended */
};

struct guardian guardian_start(unsigned int domid, int state, const char *mark, int lock);

#endif
