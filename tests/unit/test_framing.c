/* SPDX-License-Identifier: MIT */
#include "cli/framing.h"

#include "base/mem.h"

#include "support/unit.h"

#include <string.h>

#define BIN(s) (s), sizeof(s) - 1

/* Messages as text: "T[hello]B[...]". */
struct taken {
	struct buf trail;
	bool in_message;
	size_t stop_after;      /* parts; 0: never */
	size_t parts, longest;
};

static bool
on_part(void *arg, uint8_t opcode, const void *data, size_t n, bool last)
{
	struct taken *t = arg;

	if (!t->in_message)
		buf_puts(&t->trail, opcode == OP_TEXT ? "T[" : "B[");
	buf_append(&t->trail, data, n);
	if (last)
		buf_putc(&t->trail, ']');
	t->in_message = !last;
	t->longest = MAX(t->longest, n);
	return ++t->parts != t->stop_after;
}

/* cut > n: one byte at a time. The end is told too, unless an error came before. */
static enum framing_result
take(struct framing_in *in, struct taken *t, const char *data, size_t n, size_t cut)
{
	enum framing_result r = FRAMING_OK;
	size_t step = cut > n ? 1 : cut;

	for (size_t at = 0; at < n && r == FRAMING_OK; at += step, step = cut > n ? 1 : n - at) {
		if (step > 0)
			r = framing_in_feed(in, (const uint8_t *)data + at, MIN(step, n - at), on_part, t);
	}
	return r == FRAMING_OK ? framing_in_end(in, on_part, t) : r;
}

#define TEXT { .binary = false }
#define BINARY { .binary = true }
#define NUL { .nul = true }
#define WHOLE { .whole = true }
#define BASE64 { .encoding = ENCODING_BASE64 }
#define HEX { .encoding = ENCODING_HEX }
#define WHOLE_BASE64 { .whole = true, .encoding = ENCODING_BASE64 }
#define WHOLE_HEX { .whole = true, .encoding = ENCODING_HEX }

static const struct {
	const char *name;
	struct framing f;
	const char *input;
	size_t n;
	const char *trail;
	size_t trail_len;
	enum framing_result result;
	uint64_t line;
} in_rows[] = {
	{ "nothing", TEXT, BIN(""), BIN(""), FRAMING_OK, 1 },
	{ "a line", TEXT, BIN("hello\n"), BIN("T[hello]"), FRAMING_OK, 2 },
	{ "a last line without newline", TEXT, BIN("a\nb"), BIN("T[a]T[b]"), FRAMING_OK, 3 },
	{ "empty lines", TEXT, BIN("\n\na\n\n"), BIN("T[]T[]T[a]T[]"), FRAMING_OK, 5 },
	{ "a carriage return is part of it", TEXT, BIN("a\r\n"), BIN("T[a\r]"), FRAMING_OK, 2 },
	{ "NUL is part of a line", TEXT, BIN("a\0b\n"), BIN("T[a\0b]"), FRAMING_OK, 2 },
	{ "characters", TEXT, BIN("\xe2\x82\xac\n\xf0\x9f\x98\x80"), BIN("T[\xe2\x82\xac]T[\xf0\x9f\x98\x80]"), FRAMING_OK, 3 },
	{ "not UTF-8", TEXT, BIN("a\nb\xff\nc\n"), BIN("T[a]"), FRAMING_NOT_UTF8, 2 },
	{ "half a character", TEXT, BIN("a\n\xe2\x82\nc\n"), BIN("T[a]"), FRAMING_NOT_UTF8, 2 },
	{ "half a character at the end", TEXT, BIN("a\n\xe2\x82"), BIN("T[a]"), FRAMING_NOT_UTF8, 2 },
	{ "binary lines", BINARY, BIN("\xff\n\xe2\n"), BIN("B[\xff]B[\xe2]"), FRAMING_OK, 3 },
	{ "NUL ends", NUL, BIN("a\nb\0c\0\0d"), BIN("T[a\nb]T[c]T[]T[d]"), FRAMING_OK, 5 },
	{ "the whole input", WHOLE, BIN("a\nb\n"), BIN("T[a\nb\n]"), FRAMING_OK, 2 },
	{ "no input is no message", WHOLE, BIN(""), BIN(""), FRAMING_OK, 1 },
	{ "the whole input, cut in a character", WHOLE, BIN("a\xe2\x82\xac"), BIN("T[a\xe2\x82\xac]"), FRAMING_OK, 2 },
	{ "base64", BASE64, BIN("aGVsbG8=\n/w==\n"), BIN("B[hello]B[\xff]"), FRAMING_OK, 3 },
	{ "base64 with CR LF and without the last newline", BASE64, BIN("aGk=\r\naGk="), BIN("B[hi]B[hi]"), FRAMING_OK, 3 },
	{ "an empty line is an empty message", BASE64, BIN("\naGk=\n"), BIN("B[]B[hi]"), FRAMING_OK, 3 },
	{ "not base64", BASE64, BIN("aGk=\na*k=\naGk=\n"), BIN("B[hi]"), FRAMING_NOT_ENCODED, 2 },
	{ "base64 without padding", BASE64, BIN("aGk\n"), BIN(""), FRAMING_NOT_ENCODED, 1 },
	{ "hex", HEX, BIN("6869\n68 69\r\nFf"), BIN("B[hi]B[hi]B[\xff]"), FRAMING_OK, 4 },
	{ "not hex", HEX, BIN("6869\n6g\n"), BIN("B[hi]"), FRAMING_NOT_ENCODED, 2 },
	{ "an odd digit", HEX, BIN("686\n"), BIN(""), FRAMING_NOT_ENCODED, 1 },
	{ "whole base64 in lines", WHOLE_BASE64, BIN("aGVs\nbG8=\n"), BIN("B[hello]"), FRAMING_OK, 2 },
	{ "whole base64 in lines with CR LF", WHOLE_BASE64, BIN("aGVs\r\nbG8=\r\n"), BIN("B[hello]"), FRAMING_OK, 2 },
	{ "whole hex with its newline", WHOLE_HEX, BIN("6869\n"), BIN("B[hi]"), FRAMING_OK, 2 },
	{ "whole hex in lines", WHOLE_HEX, BIN("68\n69\r\n"), BIN("B[hi]"), FRAMING_OK, 2 },
	{ "whole hex, and not hex", WHOLE_HEX, BIN("68\n6z\n"), BIN(""), FRAMING_NOT_ENCODED, 1 },
};

