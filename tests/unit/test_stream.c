/* SPDX-License-Identifier: MIT */
#include "ws/stream.h"

#include "codec/close_code.h"

#include "support/frames.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* What a stream said, as text: T[he P<x> llo], p<pong>, C1000<reason>; and the violation. Data frames are not told, messages are, so that it does not
 * depend on how the bytes were cut. */
struct ear {
	struct stream *s;
	struct rng rng;
	struct buf trail;
	struct buf frames;      /* with the frame callback: "81:5 " for each, in order with the rest */
	enum frame_rule rule;
	uint64_t offset;
	int violations, closes;
	uint64_t length;        /* of the last chunk */
	const char *stop_at;    /* a kind of event to call stream_stop() in */
};

static void
say(struct ear *e, const char *kind)
{
	ck_assert_msg(e->violations == 0 && e->closes == 0, "%s after the end: %s", kind, buf_cstr(&e->trail));
	if (e->stop_at != NULL && strcmp(e->stop_at, kind) == 0)
		stream_stop(e->s);
}

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct ear *e = arg;

	say(e, "chunk");
	if (c->first) {
		buf_puts(&e->trail, c->opcode == OP_TEXT ? "T[" : "B[");
		e->length = 0;
	}
	ck_assert_msg(c->n > 0 || c->first || c->last, "an empty part says nothing");
	buf_append(&e->trail, c->data, c->n);
	e->length += c->n;
	ck_assert_uint_eq(c->length, e->length);
	if (c->last)
		buf_putc(&e->trail, ']');
}

static void
on_ping(void *arg, struct span data)
{
	struct ear *e = arg;

	say(e, "ping");
	buf_printf(&e->trail, "P<%.*s>", (int)data.n, data.p);
}

static void
on_pong(void *arg, struct span data)
{
	struct ear *e = arg;

	say(e, "pong");
	buf_printf(&e->trail, "p<%.*s>", (int)data.n, data.p);
}

static void
on_close(void *arg, int code, struct span reason)
{
	struct ear *e = arg;

	say(e, "close");
	e->closes++;
	buf_printf(&e->trail, "C%d<%.*s>", code, (int)reason.n, reason.n > 0 ? reason.p : "");
}

static void
on_violation(void *arg, enum frame_rule rule, uint64_t offset)
{
	struct ear *e = arg;

	say(e, "violation");
	e->violations++;
	e->rule = rule;
	e->offset = offset;
}

static void
on_frame(void *arg, enum direction dir, const struct frame *f)
{
	struct ear *e = arg;

	if (dir == DIR_IN)
		say(e, "frame");
	buf_printf(&e->frames, "%s%02x:%llu ", dir == DIR_IN ? "" : ">", (f->fin ? 0x80 : 0) | f->rsv << 4 | f->opcode, (unsigned long long)f->length);
}

static const struct stream_events plain_up = { on_chunk, on_ping, on_pong, on_close, on_violation, NULL };
static const struct stream_events frames_up = { on_chunk, on_ping, on_pong, on_close, on_violation, on_frame };

static void
ear_open(struct ear *e, bool is_server, uint64_t max_message, bool with_frames)
{
	*e = (struct ear){ 0 };
	rng_init_seed(&e->rng, is_server ? 1 : 2);
	e->s = stream_new(is_server, &e->rng, max_message, with_frames ? &frames_up : &plain_up, e);
}

static void
ear_close(struct ear *e)
{
	stream_free(e->s);
	buf_deinit(&e->trail);
	buf_deinit(&e->frames);
}

/* Feeds in pieces that are freed behind them, so that nothing can be looked at later. */
static void
feed(struct ear *e, const uint8_t *data, size_t n)
{
	uint8_t *copy = n > 0 ? memcpy(xmalloc(n), data, n) : NULL;

	stream_feed(e->s, copy, n);
	free(copy);
}

#define BIN(s) (s), sizeof(s) - 1
#define F(b0, s) { .first = (b0), .data = (s), .n = sizeof(s) - 1 }

enum { PIECES = 6 };

#define A10 "aaaaaaaaaa"
#define A120 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

