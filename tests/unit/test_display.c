/* SPDX-License-Identifier: MIT */
#include "connect/display.h"

#include "base/clock.h"
#include "codec/frame.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static struct ev_message
message(enum direction dir, uint8_t opcode, const char *data, size_t n)
{
	return (struct ev_message){ .dir = dir, .opcode = opcode, .length = n, .data = { data, n } };
}

static const char *
shown(struct display *d, struct ev_message m, uint32_t other, int64_t now_us)
{
	static struct buf out;

	buf_clear(&out);
	display_message(d, &m, other, now_us, &out);
	return buf_cstr(&out);
}

START_TEST(a_message_is_a_line_with_its_direction)
{
	struct display d;

	display_init(&d);
	ck_assert_str_eq(shown(&d, message(DIR_IN, OP_TEXT, "hi", 2), 0, 1), "< hi\n");
	ck_assert_str_eq(shown(&d, message(DIR_OUT, OP_TEXT, "", 0), 0, 1), "> \n");
	ck_assert_str_eq(shown(&d, message(DIR_IN, OP_TEXT, "hi", 2), 3, 1), "c3 < hi\n");
}
END_TEST

START_TEST(nothing_in_a_message_moves_the_cursor)
{
	struct display d;
	const char wild[] = "a\033[2J\r\n\a\0b" "\xc2\x9b" "\u202e";

	display_init(&d);
	const char *line = shown(&d, message(DIR_IN, OP_TEXT, wild, sizeof(wild) - 1), 0, 1);
	for (const char *p = line; p[1] != '\0'; p++)
		ck_assert_msg((unsigned char)*p >= 0x20 && *p != 0x7f, "%s", line);
	ck_assert_ptr_null(strstr(line, "\xc2\x9b"));
	ck_assert_ptr_null(strstr(line, "\u202e"));
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters_and_the_rest_counted)
{
	struct display d;

	display_init(&d);
	for (size_t max = 0; max <= 9; max++) {
		char expected[80];
		size_t whole = max / 3 * 3;

		d.text_max = max;
		if (whole == 9)
			snprintf(expected, sizeof(expected), "< 日本語\n");
		else
			snprintf(expected, sizeof(expected), "< %.*s ... %zu bytes more; /last shows it whole\n", (int)whole, "日本語", 9 - whole);
		ck_assert_str_eq(shown(&d, message(DIR_IN, OP_TEXT, "日本語", 9), 0, 1), expected);
	}
}
END_TEST

START_TEST(what_was_not_kept_is_counted_too)
{
	struct display d;
	struct ev_message m = message(DIR_IN, OP_TEXT, "kept", 4);

	display_init(&d);
	m.length = 1000;
	ck_assert_str_eq(shown(&d, m, 0, 1), "< kept ... 996 bytes more; /last shows it whole\n");
}
END_TEST

START_TEST(binary_is_a_dump_with_offsets)
{
	struct display d;
	char bytes[18];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 16 + 1);
	display_init(&d);
	ck_assert_str_eq(shown(&d, message(DIR_IN, OP_BINARY, bytes, sizeof(bytes)), 0, 1),
	    "< binary, 18 bytes\n"
	    "  00000000  01 11 21 31 41 51 61 71  81 91 a1 b1 c1 d1 e1 f1  |..!1AQaq........|\n"
	    "  00000010  01 11                                             |..|\n");
	d.binary_max = 1;
	ck_assert_str_eq(shown(&d, message(DIR_IN, OP_BINARY, "A", 1), 0, 1),
	    "< binary, 1 byte\n"
	    "  00000000  41                                                |A|\n");
	ck_assert_ptr_nonnull(strstr(shown(&d, message(DIR_IN, OP_BINARY, bytes, sizeof(bytes)), 0, 1), "  ... 17 more; /last shows it whole\n"));
}
END_TEST

START_TEST(a_flood_is_counted_and_told_once_in_the_next_second)
{
	struct display d;
	struct buf out CLEANUP(buf_deinit) = { 0 };
	int64_t now = 5 * US_PER_S;
	unsigned lines = 0;

	display_init(&d);
	for (int i = 0; i < 12500; i++)
		lines += shown(&d, message(DIR_IN, OP_TEXT, "x", 1), 0, now)[0] != '\0';
	ck_assert_uint_eq(lines, DISPLAY_A_SECOND);
	display_tick(&d, now + US_PER_S / 2, &out);
	ck_assert_uint_eq(out.len, 0);
	display_tick(&d, now + US_PER_S, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "... 12,400 more messages in 1 s"));
	buf_clear(&out);
	display_tick(&d, now + 2 * US_PER_S, &out);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(the_summary_stands_before_the_first_message_of_the_next_second)
{
	struct display d;

	display_init(&d);
	for (int i = 0; i <= DISPLAY_A_SECOND; i++)
		shown(&d, message(DIR_IN, OP_TEXT, "x", 1), 0, US_PER_S);
	const char *text = shown(&d, message(DIR_IN, OP_TEXT, "next", 4), 0, 2 * US_PER_S);
	ck_assert_ptr_nonnull(strstr(text, "... 1 more message in 1 s"));
	ck_assert_str_eq(strchr(text, '\n') + 1, "< next\n");
}
END_TEST

START_TEST(a_hex_dump_has_as_many_bytes_in_a_row_as_fit)
{
	static const struct {
		unsigned columns;
		const char *first;
	} rows[] = {
		{ 0, "  00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|" },
		{ 80, "  00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|" },
		{ 79, "  0000  30 31 32 33 34 35 36 37  |01234567|" },
		{ 43, "  0000  30 31 32 33 34 35 36 37  |01234567|" },
		{ 42, "  0000  30 31 32 33  |0123|" },
		{ 20, "  0000  30 31  |01|" },
		{ 1, "  0000  30 31  |01|" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out CLEANUP(buf_deinit) = { 0 };
		struct span rest, line;

		display_hex_dump(&out, SPAN_LIT("0123456789abcdefg"), rows[i].columns);
		rest = buf_span(&out);
		ck_assert(span_next(&rest, '\n', &line));
		ck_span_eq(line, rows[i].first);
		for (; rest.n > 0 && span_next(&rest, '\n', &line);)
			ck_assert_uint_le(line.n, strlen(rows[i].first));
	}
}
END_TEST

UNIT_MAIN("display", a_hex_dump_has_as_many_bytes_in_a_row_as_fit, a_message_is_a_line_with_its_direction, nothing_in_a_message_moves_the_cursor,
    a_long_message_is_cut_between_characters_and_the_rest_counted, what_was_not_kept_is_counted_too, binary_is_a_dump_with_offsets,
    a_flood_is_counted_and_told_once_in_the_next_second, the_summary_stands_before_the_first_message_of_the_next_second)
