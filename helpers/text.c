/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a message as a terminal and a log may have it: as valid UTF-8 whose characters can all be
 * seen. Each other byte or character becomes a `?`.
 *
 * usage: text MESSAGE
 *
 * runX calls it only for a message with a byte that is not ASCII.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/wire.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		failx("usage: text MESSAGE");
	size_t count = strlen(argv[1]);
	char *shown = malloc(count + 1);
	if (!shown)
		fail("cannot take a message of %zu bytes", count);
	wire_show((const uint8_t *)argv[1], count, shown, count + 1);
	if (puts(shown) < 0 || fflush(stdout))
		fail("cannot print the message");
	return 0;
}