/* What a peer sends, and what is made of it. */
static const struct {
	const char *name;
	struct raw_frame pieces[PIECES];
	const char *trail;
	uint64_t max_message;
} good[] = {
	{ "text", { F(0x81, "hello") }, "T[hello]" },
	{ "binary", { F(0x82, "\x01\x02\xff") }, "B[\x01\x02\xff]" },
	{ "empty messages", { F(0x81, ""), F(0x82, ""), F(0x81, "") }, "T[]B[]T[]" },
	{ "two fragments", { F(0x01, "he"), F(0x80, "llo") }, "T[hello]" },
	{ "five fragments", { F(0x02, "a"), F(0x00, "b"), F(0x00, "c"), F(0x00, "d"), F(0x80, "e") }, "B[abcde]" },
	{ "empty fragments", { F(0x01, ""), F(0x00, ""), F(0x00, "x"), F(0x00, ""), F(0x80, "") }, "T[x]" },
	{ "only empty fragments", { F(0x01, ""), F(0x00, ""), F(0x80, "") }, "T[]" },
	{ "ping between fragments", { F(0x01, "he"), F(0x89, "x"), F(0x80, "llo") }, "T[heP<x>llo]" },
	{ "pings and pongs anywhere", { F(0x89, ""), F(0x01, "h"), F(0x8a, "1"), F(0x00, "i"), F(0x89, "2"), F(0x80, "") }, "P<>T[hp<1>iP<2>]" },
	{ "longest control frame", { F(0x89, A120 "bbbbb") }, "P<" A120 "bbbbb>" },
	{ "16-bit length", { F(0x82, A120 A10) }, "B[" A120 A10 "]" },
	{ "character cut by frames", { F(0x01, "\xe2"), F(0x00, "\x82"), F(0x00, ""), F(0x80, "\xac") }, "T[\xe2\x82\xac]" },
	{ "character cut by a ping", { F(0x01, "\xf0\x9f"), F(0x89, "\xff"), F(0x80, "\x98\x80") }, "T[\xf0\x9fP<\xff>\x98\x80]" },
	{ "binary is not text", { F(0x02, "\xff"), F(0x80, "\xc0") }, "B[\xff\xc0]" },
	{ "each message begins anew", { F(0x81, "\xc3\xbc"), F(0x82, "\xc3"), F(0x81, "\xc3\xbc") }, "T[\xc3\xbc]B[\xc3]T[\xc3\xbc]" },
	{ "close without body", { F(0x88, "") }, "C1005<>" },
	{ "close", { F(0x81, "x"), F(0x88, "\x03\xe8") }, "T[x]C1000<>" },
	{ "close with a reason", { F(0x88, "\x03\xe9gone \xe2\x82\xac") }, "C1001<gone \xe2\x82\xac>" },
	{ "close with the longest reason", { F(0x88, "\x03\xe9" A120 "bbb") }, "C1001<" A120 "bbb>" },
	{ "close within a message", { F(0x01, "he"), F(0x88, "\x03\xe8") }, "T[heC1000<>" },
	{ "max_message is allowed", { F(0x82, "12345"), F(0x02, "123"), F(0x80, "45"), F(0x81, "12345") }, "B[12345]B[12345]T[12345]", 5 },
	{ "pings are no part of a message", { F(0x02, "12345"), F(0x89, "123456"), F(0x80, "") }, "B[12345P<123456>]", 5 },
};

