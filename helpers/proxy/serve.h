/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's loop: it waits for what comes next and lets each module do its part. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

/*
 * Runs until the container is over and all its output is delivered. `signals` is a signalfd,
 * `listener` the control socket. Returns the proxy's exit status.
 */
int serve(int signals, int listener);

/* Runs one turn of the loop. */
void serve_once(int signals, int listener);

#endif
