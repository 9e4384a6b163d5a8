/* SPDX-License-Identifier: Apache-2.0 */
/* The names in the state directory by which runX's commands and its proxy find each other. */
#ifndef RUNX_CONTROL_H
#define RUNX_CONTROL_H

#define CONTROL_SOCKET	"control" /* SOCK_SEQPACKET, all text: a request, then its answer */
#define CONTROL_LOCK	"lock"	  /* flock: the proxy, its guardian or oom.c's child lives */
#define CONTROL_NO_VM	"-"	  /* the domid in the record of a pod's sandbox */
#define CONTROL_RECORD	"proxy"	  /* "domid pid start-time\n", complete once the file exists */
#define CONTROL_STARTED "started" /* "start pid start-time\n", or empty if run started it */
/*
 * The record of the file server: as the proxy's, and a second line of CONTROL_REASON bytes, where
 * the server says why it ends.
 */
#define CONTROL_FILES	"files"
#define CONTROL_REASON	128
#define CONTROL_GONE	"destroyed" /* exists once the guardian has destroyed the domain */
#define CONTROL_REMOVED "removed"   /* exists once delete has begun */
#define CONTROL_ENDED	"ended"	    /* one line: how the container ended */

#define CONTROL_MESSAGE 512 /* most bytes of a request or an answer */
#define CONTROL_FDS	4   /* most descriptors that may come with a request */
/*
 * The answer to a request that succeeded. Every other answer is an error text. The two cannot be
 * confused, because the proxy replaces control characters in the guest's words.
 */
#define CONTROL_OK "\006"
/* Comes before the answer to "start": the answer comes within so many seconds, in digits. */
#define CONTROL_WAIT "\005"

#endif