/* The piece at `broken` is the one that breaks the rule. */
static const struct {
	const char *name;
	struct raw_frame pieces[PIECES];
	size_t broken;
	enum frame_rule rule;
	const char *trail;      /* NULL: depends on the cuts */
	uint64_t max_message;
} bad[] = {
	{ "RSV1", { F(0x81, "a"), F(0xc1, "b") }, 1, RULE_RSV1, "T[a]" },
	{ "RSV2", { F(0xa1, "") }, 0, RULE_RSV2, "" },
	{ "RSV3", { F(0x81, "a"), F(0x91, "b") }, 1, RULE_RSV3, "T[a]" },
	{ "RSV1 on a ping", { F(0xc9, "b") }, 0, RULE_RSV1, "" },
	{ "RSV1 on a continuation", { F(0x01, "a"), F(0xc0, "b") }, 1, RULE_RSV1, "T[a" },
	{ "reserved data opcode", { F(0x83, "x") }, 0, RULE_RESERVED_OPCODE, "" },
	{ "reserved control opcode", { F(0x81, "a"), F(0x8b, "") }, 1, RULE_RESERVED_OPCODE, "T[a]" },
	{ "wrong mask on text", { F(0x81, "a"), { 0x81, BIN("b"), .wrong_mask = true } }, 1, RULE_MASKED, "T[a]" },
	{ "wrong mask on a close", { { 0x88, BIN("\x03\xe8"), .wrong_mask = true } }, 0, RULE_MASKED, "" },
	{ "16 bits for 1", { F(0x81, "a"), { 0x81, BIN("b"), FORM_16, 0 } }, 1, RULE_LENGTH_NOT_MINIMAL, "T[a]" },
	{ "64 bits for 1", { { 0x82, BIN("b"), FORM_64, 0 } }, 0, RULE_LENGTH_NOT_MINIMAL, "" },
	{ "16 bits on a ping", { { 0x89, BIN("b"), FORM_16, 0 } }, 0, RULE_LENGTH_NOT_MINIMAL, "" },
	{ "highest bit", { F(0x81, "a"), { 0x82, BIN("b"), FORM_HIGH_BIT, 0 } }, 1, RULE_LENGTH_HIGH_BIT, "T[a]" },
	{ "fragmented ping", { F(0x81, "a"), F(0x09, "b") }, 1, RULE_CONTROL_FRAGMENTED, "T[a]" },
	{ "fragmented close", { F(0x08, "\x03\xe8") }, 0, RULE_CONTROL_FRAGMENTED, "" },
	{ "long ping", { F(0x81, "a"), F(0x89, A120 "bbbbbb") }, 1, RULE_CONTROL_TOO_LONG, "T[a]" },
	{ "long close", { { 0x88, BIN("\x03\xe8"), FORM_CLAIM_200, 0 } }, 0, RULE_CONTROL_TOO_LONG, "" },
	{ "continuation alone", { F(0x80, "a") }, 0, RULE_CONTINUATION_ALONE, "" },
	{ "continuation after the end", { F(0x01, "a"), F(0x80, "b"), F(0x80, "c") }, 2, RULE_CONTINUATION_ALONE, "T[ab]" },
	{ "continuation after the end, with a ping", { F(0x81, "a"), F(0x89, "b"), F(0x00, "c") }, 2, RULE_CONTINUATION_ALONE, "T[a]P<b>" },
	{ "message within a message", { F(0x01, "a"), F(0x81, "b") }, 1, RULE_MESSAGE_INTERLEAVED, "T[a" },
	{ "message of the other kind within", { F(0x01, "a"), F(0x89, ""), F(0x02, "b") }, 2, RULE_MESSAGE_INTERLEAVED, "T[aP<>" },
	{ "close with one byte", { F(0x81, "a"), F(0x88, "\x03") }, 1, RULE_CLOSE_ONE_BYTE, "T[a]" },
	{ "reason is not UTF-8", { F(0x88, "\x03\xe8" "a\xff") }, 0, RULE_CLOSE_REASON_UTF8, "" },
	{ "reason ends in a character", { F(0x81, "a"), F(0x88, "\x03\xe8" "a\xe2\x82") }, 1, RULE_CLOSE_REASON_UTF8, "T[a]" },
	{ "bad UTF-8 at the beginning", { F(0x81, "\xff" "abc") }, 0, RULE_TEXT_UTF8, "T[" },
	{ "bad UTF-8 later", { F(0x81, "a"), F(0x81, "bcd\xc0\xaf") }, 1, RULE_TEXT_UTF8, NULL },
	{ "text ends in a character", { F(0x81, "a\xe2\x82") }, 0, RULE_TEXT_UTF8, NULL },
	{ "fragmented text ends in a character", { F(0x01, "a\xe2"), F(0x80, "\x82") }, 1, RULE_TEXT_UTF8, NULL },
	{ "an empty end behind half a character", { F(0x01, "a\xe2"), F(0x80, "") }, 1, RULE_TEXT_UTF8, "T[a\xe2" },
	{ "bad across frames", { F(0x01, "a\xe2"), F(0x00, "b"), F(0x80, "\xac") }, 1, RULE_TEXT_UTF8, NULL },
	{ "a surrogate across frames", { F(0x01, "\xed"), F(0x80, "\xa0\x80") }, 1, RULE_TEXT_UTF8, NULL },
	{ "too big by its header", { F(0x82, "12345"), F(0x82, "123456") }, 1, RULE_MESSAGE_TOO_BIG, "B[12345]", 5 },
	{ "too big by its sum", { F(0x02, "123"), F(0x00, "45"), F(0x89, "p"), F(0x80, "6") }, 3, RULE_MESSAGE_TOO_BIG, "B[12345P<p>", 5 },
	{ "2^62 and a limit", { { 0x82, BIN("b"), FORM_CLAIM_2_62, 0 } }, 0, RULE_MESSAGE_TOO_BIG, "", 1 << 20 },
	{ "form is judged before size", { { 0x82, BIN("b"), FORM_HIGH_BIT, 0 } }, 0, RULE_LENGTH_HIGH_BIT, "", 5 },
	{ "the first broken rule in a read", { F(0x81, "\xff"), F(0x83, "") }, 0, RULE_TEXT_UTF8, "T[" },
};

static size_t
count_pieces(const struct raw_frame *pieces)
{
	size_t n = 0;

	while (n < PIECES && pieces[n].data != NULL)
		n++;
	return n;
}

