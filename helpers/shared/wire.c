/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns frames into bytes and back, for both ends. Here a hostile peer's bytes are checked first.
 */
#include "wire.h"

#include <string.h>

uint8_t *wire_space(struct wire_input *in, size_t *room)
{
	/*
	 * The bytes move once for each read, not for each frame. What is left is less than one
	 * frame.
	 */
	if (in->head > 0)
		memmove(in->bytes, in->bytes + in->head, in->used);
	in->head = 0;
	*room = sizeof(in->bytes) - in->used;
	return in->bytes + in->used;
}

void wire_received(struct wire_input *in, size_t count)
{
	in->used += count;
}

int wire_next(const struct wire_input *in, struct wire_frame *frame)
{
	const uint8_t *b = in->bytes + in->head;

	if (in->used < WIRE_HEADER)
		return 0;
	frame->type = b[0];
	frame->stream = b[1];
	frame->session = (uint16_t)(b[2] | b[3] << 8);
	frame->length = wire_get32(b + 4);
	frame->payload = b + WIRE_HEADER;
	if (frame->type == 0 || frame->type >= WIRE_TYPES || frame->stream >= WIRE_STREAMS ||
	    frame->length > WIRE_PAYLOAD)
		return -1;
	return in->used - WIRE_HEADER >= frame->length;
}

void wire_drop(struct wire_input *in, const struct wire_frame *frame)
{
	size_t size = WIRE_HEADER + frame->length;

	in->used -= size;
	in->head += size;
}

void wire_header(uint8_t *out, enum wire_type type, unsigned int stream, unsigned int session,
		 size_t length)
{
	out[0] = (uint8_t)type;
	out[1] = (uint8_t)stream;
	out[2] = (uint8_t)session;
	out[3] = (uint8_t)(session >> 8);
	wire_put32(out + 4, (uint32_t)length);
}

void wire_put32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

uint32_t wire_get32(const uint8_t *in)
{
	return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

uint32_t wire_word(const struct wire_frame *frame, size_t index)
{
	return frame->length >= 4 * (index + 1) ? wire_get32(frame->payload + 4 * index) : 0;
}

void wire_text(const struct wire_frame *frame, char *out, size_t size)
{
	size_t length = frame->length > 4 ? frame->length - 4 : 0;

	if (length >= size)
		length = size - 1;
	for (size_t i = 0; i < length; i++) {
		uint8_t c = frame->payload[4 + i];
		out[i] = (char)(c >= ' ' && c != 127 ? c : '?');
	}
	out[length] = '\0';
}
