/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's pty of a process with `terminal: true`: it is made here, and its master goes to
 * the program that asked for it.
 */
#ifndef RUNX_TERMINAL_H
#define RUNX_TERMINAL_H

#include <stdint.h>

/*
 * Makes a raw pty of `rows` and `columns` (0: the size stays unset). Sends its master to the UNIX
 * stream socket at `path`, which may be longer than sun_path. Returns the slave. Ends the program
 * with EXIT_HELPER on failure.
 */
int terminal_open(const char *path, uint16_t rows, uint16_t columns);

/*
 * Receives the master that terminal_open() sent to the listening socket `listener`. Returns it, or
 * -1 if nobody has connected (yet), or no descriptor came.
 */
int terminal_receive(int listener);

/*
 * Makes the slave the controlling terminal of this session, so that SIGWINCH and SIGHUP come. Ends
 * the program with EXIT_HELPER on failure.
 */
void terminal_control(int slave);

/* Reads "ROWSxCOLUMNS" from `text`. Any other text changes nothing. */
void terminal_parse_size(const char *text, uint16_t *rows, uint16_t *columns);

/* Sets `rows` and `columns` to the terminal's size, or to 0 if the size is unknown. */
void terminal_size(int slave, uint32_t *rows, uint32_t *columns);

/*
 * Makes the terminal raw. The guest has a terminal of its own, so this one must change nothing.
 * conmon sets ONLCR on it later, so callers repeat this whenever they look at the size.
 */
void terminal_raw(int slave);

#endif