/* All the frames, and where the one at index `mark` begins. */
static size_t
write_pieces(struct buf *out, bool from_client, const struct raw_frame *pieces, size_t mark)
{
	size_t at = 0;

	for (size_t i = 0; i < count_pieces(pieces); i++) {
		if (i == mark)
			at = out->len;
		put_raw_frame(out, from_client, &pieces[i]);
	}
	return at;
}

/* How the bytes are cut: cut == n: not at all; cut > n: one at a time; else in two. */
static void
feed_cut(struct ear *e, const struct buf *wire, size_t cut)
{
	const uint8_t *p = buf_head(wire);

	if (cut > wire->len) {
		for (size_t i = 0; i < wire->len; i++)
			feed(e, p + i, 1);
	} else {
		feed(e, p, cut);
		feed(e, p + cut, wire->len - cut);
	}
}

/* Tests run for each role (_i & 1: a server), without and with the frame callback (_i & 2). */
enum { VARIANTS = 4 };

START_TEST(messages_and_controls_come_through_at_every_cut)
{
	bool is_server = _i & 1, with_frames = _i & 2;

	for (size_t r = 0; r < ARRAY_LEN(good); r++) {
		struct buf wire = { 0 };

		write_pieces(&wire, is_server, good[r].pieces, 0);
		for (size_t cut = 0; cut <= wire.len + 1; cut++) {
			struct ear e;

			ear_open(&e, is_server, good[r].max_message, with_frames);
			feed_cut(&e, &wire, cut);
			ck_assert_msg(e.violations == 0, "%s, cut %zu: %s", good[r].name, cut, frame_rule_sentence(e.rule));
			ck_assert_msg(strcmp(buf_cstr(&e.trail), good[r].trail) == 0, "%s, cut %zu: %s", good[r].name, cut, buf_cstr(&e.trail));
			ck_assert_uint_eq(stream_ignored(e.s), 0);
			ck_assert_uint_eq(stream_out(e.s)->len, 0);
			ear_close(&e);
		}
		buf_deinit(&wire);
	}
}
END_TEST

/* The rules that show in the payload, not in the header. */
static bool
is_told_by_payload(enum frame_rule rule)
{
	return rule == RULE_CLOSE_ONE_BYTE || rule == RULE_CLOSE_CODE || rule == RULE_CLOSE_REASON_UTF8 || rule == RULE_TEXT_UTF8;
}

START_TEST(a_broken_rule_is_named_with_its_place_at_every_cut)
{
	bool is_server = _i & 1, with_frames = _i & 2;

	for (size_t r = 0; r < ARRAY_LEN(bad); r++) {
		struct buf wire = { 0 };
		enum frame_rule rule = bad[r].rule == RULE_MASKED && is_server ? RULE_NOT_MASKED : bad[r].rule;
		size_t at = write_pieces(&wire, is_server, bad[r].pieces, bad[r].broken);

		put_frame_text(&wire, is_server, 0x81, "behind");
		for (size_t cut = 0; cut <= wire.len + 1; cut++) {
			struct ear e;

			ear_open(&e, is_server, bad[r].max_message, with_frames);
			feed_cut(&e, &wire, cut);
			ck_assert_msg(e.violations == 1 && e.rule == rule, "%s, cut %zu: %d times \"%s\"", bad[r].name, cut, e.violations,
			    frame_rule_sentence(e.rule));
			ck_assert_msg(e.offset == at, "%s, cut %zu: at %llu, not %zu", bad[r].name, cut, (unsigned long long)e.offset, at);
			if (bad[r].trail != NULL && !is_told_by_payload(rule))
				ck_assert_msg(strcmp(buf_cstr(&e.trail), bad[r].trail) == 0, "%s, cut %zu: %s", bad[r].name, cut, buf_cstr(&e.trail));
			if (!is_told_by_payload(rule))
				ck_assert_msg(stream_ignored(e.s) == wire.len - at, "%s, cut %zu: %llu of %zu ignored", bad[r].name, cut,
				    (unsigned long long)stream_ignored(e.s), wire.len - at);
			ear_close(&e);
		}
		buf_deinit(&wire);
	}
}
END_TEST

