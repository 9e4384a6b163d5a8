/* SPDX-License-Identifier: Apache-2.0 */
/* The host's pty of a container with `terminal: true`: made here, its master sent to the engine. */
#ifndef RUNX_TERMINAL_H
#define RUNX_TERMINAL_H

#include <stdint.h>

/*
 * Makes a raw pty of `rows` and `columns` (0: unset) and sends its master over the UNIX stream
 * socket at `path`, which may be longer than sun_path. Returns the slave; ends the program on
 * failure.
 */
int terminal_open(const char *path, uint16_t rows, uint16_t columns);

/* Makes the slave the controlling terminal of this session, so that SIGWINCH and SIGHUP come. */
void terminal_control(int slave);

/* "ROWSxCOLUMNS"; anything else changes nothing. */
void terminal_parse_size(const char *text, uint16_t *rows, uint16_t *columns);

void terminal_size(int slave, uint32_t *rows, uint32_t *columns);

/* The guest has a terminal of its own, so this one must do nothing. conmon sets ONLCR on it later.
 */
void terminal_raw(int slave);

#endif
