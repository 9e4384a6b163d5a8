/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the processes of `runX exec`, which join a running container. */
#ifndef RUNX_EXEC_H
#define RUNX_EXEC_H

#include "guest/base/spec.h"
#include "session.h"

/*
 * Handles an EXEC frame. A frame with a payload is a piece of a process's description. An empty
 * frame starts that process in the namespaces of the process `container` (0: it has ended). Returns
 * the new session, which the caller frees. Returns NULL if more pieces must come, or if the start
 * failed: then the host has got a FAILED frame. `frame->session` must be below WIRE_SESSIONS.
 */
struct session *exec_frame(const struct spec *spec, pid_t container,
			   const struct wire_frame *frame);

#endif
