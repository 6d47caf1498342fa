/* SPDX-License-Identifier: MIT */
#include "codec/frame.h"

#include "base/mem.h"
#include "support/unit.h"

#include <string.h>

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
#define BROKEN(...) { __VA_ARGS__, RULE_NONE }

/* One frame header each, and what it breaks. */
static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t n;
	enum frame_sender sender;
	uint64_t length;
	enum frame_rule broken[8];
} rows[] = {
	{ "text", BYTES(0x81, 0x05), FROM_SERVER, 5, { RULE_NONE } },
	{ "masked text", BYTES(0x81, 0x85, 1, 2, 3, 4), FROM_CLIENT, 5, { RULE_NONE } },
	{ "16-bit length", BYTES(0x82, 126, 0x01, 0x00), FROM_SERVER, 256, { RULE_NONE } },
	{ "16-bit length, masked", BYTES(0x82, 0x80 | 126, 0xff, 0xff, 1, 2, 3, 4), FROM_CLIENT, 65535, { RULE_NONE } },
	{ "64-bit length", BYTES(0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0), FROM_SERVER, 65536, { RULE_NONE } },
	{ "largest length", BYTES(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4), FROM_CLIENT, INT64_MAX,
	    { RULE_NONE } },
	{ "ping", BYTES(0x89, 125), FROM_SERVER, 125, { RULE_NONE } },
	{ "anyone may mask", BYTES(0x89, 0x80, 1, 2, 3, 4), FROM_ANYONE, 0, { RULE_NONE } },
	{ "anyone may not", BYTES(0x89, 0x00), FROM_ANYONE, 0, { RULE_NONE } },

	{ "RSV1", BYTES(0xc1, 0x00), FROM_SERVER, 0, BROKEN(RULE_RSV1) },
	{ "RSV2", BYTES(0xa1, 0x00), FROM_SERVER, 0, BROKEN(RULE_RSV2) },
	{ "RSV3", BYTES(0x91, 0x00), FROM_SERVER, 0, BROKEN(RULE_RSV3) },
	{ "reserved data opcode", BYTES(0x83, 0x00), FROM_SERVER, 0, BROKEN(RULE_RESERVED_OPCODE) },
	{ "reserved control opcode", BYTES(0x0f, 126, 0, 200), FROM_SERVER, 200, BROKEN(RULE_RESERVED_OPCODE) },
	{ "unmasked client", BYTES(0x81, 0x00), FROM_CLIENT, 0, BROKEN(RULE_NOT_MASKED) },
	{ "masked server", BYTES(0x81, 0x80, 1, 2, 3, 4), FROM_SERVER, 0, BROKEN(RULE_MASKED) },
	{ "16 bits for 125", BYTES(0x81, 126, 0, 125), FROM_SERVER, 125, BROKEN(RULE_LENGTH_NOT_MINIMAL) },
	{ "64 bits for 0", BYTES(0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0), FROM_SERVER, 0, BROKEN(RULE_LENGTH_NOT_MINIMAL) },
	{ "64 bits for 65535", BYTES(0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff), FROM_SERVER, 65535, BROKEN(RULE_LENGTH_NOT_MINIMAL) },
	{ "highest bit", BYTES(0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 1), FROM_SERVER, 1, BROKEN(RULE_LENGTH_HIGH_BIT) },
	{ "fragmented ping", BYTES(0x09, 0x00), FROM_SERVER, 0, BROKEN(RULE_CONTROL_FRAGMENTED) },
	{ "long close", BYTES(0x88, 126, 0, 126), FROM_SERVER, 126, BROKEN(RULE_CONTROL_TOO_LONG) },
	{ "continuation alone", BYTES(0x80, 0x00), FROM_SERVER, 0, BROKEN(RULE_CONTINUATION_ALONE) },
	{ "everything at once", BYTES(0x7a, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4), FROM_SERVER, 1,
	    BROKEN(RULE_RSV1, RULE_RSV2, RULE_RSV3, RULE_MASKED, RULE_LENGTH_HIGH_BIT, RULE_CONTROL_FRAGMENTED, RULE_CONTROL_TOO_LONG) },
};

static void
check_rules(const enum frame_rule *got, const enum frame_rule *expected, const char *name, size_t cut)
{
	size_t i = 0;

	do
		ck_assert_msg(got[i] == expected[i], "%s, cut %zu: rule %zu is \"%s\", expected \"%s\"", name, cut, i,
		    frame_rule_sentence(got[i]), frame_rule_sentence(expected[i]));
	while (expected[i++] != RULE_NONE);
}

