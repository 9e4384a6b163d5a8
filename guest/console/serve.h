/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 does while the container lives. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

#include "guest/base/spec.h"
#include "session.h"

/*
 * Serves the container's session, and those that exec adds, until all of them are done; `signals`
 * is a signalfd of SIGCHLD. The status of the container's process, as of wait(2), or -1 where it
 * could not be executed, which the host has been told then.
 */
int serve(const struct spec *spec, struct session *container, int signals);

#endif
