/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's loop: waits for what comes next, and lets each do its part. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

/*
 * Until the container is over and all that it wrote is delivered; returns its status. `signals` is
 * a signalfd, `listener` the control socket.
 */
int serve(int signals, int listener);

/* One turn of it. */
void serve_once(int signals, int listener);

#endif
