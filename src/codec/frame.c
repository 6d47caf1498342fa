/* SPDX-License-Identifier: MIT */
#include "codec/frame.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *sentence, *section;
	int answer;
} about[] = {
	{ "no rule broken", "", 0 },
#define X(id, sentence, section, code) { sentence, section, code },
	FRAME_RULES(X)
#undef X
};

const char *
frame_rule_sentence(enum frame_rule r)
{
	return about[r].sentence;
}

const char *
frame_rule_section(enum frame_rule r)
{
	return about[r].section;
}

int
frame_rule_answer(enum frame_rule r)
{
	return about[r].answer;
}

void
frame_decoder_init(struct frame_decoder *d, enum frame_sender sender)
{
	*d = (struct frame_decoder){ .sender = sender };
}

/* The second byte tells how long the header is. */
static size_t
header_length(uint8_t second)
{
	unsigned length = second & 0x7f;

	return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (second & 0x80 ? 4u : 0u);
}

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* What follows from the frame's place among the others (RFC 6455 section 5.4); keeps track of it. */
static enum frame_rule
judge_place(struct frame_decoder *d, const struct frame *f)
{
	enum frame_rule broken = RULE_NONE;

	if (f->opcode == OP_CONTINUATION) {
		if (!d->in_message)
			broken = RULE_CONTINUATION_ALONE;
		else if (f->fin)
			d->in_message = false;
	} else if (f->opcode == OP_TEXT || f->opcode == OP_BINARY) {
		if (d->in_message)
			broken = RULE_MESSAGE_INTERLEAVED;
		else if (!f->fin)
			d->in_message = true;
	}
	return broken;
}

/* Nothing more is said of a reserved opcode: whether it may be fragmented, or long, is for its extension to say. This keeps the
 * number of rules one frame can break at seven. */
static void
judge(struct frame_decoder *d, const struct frame *f, uint64_t length, enum frame_rule rules[8])
{
	size_t n = 0;
	bool is_control = f->opcode >= OP_CLOSE && f->opcode <= OP_PONG, is_data = f->opcode <= OP_BINARY;
	size_t length_bytes = f->header_length - (f->masked ? 4u : 0u) - 2;
	enum frame_rule place = judge_place(d, f);

	/* RFC 7692 section 6: RSV1 marks a compressed message on its first frame, and nothing else. */
	if ((f->rsv & 4) && !(d->rsv1_allowed && (f->opcode == OP_TEXT || f->opcode == OP_BINARY)))
		rules[n++] = RULE_RSV1;
	if (f->rsv & 2)
		rules[n++] = RULE_RSV2;
	if (f->rsv & 1)
		rules[n++] = RULE_RSV3;
	if (!is_control && !is_data)
		rules[n++] = RULE_RESERVED_OPCODE;
	if (d->sender == FROM_CLIENT && !f->masked)
		rules[n++] = RULE_NOT_MASKED;
	if (d->sender == FROM_SERVER && f->masked)
		rules[n++] = RULE_MASKED;
	if (length >> 63)
		rules[n++] = RULE_LENGTH_HIGH_BIT;
	else if ((length_bytes == 2 && length < 126) || (length_bytes == 8 && length <= UINT16_MAX))
		rules[n++] = RULE_LENGTH_NOT_MINIMAL;
	if (is_control && !f->fin)
		rules[n++] = RULE_CONTROL_FRAGMENTED;
	if (is_control && length > FRAME_CONTROL_MAX)
		rules[n++] = RULE_CONTROL_TOO_LONG;
	if (place != RULE_NONE)
		rules[n++] = place;
	rules[n] = RULE_NONE;
}

static void
read_header(struct frame_decoder *d, const uint8_t *p, size_t n, struct frame *ret_frame, enum frame_rule rules[8])
{
	size_t mask_bytes = p[1] & 0x80 ? 4 : 0;
	uint64_t length = p[1] & 0x7f;

	if (length >= 126)
		length = big_endian(p + 2, n - mask_bytes - 2);
	/* A length with its highest bit set swallows whatever comes: nothing behind it can be cut. */
	d->payload_left = length;
	*ret_frame = (struct frame){
		.fin = p[0] & 0x80,
		.rsv = p[0] >> 4 & 7,
		.opcode = p[0] & 15,
		.masked = mask_bytes > 0,
		.length = length & INT64_MAX,
		.offset = d->fed - n,
		.header_length = (uint8_t)n,
	};
	if (mask_bytes > 0)
		memcpy(ret_frame->mask, p + n - sizeof(ret_frame->mask), sizeof(ret_frame->mask));
	judge(d, ret_frame, length, rules);
}

/* Moves bytes into d->header until it is whole; false when data ends first. */
static bool
collect(struct frame_decoder *d, const uint8_t *data, size_t n, size_t *ret_used)
{
	size_t used = 0;

	while (d->have < 2 || d->have < header_length(d->header[1])) {
		if (used == n)
			break;
		d->header[d->have++] = data[used++];
	}
	*ret_used = used;
	return d->have >= 2 && d->have == header_length(d->header[1]);
}

enum frame_step
frame_decode(struct frame_decoder *d, const uint8_t *data, size_t n, size_t *ret_used, struct frame *ret_frame, enum frame_rule rules[8])
{
	if (d->payload_left > 0) {
		size_t used = (size_t)MIN((uint64_t)n, d->payload_left);

		d->payload_left -= used;
		d->fed += used;
		*ret_used = used;
		return FRAME_PAYLOAD;
	}
	if (d->have == 0 && n >= 2 && n >= header_length(data[1])) {
		*ret_used = header_length(data[1]);
		d->fed += *ret_used;
		read_header(d, data, *ret_used, ret_frame, rules);
		return FRAME_HEADER;
	}
	bool whole = collect(d, data, n, ret_used);

	d->fed += *ret_used;
	if (!whole)
		return FRAME_MORE;
	read_header(d, d->header, d->have, ret_frame, rules);
	d->have = 0;
	return FRAME_HEADER;
}

size_t
frame_encode(const struct frame *f, uint8_t out[FRAME_HEADER_MAX])
{
	size_t n = 2, length_bytes = f->length < 126 ? 0 : f->length <= UINT16_MAX ? 2 : 8;

	assert(f->length <= INT64_MAX);
	out[0] = (uint8_t)((f->fin ? 0x80 : 0) | (f->rsv & 7) << 4 | (f->opcode & 15));
	out[1] = (uint8_t)((f->masked ? 0x80 : 0) | (length_bytes == 0 ? f->length : length_bytes == 2 ? 126 : 127));
	for (size_t i = length_bytes; i > 0; i--)
		out[n++] = (uint8_t)(f->length >> 8 * (i - 1));
	if (f->masked) {
		memcpy(out + n, f->mask, sizeof(f->mask));
		n += sizeof(f->mask);
	}
	return n;
}
