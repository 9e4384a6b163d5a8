/* SPDX-License-Identifier: Apache-2.0 */
/* What a long-lived helper asks of the host: a namespace, a socket, signals, time, background. */
#ifndef RUNX_HOST_H
#define RUNX_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A function here that fails prints the reason to stderr and ends the program with EXIT_HELPER. */

/*
 * Moves this process into a network namespace. `path` is a file of the namespace, or "new" for a
 * fresh one, where the loopback interface is then up. NULL changes nothing.
 */
void host_enter_netns(const char *path);

/*
 * Listens at the socket `name` in the directory of the descriptor `directory`. Returns the
 * listening socket: UNIX, SOCK_SEQPACKET (a message stays one message), non-blocking.
 */
int host_listen(int directory, const char *name);

/*
 * Blocks all 64 signals and gives SIGCHLD its default action. Returns a non-blocking signalfd that
 * receives the signals.
 */
int host_take_signals(void);

/*
 * Returns the number of the next signal that somebody sent to this process, or 0 if there is none.
 * `signals` is what host_take_signals() returned.
 */
int host_signal(int signals);

/*
 * Writes the record `name` of this process to the directory of the descriptor `directory`: the line
 * "FIRST PID START", and `room` newlines. START is the time of its start, in clock ticks since boot
 * (proc(5), field 22 of /proc/PID/stat). The kernel uses pids again, but a pid and its start time
 * name one process for good. The record is complete once the file exists. Returns a descriptor of
 * it, which can be read and written.
 */
int host_write_record(int directory, const char *name, const char *first, size_t room);

/*
 * Moves this process to the root of each hierarchy of control groups, as far as that can be done.
 */
void host_leave_groups(void);

/*
 * Returns a pidfd of the process that has this record, or -1. errno is then ESRCH if the process
 * has ended or there is no record. Any other error says nothing about the process, which may live.
 */
int host_open_recorded(int directory, const char *name);

/*
 * From here on, this process gets `signal` when its parent dies. `parent` is the parent's id, or 0
 * if it is not known: if that process has died before, nobody would tell, and this ends the program
 * with EXIT_HELPER.
 */
void host_end_with(pid_t parent, int signal);

/*
 * As alarm(2): after `seconds`, SIGALRM does what `action` says (signal(2)). The caller may have
 * blocked or ignored it, and this undoes both. It holds over execve(2), if the action is SIG_DFL.
 */
void host_alarm(unsigned int seconds, void (*action)(int));

/* Closes all descriptors from `first` on. musl 1.2.3 has no close_range(2). */
void host_close_from(int first);

/* Returns the time of CLOCK_MONOTONIC in milliseconds. */
int64_t host_now(void);

/*
 * Forks and returns in the child, with a descriptor for host_ready(). The parent waits. It exits
 * with 0 when the child calls host_ready(), and with EXIT_HELPER if the child ends without that
 * call.
 */
int host_go_to_background(void);

/* Lets the parent exit with 0, and closes `ready`. Returns false if the parent has died. */
bool host_ready(int ready);

/*
 * Changes to / and connects stdin, stdout and stderr to /dev/null. This is the last step before
 * host_ready(): after it, no message reaches the caller.
 */
void host_leave_caller(void);

/* The same for a process that has entered another tree: `null` is an open /dev/null. Closes it. */
void host_leave_caller_to(int null);

#endif
