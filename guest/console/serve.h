/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1's event loop while the container lives. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

#include "guest/base/spec.h"
#include "session.h"

/*
 * Serves the container's session `container`, and the sessions that exec adds, until all of them
 * are done. `signals` is a non-blocking signalfd for SIGCHLD. Returns the status of the container's
 * process as wait(2) has it. Returns -1 if the process could not be executed: then the host has got
 * a FAILED frame.
 */
int serve(const struct spec *spec, struct session *container, int signals);

#endif
