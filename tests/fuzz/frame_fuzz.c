/* SPDX-License-Identifier: MIT */
/* The first byte chooses the decoder, the second how the rest is cut: frames must come out the same however they are cut. */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "codec/frame.h"

#include <string.h>

/* One line of numbers for each frame, and how much payload went before it. */
static void
note_frame(struct buf *trace, const struct frame *f, const enum frame_rule rules[8], uint64_t payload)
{
	size_t n = 0;

	buf_printf(trace, "%d %d %d %d %02x%02x%02x%02x %ju %ju %d %ju:", f->fin, f->rsv, f->opcode, f->masked, f->mask[0], f->mask[1],
	    f->mask[2], f->mask[3], (uintmax_t)f->length, (uintmax_t)f->offset, f->header_length, (uintmax_t)payload);
	for (; rules[n] != RULE_NONE; n++) {
		MUST_HOLD(n < 7);
		MUST_HOLD(strlen(frame_rule_sentence(rules[n])) > 0);
		buf_printf(trace, " %d", rules[n]);
	}
	buf_putc(trace, '\n');
}

/* What is sent again in the shortest form is no longer than what came. */
static void
check_encoding(const struct frame *f, const enum frame_rule rules[8])
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t n = frame_encode(f, header);
	bool is_shortest = true;

	for (size_t i = 0; rules[i] != RULE_NONE; i++)
		is_shortest &= rules[i] != RULE_LENGTH_NOT_MINIMAL && rules[i] != RULE_LENGTH_HIGH_BIT;
	MUST_HOLD(is_shortest ? n == f->header_length : n <= f->header_length);
}

static void
decode(struct buf *trace, const uint8_t *data, size_t n, uint8_t choice, uint32_t seed, bool whole)
{
	static const enum frame_sender senders[] = { FROM_CLIENT, FROM_SERVER, FROM_ANYONE, FROM_ANYONE };
	struct frame_decoder d;
	uint64_t payload = 0;

	frame_decoder_init(&d, senders[choice & 3]);
	d.rsv1_allowed = choice & 4;
	while (n > 0) {
		size_t piece = whole ? n : next_piece(&seed, n);

		for (size_t used; piece > 0; data += used, n -= used, piece -= used) {
			struct frame f;
			enum frame_rule rules[8];
			uint64_t left = frame_payload_left(&d);
			enum frame_step step = frame_decode(&d, data, piece, &used, &f, rules);

			MUST_HOLD(used > 0 && used <= piece);
			MUST_HOLD((step == FRAME_PAYLOAD) == (left > 0));
			if (step == FRAME_HEADER) {
				note_frame(trace, &f, rules, payload);
				check_encoding(&f, rules);
			} else if (step == FRAME_PAYLOAD) {
				MUST_HOLD(frame_payload_left(&d) == left - used);
				payload += used;
			} else {
				MUST_HOLD(used == piece);
			}
		}
	}
	buf_printf(trace, "%ju %ju", (uintmax_t)payload, (uintmax_t)frame_payload_left(&d));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf whole = { 0 }, pieces = { 0 };

	if (n < 2)
		return 0;
	decode(&whole, data + 2, n - 2, data[0], 0, true);
	decode(&pieces, data + 2, n - 2, data[0], data[1], false);
	MUST_HOLD(whole.len == pieces.len && memcmp(buf_head(&whole), buf_head(&pieces), whole.len) == 0);
	buf_deinit(&whole);
	buf_deinit(&pieces);
	return 0;
}