START_TEST(each_header_is_judged_the_same_at_every_split_point)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (size_t cut = 0; cut < rows[r].n; cut++) {
			struct frame_decoder d;
			struct frame f;
			enum frame_rule rules[8];
			size_t used;

			frame_decoder_init(&d, rows[r].sender);
			if (cut > 0) {
				ck_assert_int_eq(frame_decode(&d, rows[r].bytes, cut, &used, &f, rules), FRAME_MORE);
				ck_assert_uint_eq(used, cut);
			}
			ck_assert_int_eq(frame_decode(&d, rows[r].bytes + cut, rows[r].n - cut, &used, &f, rules), FRAME_HEADER);
			ck_assert_uint_eq(used, rows[r].n - cut);
			check_rules(rules, rows[r].broken, rows[r].name, cut);
			ck_assert_msg(f.length == rows[r].length, "%s", rows[r].name);
			ck_assert_uint_eq(f.header_length, rows[r].n);
			ck_assert_uint_eq(f.offset, 0);
			ck_assert_uint_eq(f.opcode, rows[r].bytes[0] & 15);
			ck_assert_uint_eq(f.rsv, rows[r].bytes[0] >> 4 & 7);
			ck_assert(f.fin == (rows[r].bytes[0] >= 0x80));
			ck_assert(f.masked == (rows[r].bytes[1] >= 0x80));
			if (f.masked)
				ck_assert_mem_eq(f.mask, "\1\2\3\4", 4);
		}
	}
}
END_TEST

/* A fragmented text with a ping inside, an empty frame, a long frame. */
static size_t
make_stream(uint8_t *out)
{
	static const struct frame frames[] = {
		{ .opcode = OP_TEXT, .length = 3, .masked = true, .mask = { 1, 2, 3, 4 } },
		{ .opcode = OP_PING, .length = 2, .fin = true },
		{ .opcode = OP_CONTINUATION, .length = 0, .masked = true },
		{ .opcode = OP_CONTINUATION, .length = 200, .fin = true },
		{ .opcode = OP_BINARY, .length = 0, .fin = true },
		{ .opcode = OP_CLOSE, .length = 2, .fin = true },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		n += frame_encode(&frames[i], out + n);
		memset(out + n, 0xff, frames[i].length);
		n += frames[i].length;
	}
	return n;
}

/* What a stream was cut into. ck_assert() is slow: wrong steps are counted. */
struct seen {
	struct frame frames[8];
	size_t n, wrong;
	uint64_t payload;
};

static void
feed(struct frame_decoder *d, const uint8_t *p, size_t n, struct seen *seen)
{
	while (n > 0) {
		enum frame_rule rules[8];
		size_t used = 0;
		enum frame_step step = frame_decode(d, p, n, &used, &seen->frames[seen->n], rules);

		if (used == 0 || used > n)
			ck_abort_msg("%zu of %zu bytes used", used, n);
		if (step == FRAME_HEADER) {
			seen->wrong += rules[0] != RULE_NONE || frame_payload_left(d) != seen->frames[seen->n].length;
			seen->n++;
		} else if (step == FRAME_PAYLOAD) {
			seen->payload += used;
		} else {
			seen->wrong += used != n;
		}
		p += used;
		n -= used;
	}
}

START_TEST(a_stream_is_cut_the_same_at_every_two_split_points)
{
	uint8_t stream[512];
	size_t n = make_stream(stream);

	for (size_t first = 0; first <= n; first++) {
		for (size_t second = first; second <= n; second++) {
			struct frame_decoder d;
			struct seen seen = { 0 };

			frame_decoder_init(&d, FROM_ANYONE);
			feed(&d, stream, first, &seen);
			feed(&d, stream + first, second - first, &seen);
			feed(&d, stream + second, n - second, &seen);
			if (seen.n != 6 || seen.wrong > 0 || seen.payload != 3 + 2 + 200 + 2 || seen.frames[1].offset != 6 + 3 ||
			    seen.frames[3].offset != 6 + 3 + 2 + 2 + 6 || seen.frames[5].offset != n - 4 || frame_payload_left(&d) != 0)
				ck_abort_msg("cut at %zu and %zu", first, second);
		}
	}
}
END_TEST

/* Headers of empty frames in a row, and the rule that the last of them breaks. */
static const struct {
	const char *name;
	uint8_t first_bytes[4];
	size_t n;
	enum frame_rule broken;
} places[] = {
	{ "a message in two frames", { 0x01, 0x80 }, 2, RULE_NONE },
	{ "a control frame inside", { 0x01, 0x89, 0x80 }, 3, RULE_NONE },
	{ "the next message", { 0x01, 0x80, 0x82 }, 3, RULE_NONE },
	{ "text inside a message", { 0x01, 0x81 }, 2, RULE_MESSAGE_INTERLEAVED },
	{ "fragment of another message", { 0x02, 0x00, 0x01 }, 3, RULE_MESSAGE_INTERLEAVED },
	{ "the first message goes on behind the second", { 0x01, 0x81, 0x80 }, 3, RULE_NONE },
	{ "continuation of a finished message", { 0x81, 0x80 }, 2, RULE_CONTINUATION_ALONE },
	{ "continuation behind the last", { 0x01, 0x80, 0x80 }, 3, RULE_CONTINUATION_ALONE },
	{ "continuation behind one alone", { 0x00, 0x80 }, 2, RULE_CONTINUATION_ALONE },
	{ "a ping begins no message", { 0x09, 0x80 }, 2, RULE_CONTINUATION_ALONE },
};