/* Text is failed as soon as it is seen to be bad, not at the end of the message or of the frame (RFC 6455 section 8.1). */
START_TEST(bad_text_is_told_with_the_byte_that_makes_it_bad)
{
	static const struct {
		const char *text;
		size_t n, bad_at;
	} rows[] = {
		{ BIN("abc\xff" "defg"), 3 },
		{ BIN("\xe2\x82" "x---"), 2 },
		{ BIN("\xf4\x90\x80\x80"), 1 },
		{ BIN("\xc0\xaf"), 0 },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		const struct raw_frame f = { .first = 0x01, .data = rows[r].text, .n = rows[r].n };
		struct buf wire = { 0 };
		struct ear e;

		put_raw_frame(&wire, true, &f);
		ear_open(&e, true, 0, false);
		feed(&e, buf_head(&wire), 6 + rows[r].bad_at);
		ck_assert_int_eq(e.violations, 0);
		feed(&e, buf_head(&wire) + 6 + rows[r].bad_at, 1);
		ck_assert_int_eq(e.violations, 1);
		ck_assert_int_eq(e.rule, RULE_TEXT_UTF8);
		ear_close(&e);
		buf_deinit(&wire);
	}
}
END_TEST

START_TEST(close_codes_are_legal_or_not)
{
	static const int illegal[] = { 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535 };
	static const int legal[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };

	for (size_t r = 0; r < ARRAY_LEN(illegal) + ARRAY_LEN(legal); r++) {
		bool is_legal = r >= ARRAY_LEN(illegal);
		int code = is_legal ? legal[r - ARRAY_LEN(illegal)] : illegal[r];
		const char body[4] = { (char)(code >> 8), (char)code, 'h', 'i' };
		const struct raw_frame f = { .first = 0x88, .data = body, .n = 4 };
		struct buf wire = { 0 };
		char expected[32];

		put_raw_frame(&wire, _i & 1, &f);
		snprintf(expected, sizeof(expected), "C%d<hi>", code);
		for (size_t cut = 0; cut <= wire.len + 1; cut++) {
			struct ear e;

			ear_open(&e, _i & 1, 0, _i & 2);
			feed_cut(&e, &wire, cut);
			if (is_legal)
				ck_assert_str_eq(buf_cstr(&e.trail), expected);
			else
				ck_assert_msg(e.violations == 1 && e.rule == RULE_CLOSE_CODE && e.closes == 0, "%d", code);
			ear_close(&e);
		}
		buf_deinit(&wire);
	}
}
END_TEST

START_TEST(what_follows_a_close_is_counted_and_ignored)
{
	struct buf wire = { 0 };
	size_t end;

	put_frame_text(&wire, false, 0x01, "begun");
	put_frame_text(&wire, false, 0x88, "\x03\xe9" "bye");
	end = wire.len;
	put_frame_text(&wire, false, 0x80, "more");
	put_frame_text(&wire, false, 0xff, "nonsense");
	put_frame_text(&wire, false, 0x88, "\x03\xe8");
	for (size_t cut = 0; cut <= wire.len + 1; cut++) {
		struct ear e;

		ear_open(&e, false, 0, _i & 2);
		feed_cut(&e, &wire, cut);
		ck_assert_str_eq(buf_cstr(&e.trail), "T[begunC1001<bye>");
		ck_assert_int_eq(e.closes, 1);
		ck_assert_int_eq(e.violations, 0);
		ck_assert_uint_eq(stream_ignored(e.s), wire.len - end);
		ck_assert_uint_eq(stream_partial_in(e.s), 5);
		ear_close(&e);
	}
	buf_deinit(&wire);
}
END_TEST

/* Without a limit a huge message is passed on as it comes; nothing of that size is allocated. */
START_TEST(a_claim_of_2_62_bytes_costs_nothing)
{
	const struct raw_frame f = { .first = 0x02, .data = "abc", .n = 3, .form = FORM_CLAIM_2_62 };
	struct buf wire = { 0 };
	struct ear e;

	ear_open(&e, true, 0, _i & 2);
	put_raw_frame(&wire, true, &f);
	feed(&e, buf_head(&wire), wire.len);
	ck_assert_str_eq(buf_cstr(&e.trail), "B[abc");
	ck_assert_uint_eq(stream_partial_in(e.s), 3);
	ck_assert_int_eq(e.violations, 0);
	ear_close(&e);
	buf_deinit(&wire);
}
END_TEST

START_TEST(partial_in_counts_only_what_is_unfinished)
{
	struct buf wire = { 0 };
	struct ear e;

	ear_open(&e, false, 0, false);
	ck_assert_uint_eq(stream_partial_in(e.s), 0);
	put_frame_text(&wire, false, 0x01, "four");
	put_frame_text(&wire, false, 0x89, "ping");
	put_frame_text(&wire, false, 0x80, "end");
	feed(&e, buf_head(&wire), 4);
	ck_assert_uint_eq(stream_partial_in(e.s), 2);
	feed(&e, buf_head(&wire) + 4, 8);
	ck_assert_uint_eq(stream_partial_in(e.s), 4);
	feed(&e, buf_head(&wire) + 12, wire.len - 12);
	ck_assert_uint_eq(stream_partial_in(e.s), 0);
	ear_close(&e);
	buf_deinit(&wire);
}
END_TEST