START_TEST(input_becomes_messages_at_every_cut)
{
	for (size_t r = 0; r < ARRAY_LEN(in_rows); r++) {
		for (size_t cut = 0; cut <= in_rows[r].n + 1; cut++) {
			struct framing_in in;
			struct taken t = { 0 };

			framing_in_init(&in, &in_rows[r].f);
			enum framing_result result = take(&in, &t, in_rows[r].input, in_rows[r].n, cut);
			ck_assert_msg(result == in_rows[r].result, "%s, cut %zu: %d", in_rows[r].name, cut, result);
			/* Of a whole input parts may have gone before an error. */
			ck_assert_msg(t.trail.len == in_rows[r].trail_len && memcmp(buf_cstr(&t.trail), in_rows[r].trail, t.trail.len) == 0, "%s, cut %zu: %s",
			    in_rows[r].name, cut, buf_cstr(&t.trail));
			ck_assert_msg(in.line == in_rows[r].line, "%s, cut %zu: line %d", in_rows[r].name, cut, (int)in.line);
			framing_in_deinit(&in);
			buf_deinit(&t.trail);
		}
	}
}
END_TEST

START_TEST(a_long_line_goes_on_in_parts)
{
	static const struct framing f = TEXT;
	const size_t n = 5 * FRAMING_PART + 17;
	char *line = xmalloc(n + 2);
	static const size_t steps[] = { 1000, 4096, FRAMING_PART - 1, FRAMING_PART, 0 };

	/* A character lies over every border there may be. */
	for (size_t i = 0; i < n; i++)
		line[i] = "\xe2\x82\xac"[i % 3];
	memcpy(line + n - n % 3, "abc", n % 3);
	memcpy(line + n, "\nx", 2);
	for (size_t s = 0; steps[s] > 0; s++) {
		struct framing_in in;
		struct taken t = { 0 };

		framing_in_init(&in, &f);
		for (size_t at = 0; at < n + 2; at += steps[s]) {
			ck_assert_int_eq(framing_in_feed(&in, (uint8_t *)line + at, MIN(steps[s], n + 2 - at), on_part, &t), FRAMING_OK);
			ck_assert_uint_le(in.held.len, FRAMING_PART);
		}
		ck_assert_int_eq(framing_in_end(&in, on_part, &t), FRAMING_OK);
		ck_assert_uint_eq(t.trail.len, n + 7);
		ck_assert_int_eq(memcmp(buf_head(&t.trail) + 2, line, n), 0);
		ck_assert_int_eq(memcmp(buf_head(&t.trail) + 2 + n, "]T[x]", 5), 0);
		ck_assert_uint_ge(t.parts, 4);
		ck_assert_uint_le(t.longest, 2 * FRAMING_PART);
		framing_in_deinit(&in);
		buf_deinit(&t.trail);
	}
	free(line);
}
END_TEST

