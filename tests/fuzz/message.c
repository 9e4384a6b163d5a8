/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the decoder of 9P messages: the input is one message.
 *
 * What must hold: all that a decoded request points to lies in the message, and what was decoded
 * makes up the whole message.
 */
#include "helpers/files/message.h"

#include "fuzz.h"

#include <errno.h>

static const uint8_t *message;
static size_t length;

/* Touches what the request points to. The sanitizer sees what lies outside. */
static size_t within(const uint8_t *bytes, size_t size)
{
	volatile uint8_t last;

	must(size == 0 || (bytes >= message + MESSAGE_HEADER && bytes + size <= message + length));
	if (size > 0)
		last = bytes[size - 1];
	(void)last;
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;

	if (size < MESSAGE_HEADER)
		return 0;
	/* A copy of its own, so that every byte behind it is poisoned. */
	uint8_t *copy = malloc(size);
	memcpy(copy, data, size);
	message = copy;
	length = size;
	int error = message_decode(copy, size, &r);
	must(error == 0 || error == EPROTO || error == EOPNOTSUPP);
	must(r.type == copy[4] && r.tag == (copy[5] | copy[6] << 8));
	if (error == 0) {
		size_t texts = within(r.name.bytes, r.name.size);
		texts += within(r.second.bytes, r.second.size);
		must(r.steps <= MESSAGE_WALK);
		for (size_t i = 0; i < r.steps; i++)
			texts += 2 + within(r.walk[i].bytes, r.walk[i].size);
		if (r.type == TWRITE)
			texts += within(r.data, r.count);
		must(texts <= size - MESSAGE_HEADER);
	}
	free(copy);
	return 0;
}
