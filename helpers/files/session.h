/* SPDX-License-Identifier: Apache-2.0 */
/* 9P2000.L sessions of one share: requests in, answers out. It knows no transport. */
#ifndef RUNX_FILES_SESSION_H
#define RUNX_FILES_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One for each device: the fids of one share. */
struct session;

/* Where answers of deferred requests go: a ring, or a test's socket. */
struct channel {
	/*
	 * Sends an answer of `size` bytes, whole. Any thread may call it, also while
	 * session_request() runs. It may not call the session.
	 */
	void (*answer)(struct channel *channel, const uint8_t *message, size_t size);
};

/* What one guest may hold. Zero stands for the default. */
struct session_limits {
	size_t fids;	    /* 131072 */
	size_t descriptors; /* 12288: files that are known and not opened; more are closed meanwhile
			     */
	size_t opens;	    /* 16384: opened files and lock owners */
	size_t ranges;	    /* 4096: locked ranges */
	size_t waiting;	    /* 64: requests that wait for a lock or a disk, each in a thread */
	size_t xattr_bytes; /* 4 MiB: values of extended attributes on their way */
};

/* Least stack of a thread that calls session_request(), in bytes. */
#define SESSION_STACK 65536

/* The least and the most msize. */
#define SESSION_MSIZE_LEAST 4096
#define SESSION_MSIZE_MOST  (1 << 20)

/*
 * Sets for the whole process what the core needs: umask 0, the working directory `proc` (see
 * below), SECBIT_NO_SETUID_FIXUP (so setfsuid(2) takes no capability away), SIGXFSZ ignored and a
 * handler for SIGUSR1, by which a wait for a lock is given up. Call it before there are threads and
 * while CAP_SETPCAP is held. The threads that call session_request() block SIGUSR1.
 * Returns 0, or -1 with errno.
 *
 * Afterwards the core needs CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
 * CAP_FSETID, CAP_SETUID, CAP_SETGID, CAP_MKNOD and CAP_SETFCAP; CAP_SYS_ADMIN only for trusted.*
 * attributes, CAP_LEASE and CAP_SYS_RESOURCE never (with the latter no quota would hold).
 *
 * Of the system calls that change or find files it makes openat, openat2, open_by_handle_at,
 * name_to_handle_at, readlinkat, mkdirat, mknodat, symlinkat, linkat, unlinkat, renameat, fchownat,
 * fchmodat, utimensat, truncate, ftruncate, setxattr, getxattr, listxattr and removexattr; and
 * besides those of descriptors flock, setfsuid, setfsgid, and tgkill.
 */
int session_prepare(int proc);

/*
 * Makes a session. `root` is an O_PATH descriptor of the share's root, `proc` one of the directory
 * /proc/self/fd of this process. `msize` is the most that the transport takes, in bytes. The caller
 * keeps both descriptors open until session_end(). Returns NULL with errno if it fails.
 */
struct session *session_new(int root, int proc, size_t msize, const struct session_limits *limits);

/*
 * Does one request. `message` is a private copy, never the ring. `size` is at least 7 and equals
 * the size field of the message. Writes the answer to `reply`, which has room for msize bytes, and
 * returns its size. Returns 0 if the answer comes, or came, by channel->answer(). Returns -1 if the
 * peer broke the protocol so badly that the device must be closed. Several threads may call it at
 * once. Requests that one thread passes one after the other are done in this order.
 * The channel must stay until session_end() returns.
 */
ssize_t session_request(struct session *session, struct channel *channel, const uint8_t *message,
			size_t size, uint8_t *reply);

/*
 * Gives up what waits, closes everything and frees the session. No thread may be in
 * session_request(). Deferred answers may come until it returns.
 */
void session_end(struct session *session);

#endif
