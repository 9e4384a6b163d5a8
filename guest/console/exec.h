/* SPDX-License-Identifier: Apache-2.0 */
/* exec: processes that join the container of a VM that runs already. */
#ifndef RUNX_EXEC_H
#define RUNX_EXEC_H

#include "guest/base/spec.h"
#include "session.h"

/*
 * Takes an EXEC frame: a piece of a process's description, or, empty, the order to start it beside
 * the process `container` (0: it has ended). The new session in the latter case; NULL while more
 * is to come, or when it has failed, which the host has been told then.
 */
struct session *exec_frame(const struct spec *spec, pid_t container,
			   const struct wire_frame *frame);

#endif