/* Frames are told in order with what they carry, both ways. */
static void
on_chunk_in_order(void *arg, const struct stream_chunk *c)
{
	struct ear *e = arg;

	on_chunk(arg, c);
	buf_printf(&e->frames, "chunk ");
}

static void
on_ping_in_order(void *arg, struct span data)
{
	struct ear *e = arg;

	on_ping(arg, data);
	buf_printf(&e->frames, "ping ");
	stream_send_control(e->s, OP_PONG, data);
}

START_TEST(frames_are_told_before_what_they_carry)
{
	static const struct stream_events up = { on_chunk_in_order, on_ping_in_order, on_pong, on_close, on_violation, on_frame };
	struct buf wire = { 0 };
	struct ear e = { 0 };

	rng_init_seed(&e.rng, 1);
	e.s = stream_new(true, &e.rng, 0, &up, &e);
	put_frame_text(&wire, true, 0x01, "a");
	put_frame_text(&wire, true, 0x89, "b");
	put_frame_text(&wire, true, 0x80, "");
	put_frame_text(&wire, true, 0x82, "cd");
	put_frame_text(&wire, true, 0xf3, "e");
	feed(&e, buf_head(&wire), wire.len);
	ck_assert_str_eq(buf_cstr(&e.frames), "01:1 chunk 89:1 ping >8a:1 80:0 chunk 82:2 chunk f3:1 ");
	ck_assert_int_eq(e.rule, RULE_RSV1);
	ear_close(&e);
	buf_deinit(&wire);
}
END_TEST

START_TEST(stop_is_obeyed_inside_every_callback)
{
	static const struct {
		const char *at, *trail;
	} rows[] = {
		{ "frame", "" },
		{ "chunk", "T[a]" },
		{ "ping", "T[a]P<b>" },
		{ "pong", "T[a]P<b>p<c>" },
		{ "close", "T[a]P<b>p<c>T[d]C1000<>" },
	};
	struct buf wire = { 0 };

	put_frame_text(&wire, true, 0x81, "a");
	put_frame_text(&wire, true, 0x89, "b");
	put_frame_text(&wire, true, 0x8a, "c");
	put_frame_text(&wire, true, 0x81, "d");
	put_frame_text(&wire, true, 0x88, "\x03\xe8");
	put_frame_text(&wire, true, 0xff, "");
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (size_t cut = 0; cut <= wire.len + 1; cut++) {
			struct ear e;

			ear_open(&e, true, 0, r == 0);
			e.stop_at = rows[r].at;
			feed_cut(&e, &wire, cut);
			ck_assert_str_eq(buf_cstr(&e.trail), rows[r].trail);
			ck_assert_int_eq(e.violations, 0);
			ear_close(&e);
		}
	}
	buf_deinit(&wire);
}
END_TEST

START_TEST(a_stop_at_the_header_of_a_close_is_obeyed)
{
	struct buf wire = { 0 };
	struct ear e;

	put_frame_text(&wire, true, 0x88, _i & 1 ? "\x03\xe8" : "");
	ear_open(&e, true, 0, true);
	e.stop_at = "frame";
	feed(&e, buf_head(&wire), wire.len);
	ck_assert_int_eq(e.closes, 0);
	ear_close(&e);
	buf_deinit(&wire);
}
END_TEST

/* --- sending --- */

/* The headers in what a stream sends, as "02:65536 80:1 ". */
static void
list_frames(const struct buf *wire, bool from_client, struct buf *out)
{
	struct frame_decoder d;
	size_t at = 0;

	frame_decoder_init(&d, from_client ? FROM_CLIENT : FROM_SERVER);
	while (at < wire->len) {
		struct frame f;
		enum frame_rule rules[8];
		size_t used;

		if (frame_decode(&d, buf_head(wire) + at, wire->len - at, &used, &f, rules) == FRAME_HEADER) {
			ck_assert_msg(rules[0] == RULE_NONE, "%s", frame_rule_sentence(rules[0]));
			buf_printf(out, "%02x:%llu ", (f.fin ? 0x80 : 0) | f.rsv << 4 | f.opcode, (unsigned long long)f.length);
		}
		at += used;
	}
	ck_assert_uint_eq(frame_payload_left(&d), 0);
}

static void
check_sent(struct ear *e, bool from_client, const char *expected)
{
	struct buf frames = { 0 };

	list_frames(stream_out(e->s), from_client, &frames);
	ck_assert_str_eq(buf_cstr(&frames), expected);
	buf_deinit(&frames);
}

