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

/*
 * Characters that a terminal or a viewer obeys and does not show. In order: C0, DEL and C1; then
 * the marks of Unicode that are invisible, turn the direction of text or end a line.
 */
static bool is_control(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{0, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},	{0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},	{0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Returns the length of the UTF-8 character at `in` if it may be shown, negated if not. */
static int character(const uint8_t *in, size_t left)
{
	/* For each length: the first byte's mark and its mask, and the least character. */
	static const struct {
		uint8_t mask, mark;
		uint32_t least;
	} forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

	for (size_t extra = 0; extra < sizeof(forms) / sizeof(forms[0]); extra++) {
		if ((in[0] & forms[extra].mask) != forms[extra].mark)
			continue;
		uint32_t c = (uint8_t)(in[0] & ~forms[extra].mask);
		if (extra >= left)
			return -1;
		for (size_t i = 1; i <= extra; i++) {
			if ((in[i] & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (in[i] & 0x3f);
		}
		if (c < forms[extra].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return -1;
		return is_control(c) ? -(int)(extra + 1) : (int)(extra + 1);
	}
	return -1;
}

void wire_show(const uint8_t *in, size_t count, char *out, size_t size)
{
	size_t used = 0, at = 0;

	while (at < count) {
		int length = character(in + at, count - at);
		size_t shown = length > 0 ? (size_t)length : 1;
		if (used + shown >= size)
			break;
		if (length > 0)
			memcpy(out + used, in + at, shown);
		else
			out[used] = '?';
		used += shown;
		at += (size_t)(length > 0 ? length : -length);
	}
	out[used] = '\0';
}

void wire_text(const struct wire_frame *frame, char *out, size_t size)
{
	size_t start = frame->length < 4 ? frame->length : 4;

	wire_show(frame->payload + start, frame->length - start, out, size);
}
