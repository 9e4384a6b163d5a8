/* SPDX-License-Identifier: Apache-2.0 */
/* Names in a container's state directory by which runX's commands and its proxy find each other. */
#ifndef RUNX_CONTROL_H
#define RUNX_CONTROL_H

#define CONTROL_SOCKET	"control"   /* SOCK_SEQPACKET: one request, one answer, both text */
#define CONTROL_LOCK	"lock"	    /* held (flock) while the proxy or its guardian lives */
#define CONTROL_NO_VM	"-"	    /* for a domid, in the record of a pod's sandbox */
#define CONTROL_RECORD	"proxy"	    /* "domid pid start-time\n", whole from the moment it exists */
#define CONTROL_GONE	"destroyed" /* exists once the guardian has destroyed the domain */
#define CONTROL_REMOVED "removed"   /* delete is at work */
#define CONTROL_ENDED	"ended"	    /* one line: how the container ended */

#define CONTROL_MESSAGE 512 /* bytes of a request or an answer, at most */
#define CONTROL_FDS	4   /* descriptors that may come with a request */
/* Every other answer is an error in words, and a guest's words have no control character left. */
#define CONTROL_OK "\006"

#endif
