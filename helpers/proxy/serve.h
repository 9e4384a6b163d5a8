/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's loop: waits for what comes next, and lets each do its part. */
#ifndef RUNX_SERVE_H
#define RUNX_SERVE_H

/*
 * Until the container is over, its VM is destroyed, and all that it wrote is delivered; returns its
 * status. For a container that was killed with SIGKILL nobody has to read: a child delivers the
 * rest. `signals` is a signalfd, `listener` the control socket, `lock` what tells others that the
 * proxy lives.
 */
int serve(int signals, int listener, int lock);

/* One turn of it. */
void serve_once(int signals, int listener);

#endif