START_TEST(a_line_that_ends_with_a_part_is_one_message)
{
	static const struct framing f = TEXT;
	uint8_t *line = xmalloc(FRAMING_PART + 1);
	struct framing_in in;
	struct taken t = { 0 };

	memset(line, 'x', FRAMING_PART + 1);
	framing_in_init(&in, &f);
	ck_assert_int_eq(framing_in_feed(&in, line, FRAMING_PART + 1, on_part, &t), FRAMING_OK);
	ck_assert_uint_eq(t.parts, 1);
	ck_assert_int_eq(framing_in_feed(&in, (const uint8_t *)"\n", 1, on_part, &t), FRAMING_OK);
	ck_assert_int_eq(framing_in_end(&in, on_part, &t), FRAMING_OK);
	ck_assert_uint_eq(t.parts, 2);
	ck_assert_uint_eq(t.trail.len, FRAMING_PART + 1 + 3);
	framing_in_deinit(&in);
	buf_deinit(&t.trail);
	free(line);
}
END_TEST

START_TEST(an_encoded_line_has_a_limit)
{
	static const struct framing f = HEX;
	uint8_t *digits = xmalloc(1 << 20);
	enum framing_result r = FRAMING_OK;
	struct framing_in in;
	struct taken t = { 0 };
	size_t fed = 0;

	memset(digits, '0', 1 << 20);
	framing_in_init(&in, &f);
	while (r == FRAMING_OK && fed <= FRAMING_LINE_MAX) {
		r = framing_in_feed(&in, digits, 1 << 20, on_part, &t);
		fed += 1 << 20;
	}
	ck_assert_int_eq(r, FRAMING_LINE_TOO_LONG);
	ck_assert_uint_eq(t.parts, 0);
	framing_in_deinit(&in);
	free(digits);
}
END_TEST

START_TEST(who_takes_the_parts_can_stop)
{
	static const struct framing f = TEXT;
	struct framing_in in;
	struct taken t = { .stop_after = 2 };

	framing_in_init(&in, &f);
	ck_assert_int_eq(take(&in, &t, BIN("a\nb\nc\n"), 6), FRAMING_STOPPED);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[a]T[b]");
	framing_in_deinit(&in);
	buf_deinit(&t.trail);
}
END_TEST

/* --- output --- */

/* One message in chunks cut at every place: two of them, or one for each byte, or one in all. */
static void
put_message(struct framing_out *out, const char *text, size_t n, size_t cut, struct buf *to)
{
	size_t at = 0;

	if (cut == 0)
		cut = n;
	for (;;) {
		size_t step = cut > n ? MIN((size_t)1, n - at) : at == 0 ? cut : n - at;
		struct stream_chunk c = { .opcode = OP_TEXT, .first = at == 0, .data = (const uint8_t *)text + at, .n = step, .length = at + step };

		at += step;
		c.last = at == n;
		framing_out_chunk(out, &c, to);
		if (c.last)
			return;
	}
}

#define TERMINAL { .for_terminal = true }

static const struct {
	const char *name;
	struct framing f;
	const char *message;
	size_t n;
	const char *shown;
	size_t shown_len;
	bool has_separator;
} out_rows[] = {
	{ "a line", TEXT, BIN("hello"), BIN("hello\n"), false },
	{ "empty", TEXT, BIN(""), BIN("\n"), false },
	{ "a newline within", TEXT, BIN("a\nb"), BIN("a\nb\n"), true },
	{ "NUL within a line", TEXT, BIN("a\0b"), BIN("a\0b\n"), false },
	{ "NUL ends", NUL, BIN("a\nb"), BIN("a\nb\0"), false },
	{ "NUL within", NUL, BIN("a\0b"), BIN("a\0b\0"), true },
	{ "whole", WHOLE, BIN("a\nb"), BIN("a\nb"), false },
	{ "base64, 0 left", BASE64, BIN("abcdef"), BIN("YWJjZGVm\n"), false },
	{ "base64, 1 left", BASE64, BIN("abcd"), BIN("YWJjZA==\n"), false },
	{ "base64, 2 left", BASE64, BIN("hello"), BIN("aGVsbG8=\n"), false },
	{ "base64 of nothing", BASE64, BIN(""), BIN("\n"), false },
	{ "hex", HEX, BIN("hi\n\xff"), BIN("68690aff\n"), false },
	{ "whole base64", WHOLE_BASE64, BIN("hello"), BIN("aGVsbG8=\n"), false },
	{ "escaped for a person", TERMINAL, BIN("a\x1b[2Jb\r"), BIN("a\\e[2Jb\\r\n"), false },
	{ "characters for a person", TERMINAL, BIN("\xe2\x82\xac"), BIN("\xe2\x82\xac\n"), false },
};