START_TEST(messages_are_cut_into_fragments_of_64_KiB)
{
	static const struct {
		size_t parts[5];
		const char *frames;
	} rows[] = {
		{ { 0 }, "82:0 " },
		{ { 1 }, "82:1 " },
		{ { 65535 }, "82:65535 " },
		{ { 65536 }, "82:65536 " },
		{ { 65537 }, "02:65536 80:1 " },
		{ { 131072 }, "02:65536 80:65536 " },
		{ { 131073 }, "02:65536 00:65536 80:1 " },
		{ { 3, 65532 }, "82:65535 " },
		{ { 3, 65533 }, "82:65536 " },
		{ { 3, 65534 }, "02:65536 80:1 " },
		{ { 65536, 1 }, "02:65536 80:1 " },
		{ { 65535, 1, 1 }, "02:65536 80:1 " },
		{ { 7, 131065 }, "02:65536 80:65536 " },
		{ { 7, 131066 }, "02:65536 00:65536 80:1 " },
		{ { 1, 65536, 65536, 65536 }, "02:65536 00:65536 00:65536 80:1 " },
		{ { 40000, 40000, 40000, 11072 }, "02:65536 80:65536 " },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (int empty_end = 0; empty_end < 2; empty_end++) {
			uint8_t *data = xcalloc(1, 131073);
			struct ear e;
			uint64_t sum = 0;

			ear_open(&e, _i & 1, 0, _i & 2);
			for (size_t i = 0; i == 0 || rows[r].parts[i] > 0; i++) {
				bool last = rows[r].parts[i + 1] == 0 && !empty_end;

				ck_assert(stream_send(e.s, OP_BINARY, data, rows[r].parts[i], last));
				sum += rows[r].parts[i];
				ck_assert_uint_eq(stream_partial_out(e.s), last ? 0 : sum);
			}
			if (empty_end)
				ck_assert(stream_send(e.s, OP_BINARY, NULL, 0, true));
			check_sent(&e, !(_i & 1), rows[r].frames);
			ear_close(&e);
			free(data);
		}
	}
}
END_TEST

START_TEST(a_ping_goes_between_fragments)
{
	uint8_t *data = xcalloc(1, 65537);
	struct ear e;

	ear_open(&e, _i & 1, 0, true);
	stream_send(e.s, OP_TEXT, data, 65537, false);
	ck_assert(stream_send_control(e.s, OP_PING, SPAN_LIT("now")));
	stream_send(e.s, OP_TEXT, "x", 1, true);
	check_sent(&e, !(_i & 1), "01:65536 89:3 80:2 ");
	ck_assert_str_eq(buf_cstr(&e.frames), ">01:65536 >89:3 >80:2 ");
	ear_close(&e);
	free(data);
}
END_TEST

START_TEST(nothing_is_sent_behind_a_close)
{
	struct ear e;

	ear_open(&e, _i & 1, 0, _i & 2);
	ck_assert(stream_send(e.s, OP_TEXT, "begun", 5, false));
	ck_assert(stream_send_close(e.s, 1000, SPAN_LIT("bye")));
	ck_assert(!stream_send(e.s, OP_TEXT, "more", 4, true));
	ck_assert(!stream_send_control(e.s, OP_PING, SPAN_NONE));
	ck_assert(!stream_send_close(e.s, 1001, SPAN_NONE));
	check_sent(&e, !(_i & 1), "88:5 ");
	ck_assert_uint_eq(stream_partial_out(e.s), 5);
	ear_close(&e);
}
END_TEST

#define EURO10 "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
#define EURO40 EURO10 EURO10 EURO10 EURO10

START_TEST(a_reason_is_cut_at_a_character)
{
	static const struct {
		const char *reason, *expected;
		int code;
	} rows[] = {
		{ "", "C1000<>", 1000 },
		{ "bye", "C4999<bye>", 4999 },
		{ A120 "bbb", "C1000<" A120 "bbb>", 1000 },
		{ A120 "bbbb", "C1000<" A120 "bbb>", 1000 },
		{ EURO40 "\xe2\x82\xac", "C1000<" EURO40 "\xe2\x82\xac>", 1000 },
		{ EURO40 "a\xe2\x82\xac", "C1000<" EURO40 "a>", 1000 },
		{ EURO40 "ab\xe2\x82\xac", "C1000<" EURO40 "ab>", 1000 },
		{ EURO40 "abc\xe2\x82\xac", "C1000<" EURO40 "abc>", 1000 },
		{ "not sent", "C1005<>", CLOSE_NO_STATUS },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct ear us, them;

		ear_open(&us, _i & 1, 0, false);
		ear_open(&them, !(_i & 1), 0, _i & 2);
		ck_assert(stream_send_close(us.s, rows[r].code, span_of(rows[r].reason)));
		feed(&them, buf_head(stream_out(us.s)), stream_out(us.s)->len);
		ck_assert_str_eq(buf_cstr(&them.trail), rows[r].expected);
		ear_close(&us);
		ear_close(&them);
	}
}
END_TEST

