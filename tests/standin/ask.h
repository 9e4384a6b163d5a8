/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the stand-in of Xen for something, over its socket `xl`. */
#ifndef STANDIN_ASK_H
#define STANDIN_ASK_H

/* Most bytes of a request, and of an answer. */
#define ASK_REQUEST 4096
#define ASK_ANSWER  65536

/*
 * Sends `verb` with the words of `format`, one a line. Returns the answer, which holds until the
 * next call, or NULL: *problem then says why.
 */
const char *ask(const char **problem, const char *verb, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As ask(), but keeps the connection open and returns it. Its end is the stand-in's. -1: refused.
 */
int ask_and_stay(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