START_TEST(messages_become_output_at_every_cut)
{
	for (size_t r = 0; r < ARRAY_LEN(out_rows); r++) {
		for (size_t cut = 0; cut <= out_rows[r].n + 1; cut++) {
			struct framing_out out;
			struct buf to = { 0 };

			framing_out_init(&out, &out_rows[r].f);
			/* Twice: nothing of the first is left over. */
			for (int again = 0; again < 2; again++) {
				buf_clear(&to);
				put_message(&out, out_rows[r].message, out_rows[r].n, cut, &to);
				ck_assert_msg(to.len == out_rows[r].shown_len && memcmp(buf_head(&to), out_rows[r].shown, to.len) == 0, "%s, cut %zu: %s",
				    out_rows[r].name, cut, buf_cstr(&to));
			}
			ck_assert_msg(out.has_separator == out_rows[r].has_separator, "%s", out_rows[r].name);
			framing_out_deinit(&out);
			buf_deinit(&to);
		}
	}
}
END_TEST

START_TEST(a_message_cut_short_is_not_shown)
{
	static const struct framing kinds[] = { TEXT, NUL, WHOLE, BASE64, HEX, TERMINAL };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct framing_out out;
		struct buf to = { 0 }, alone = { 0 };
		const struct stream_chunk part = { .opcode = OP_TEXT, .first = true, .data = (const uint8_t *)"part", .n = 4, .length = 4 };

		framing_out_init(&out, &kinds[k]);
		put_message(&out, BIN("whole"), 0, &alone);
		framing_out_chunk(&out, &part, &to);
		framing_out_cut(&out);
		ck_assert_uint_eq(to.len, 0);
		put_message(&out, BIN("whole"), 2, &to);
		ck_assert_str_eq(buf_cstr(&to), buf_cstr(&alone));
		framing_out_deinit(&out);
		buf_deinit(&to);
		buf_deinit(&alone);
	}
}
END_TEST

START_TEST(a_long_message_streams_with_bounded_memory)
{
	static const struct framing kinds[] = { TEXT, BASE64, HEX };
	uint8_t data[4093];

	memset(data, 'x', sizeof(data));
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct framing_out out;
		struct buf to = { 0 }, at_once = { 0 }, all = { 0 };
		struct stream_chunk c = { .opcode = OP_TEXT, .first = true, .data = data, .n = sizeof(data) };

		framing_out_init(&out, &kinds[k]);
		for (int i = 0; i < 100; i++, c.first = false) {
			c.length += c.n;
			c.last = i == 99;
			framing_out_chunk(&out, &c, &to);
			buf_append(&all, data, sizeof(data));
			ck_assert_uint_le(out.held.len + out.carry.len, FRAMING_PART + sizeof(data));
		}
		put_message(&out, (const char *)buf_head(&all), all.len, 0, &at_once);
		ck_assert_uint_eq(to.len, at_once.len);
		ck_assert_int_eq(memcmp(buf_head(&to), buf_head(&at_once), to.len), 0);
		framing_out_deinit(&out);
		buf_deinit(&to);
		buf_deinit(&at_once);
		buf_deinit(&all);
	}
}
END_TEST

START_TEST(a_person_is_not_shown_a_flood)
{
	static const struct framing f = TERMINAL;
	uint8_t *data = xmalloc(FRAMING_SHOWN);
	struct framing_out out;
	struct buf to = { 0 };
	struct stream_chunk c = { .opcode = OP_TEXT, .first = true, .data = data, .n = FRAMING_SHOWN, .length = FRAMING_SHOWN };

	memset(data, 'x', FRAMING_SHOWN);
	framing_out_init(&out, &f);
	framing_out_chunk(&out, &c, &to);
	c.first = false;
	c.n = 5;
	c.length += 5;
	c.last = true;
	framing_out_chunk(&out, &c, &to);
	ck_assert_uint_eq(to.len, FRAMING_SHOWN + strlen("... (+5 bytes)\n"));
	ck_assert_str_eq(buf_cstr(&to) + FRAMING_SHOWN, "... (+5 bytes)\n");
	framing_out_deinit(&out);
	buf_deinit(&to);
	free(data);
}
END_TEST

UNIT_MAIN("framing", input_becomes_messages_at_every_cut, a_long_line_goes_on_in_parts, a_line_that_ends_with_a_part_is_one_message,
    an_encoded_line_has_a_limit, who_takes_the_parts_can_stop, messages_become_output_at_every_cut, a_message_cut_short_is_not_shown,
    a_long_message_streams_with_bounded_memory, a_person_is_not_shown_a_flood)