START_TEST(masks_differ_from_frame_to_frame)
{
	uint8_t masks[64][4];
	struct ear e;

	ear_open(&e, false, 0, false);
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		buf_clear(stream_out(e.s));
		stream_send(e.s, OP_TEXT, "same", 4, true);
		ck_assert_uint_eq(stream_out(e.s)->len, 10);
		memcpy(masks[i], buf_head(stream_out(e.s)) + 2, 4);
		for (size_t k = 0; k < i; k++)
			ck_assert_int_ne(memcmp(masks[i], masks[k], 4), 0);
	}
	ear_close(&e);
}
END_TEST

START_TEST(a_server_masks_nothing)
{
	struct ear e;

	ear_open(&e, true, 0, false);
	stream_send(e.s, OP_TEXT, "same", 4, true);
	ck_assert_uint_eq(stream_out(e.s)->len, 6);
	ck_assert_int_eq(memcmp(buf_head(stream_out(e.s)), "\x81\x04same", 6), 0);
	ear_close(&e);
}
END_TEST

/* --- both ends --- */

static size_t
below(struct rng *rng, size_t n)
{
	return (size_t)(rng_u64(rng) % n);
}

/* Random messages in random parts, with pings between, cut anywhere on the way: what goes in comes out. */
START_TEST(what_one_end_sends_the_other_hears)
{
	struct rng rng;
	struct buf expected = { 0 };
	struct ear us, them;

	rng_init_seed(&rng, 77 + (uint64_t)_i);
	ear_open(&us, _i & 1, 0, false);
	ear_open(&them, !(_i & 1), 0, _i & 2);
	for (int m = 0; m < 60; m++) {
		uint8_t opcode = below(&rng, 2) ? OP_TEXT : OP_BINARY;
		size_t parts = 1 + below(&rng, 4);

		buf_puts(&expected, opcode == OP_TEXT ? "T[" : "B[");
		for (size_t p = 0; p < parts; p++) {
			size_t n = below(&rng, 8) == 0 ? below(&rng, 150000) : below(&rng, 8) == 0 ? 0 : below(&rng, 300);
			uint8_t *data = xmalloc(n + 1);

			for (size_t i = 0; i < n; i++)
				data[i] = (uint8_t)('a' + (i + n) % 26);
			ck_assert(stream_send(us.s, opcode, data, n, p + 1 == parts));
			buf_append(&expected, data, n);
			free(data);
		}
		buf_putc(&expected, ']');
		if (below(&rng, 3) == 0) {
			ck_assert(stream_send_control(us.s, OP_PING, SPAN_LIT("?")));
			buf_puts(&expected, "P<?>");
		}
		/* Some of it goes over. */
		struct buf *out = stream_out(us.s);
		while (out->len > 0 && below(&rng, 4) > 0) {
			size_t most = below(&rng, 2) ? 20000 : 9, n = 1 + below(&rng, MIN(out->len, most));

			feed(&them, buf_head(out), n);
			buf_consume(out, n);
		}
	}
	ck_assert(stream_send_close(us.s, 1000, SPAN_LIT("done")));
	buf_puts(&expected, "C1000<done>");
	feed(&them, buf_head(stream_out(us.s)), stream_out(us.s)->len);
	ck_assert_int_eq(them.violations, 0);
	ck_assert_uint_eq(them.trail.len, expected.len);
	ck_assert_int_eq(memcmp(buf_head(&them.trail), buf_head(&expected), expected.len), 0);
	ear_close(&us);
	ear_close(&them);
	buf_deinit(&expected);
}
END_TEST

UNIT_LOOP_MAIN("stream", VARIANTS, messages_and_controls_come_through_at_every_cut, a_broken_rule_is_named_with_its_place_at_every_cut,
    bad_text_is_told_with_the_byte_that_makes_it_bad, close_codes_are_legal_or_not, what_follows_a_close_is_counted_and_ignored,
    a_claim_of_2_62_bytes_costs_nothing, partial_in_counts_only_what_is_unfinished, frames_are_told_before_what_they_carry,
    stop_is_obeyed_inside_every_callback, a_stop_at_the_header_of_a_close_is_obeyed, messages_are_cut_into_fragments_of_64_KiB,
    a_ping_goes_between_fragments, nothing_is_sent_behind_a_close, a_reason_is_cut_at_a_character, masks_differ_from_frame_to_frame,
    a_server_masks_nothing, what_one_end_sends_the_other_hears)
