/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that lives long asks of this host, once, before it is ready. */
#ifndef RUNX_HOST_H
#define RUNX_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* All of these end the program, with the reason on stderr, where they fail. */

/* Enters the network namespace at `path`, a fresh one with its loopback up for "new"; NULL: stays.
 */
void host_enter_netns(const char *path);

/* Listens at `name` in `directory`, for one message (SOCK_SEQPACKET) a connection. Non-blocking. */
int host_listen(int directory, const char *name);

/* Blocks all signals, and returns a signalfd for them. */
int host_take_signals(void);

/* The next of them that somebody sent us; 0: none. */
int host_signal(int signals);

/* When this process started, in clock ticks since boot: with the pid, its name for good. */
unsigned long long host_start_time(void);

/* The same of another; false where there is none, and nothing ends. */
bool host_start_time_of(int pid, unsigned long long *ticks);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t host_now(void);

/*
 * Goes on in a child. What started us ends when the child calls host_ready() with the descriptor
 * that is returned, with 0, or with EXIT_HELPER where it ends without having done so.
 */
int host_go_to_background(void);
void host_ready(int ready);

/* The last step before that: from here on, nobody hears us. */
void host_leave_caller(void);

#endif
