/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's loop: it waits for what comes next and lets each module do its part. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

/*
 * Runs until the container is over, its VM is destroyed, and all its output is delivered. For a
 * container that was killed by SIGKILL, it does not wait for readers: a child process delivers the
 * rest. `signals` is a signalfd, `listener` the control socket. Returns the proxy's exit status.
 */
int serve(int signals, int listener);

/* Runs one turn of the loop. */
void serve_once(int signals, int listener);

#endif
