/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte of a message is the guest's. What is decoded lies within it. */
#include "message.h"

#include "helpers/shared/common.h"

#include <errno.h>

/* The fields of messages, by the letters of the layouts. */
static const struct field {
	char letter;
	char form; /* b, w, d, q as in reply_put(), s: string */
	uint8_t at;
} fields[] = {
#define FIELD(letter, form, member)                                                                \
	{                                                                                          \
		letter, form, offsetof(struct request, member)                                     \
	}
	FIELD('f', 'd', fid),	   FIELD('F', 'd', other),    FIELD('l', 'd', flags),
	FIELD('m', 'd', mode),	   FIELD('u', 'd', uid),      FIELD('g', 'd', gid),
	FIELD('j', 'd', major),	   FIELD('i', 'd', minor),    FIELD('v', 'd', valid),
	FIELD('c', 'd', count),	   FIELD('p', 'd', process),  FIELD('M', 'q', mask),
	FIELD('o', 'q', offset),   FIELD('z', 'q', size),     FIELD('a', 'q', atime[0]),
	FIELD('A', 'q', atime[1]), FIELD('t', 'q', mtime[0]), FIELD('T', 'q', mtime[1]),
	FIELD('k', 'b', kind),	   FIELD('y', 'w', old_tag),  FIELD('w', 'w', steps),
	FIELD('n', 's', name),	   FIELD('s', 's', second),
#undef FIELD
};

_Static_assert(offsetof(struct request, walk) <= UINT8_MAX, "a field's place is a byte");

/* W: `steps` strings. D: `count` bytes. */
static const char *const layouts[MESSAGE_TYPES] = {
	[TSTATFS] = "f",      [TLOPEN] = "fl",	       [TLCREATE] = "fnlmg",
	[TSYMLINK] = "fnsg",  [TMKNOD] = "fnmjig",     [TRENAME] = "fFn",
	[TREADLINK] = "f",    [TGETATTR] = "fM",       [TSETATTR] = "fvmugzaAtT",
	[TXATTRWALK] = "fFn", [TXATTRCREATE] = "fnzl", [TREADDIR] = "foc",
	[TFSYNC] = "fl",      [TLOCK] = "fklozpn",     [TGETLOCK] = "fkozpn",
	[TLINK] = "fFn", /* dfid, fid */
	[TMKDIR] = "fnmg",    [TRENAMEAT] = "fnFs",    [TUNLINKAT] = "fnl",
	[TVERSION] = "cn",    [TATTACH] = "fFnsu",     [TFLUSH] = "y",
	[TWALK] = "fFwW",     [TREAD] = "foc",	       [TWRITE] = "focD",
	[TCLUNK] = "f",	      [TREMOVE] = "f",
};

struct input {
	const uint8_t *at;
	size_t left;
	bool broken;
};

static unsigned int width(char form)
{
	return form == 'b' ? 1 : form == 'w' ? 2 : form == 'd' ? 4 : 8;
}

static const uint8_t *take(struct input *in, size_t count)
{
	const uint8_t *from = in->at;

	if (in->broken || count > in->left) {
		in->broken = true;
		return NULL;
	}
	in->at += count;
	in->left -= count;
	return from;
}

static uint64_t take_number(struct input *in, char form)
{
	const uint8_t *from = take(in, width(form));
	uint64_t value = 0;

	for (unsigned int i = 0; from && i < width(form); i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

static struct text take_text(struct input *in)
{
	struct text text = {.size = (size_t)take_number(in, 'w')};

	text.bytes = take(in, text.size);
	return text;
}

static void take_field(struct input *in, char letter, struct request *r)
{
	const struct field *field = fields;

	while (field->letter != letter)
		field++;
	uint8_t *to = (uint8_t *)r + field->at;
	if (field->form == 's') {
		struct text text = take_text(in);
		memcpy(to, &text, sizeof(text));
		return;
	}
	uint64_t value = take_number(in, field->form);
	uint32_t word = (uint32_t)value;
	uint16_t half = (uint16_t)value;
	switch (field->form) {
	case 'b':
		*to = (uint8_t)value;
		break;
	case 'w':
		memcpy(to, &half, sizeof(half));
		break;
	case 'd':
		memcpy(to, &word, sizeof(word));
		break;
	default:
		memcpy(to, &value, sizeof(value));
	}
}

static void take_walk(struct input *in, struct request *r)
{
	if (r->steps > MESSAGE_WALK)
		in->broken = true;
	for (size_t i = 0; !in->broken && i < r->steps; i++)
		r->walk[i] = take_text(in);
}

int message_decode(const uint8_t *message, size_t size, struct request *r)
{
	struct input in = {.at = message + MESSAGE_HEADER, .left = size - MESSAGE_HEADER};
	const char *layout;

	/* The names of a walk are many, and only those that are set are read. */
	memset(r, 0, offsetof(struct request, walk));
	r->data = NULL;
	r->type = message[4];
	r->tag = (uint16_t)(message[5] | message[6] << 8);
	layout = r->type < MESSAGE_TYPES ? layouts[r->type] : NULL;
	if (!layout)
		return EOPNOTSUPP;
	for (; *layout; layout++) {
		if (*layout == 'W')
			take_walk(&in, r);
		else if (*layout == 'D')
			r->data = take(&in, r->count);
		else
			take_field(&in, *layout, r);
	}
	return in.broken || in.left > 0 ? EPROTO : 0;
}

void reply_begin(struct reply *reply, uint8_t *buffer, size_t room)
{
	*reply = (struct reply){
		.start = buffer, .at = buffer + MESSAGE_HEADER, .end = buffer + room};
}

static void put_number(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void reply_numbers(struct reply *reply, const char *layout, const uint64_t *values)
{
	size_t size = 0;

	for (const char *form = layout; *form; form++)
		size += width(*form);
	if (reply->full || size > (size_t)(reply->end - reply->at)) {
		reply->full = true;
		return;
	}
	for (; *layout; layout++) {
		put_number(reply->at, *values++, width(*layout));
		reply->at += width(*layout);
	}
}

void reply_text(struct reply *reply, const char *text, size_t size)
{
	if (reply->full || size > UINT16_MAX || size + 2 > (size_t)(reply->end - reply->at)) {
		reply->full = true;
		return;
	}
	put_number(reply->at, size, 2);
	memcpy(reply->at + 2, text, size);
	reply->at += size + 2;
}

void reply_set(uint8_t *at, uint32_t value)
{
	put_number(at, value, 4);
}

size_t reply_finish(struct reply *reply, uint8_t type, uint16_t tag)
{
	size_t size = (size_t)(reply->at - reply->start);

	put_number(reply->start, size, 4);
	reply->start[4] = type;
	put_number(reply->start + 5, tag, 2);
	return size;
}

size_t reply_error(uint8_t *buffer, uint16_t tag, int error)
{
	struct reply reply;

	reply_begin(&reply, buffer, MESSAGE_HEADER + 4);
	reply_put(&reply, "d", error);
	return reply_finish(&reply, RLERROR, tag);
}