START_TEST(a_frame_out_of_place_is_named)
{
	for (size_t r = 0; r < ARRAY_LEN(places); r++) {
		struct frame_decoder d;
		enum frame_rule rules[8];

		frame_decoder_init(&d, FROM_SERVER);
		for (size_t i = 0; i < places[r].n; i++) {
			struct frame f;
			size_t used;

			ck_assert_int_eq(frame_decode(&d, BYTES(places[r].first_bytes[i], 0), &used, &f, rules), FRAME_HEADER);
		}
		check_rules(rules, (enum frame_rule[]){ places[r].broken, RULE_NONE }, places[r].name, 0);
	}
}
END_TEST

START_TEST(rsv1_is_allowed_only_on_the_first_frame_of_a_message)
{
	static const struct {
		uint8_t byte;
		enum frame_rule broken;
	} cases[] = { { 0x41, RULE_NONE }, { 0x40, RULE_RSV1 }, { 0xc9, RULE_RSV1 }, { 0x80, RULE_NONE }, { 0xc2, RULE_NONE } };
	struct frame_decoder d;

	frame_decoder_init(&d, FROM_SERVER);
	d.rsv1_allowed = true;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum frame_rule rules[8];
		struct frame f;
		size_t used;

		ck_assert_int_eq(frame_decode(&d, BYTES(cases[i].byte, 0), &used, &f, rules), FRAME_HEADER);
		ck_assert_int_eq(rules[0], cases[i].broken);
	}
}
END_TEST

START_TEST(nothing_is_cut_behind_a_length_with_its_highest_bit)
{
	struct frame_decoder d;
	enum frame_rule rules[8];
	struct frame f;
	size_t used;

	frame_decoder_init(&d, FROM_SERVER);
	ck_assert_int_eq(frame_decode(&d, BYTES(0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0), &used, &f, rules), FRAME_HEADER);
	ck_assert_int_eq(frame_decode(&d, BYTES(0x81, 0x00, 0x81, 0x00), &used, &f, rules), FRAME_PAYLOAD);
	ck_assert_uint_eq(used, 4);
}
END_TEST

START_TEST(headers_are_written_in_their_shortest_form_and_read_back)
{
	static const struct {
		uint64_t length;
		size_t bytes;
	} lengths[] = { { 0, 2 }, { 125, 2 }, { 126, 4 }, { 65535, 4 }, { 65536, 10 }, { INT64_MAX, 10 } };

	for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
		bool masked = i >= ARRAY_LEN(lengths);
		struct frame in = { .fin = true, .rsv = 0, .opcode = OP_BINARY, .masked = masked, .mask = { 9, 8, 7, 6 },
			.length = lengths[i % ARRAY_LEN(lengths)].length }, out;
		uint8_t header[FRAME_HEADER_MAX];
		size_t n = frame_encode(&in, header), used;
		struct frame_decoder d;
		enum frame_rule rules[8];

		ck_assert_uint_eq(n, lengths[i % ARRAY_LEN(lengths)].bytes + (masked ? 4 : 0));
		frame_decoder_init(&d, FROM_ANYONE);
		ck_assert_int_eq(frame_decode(&d, header, n, &used, &out, rules), FRAME_HEADER);
		ck_assert_int_eq(rules[0], RULE_NONE);
		ck_assert(out.fin && out.length == in.length && out.opcode == in.opcode && out.masked == masked);
		if (masked)
			ck_assert_mem_eq(out.mask, in.mask, 4);
	}
}
END_TEST

START_TEST(every_rule_has_a_sentence_a_section_and_an_answer)
{
	static const enum frame_rule all[] = {
#define X(id, sentence, section, code) RULE_##id,
		FRAME_RULES(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert(strlen(frame_rule_sentence(all[i])) > 0 && strlen(frame_rule_section(all[i])) > 0);
		ck_assert(frame_rule_answer(all[i]) >= 1002 && frame_rule_answer(all[i]) <= 1009);
	}
	ck_assert_str_eq(frame_rule_section(RULE_CLOSE_CODE), "7.4.1");
	ck_assert_int_eq(frame_rule_answer(RULE_TEXT_UTF8), 1007);
}
END_TEST

UNIT_MAIN("frame", each_header_is_judged_the_same_at_every_split_point, a_stream_is_cut_the_same_at_every_two_split_points,
    a_frame_out_of_place_is_named, rsv1_is_allowed_only_on_the_first_frame_of_a_message,
    nothing_is_cut_behind_a_length_with_its_highest_bit, headers_are_written_in_their_shortest_form_and_read_back,
    every_rule_has_a_sentence_a_section_and_an_answer)
