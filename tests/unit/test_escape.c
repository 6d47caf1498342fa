/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include "support/unit.h"

static const struct {
	struct span in;
	size_t max;
	const char *out;
} rows[] = {
	{ SPAN_LIT("plain"), 0, "plain" },
	{ SPAN_LIT("a\nb\r\t\\"), 0, "a\\nb\\r\\t\\\\" },
	{ SPAN_LIT("\x1b[31mred"), 0, "\\e[31mred" },
	{ SPAN_LIT("nul\0end"), 0, "nul\\x00end" },
	{ SPAN_LIT("\x7f"), 0, "\\x7F" },
	{ SPAN_LIT("caf\xc3\xa9 \xe2\x82\xac"), 0, "caf\xc3\xa9 \xe2\x82\xac" },
	{ SPAN_LIT("\xff\xfe"), 0, "\\xFF\\xFE" },
	{ SPAN_LIT("cut \xe2\x82"), 0, "cut \\xE2\\x82" },
	{ SPAN_LIT("\xc2\x9b" "31m"), 0, "\\u{009B}31m" },
	{ SPAN_LIT("\xe2\x80\xae" "gpj"), 0, "\\u{202E}gpj" },
	{ SPAN_LIT("abcdef"), 3, "abc... (+3 bytes)" },
	{ SPAN_LIT("ab\xe2\x82\xac" "c"), 3, "ab... (+4 bytes)" },
	{ SPAN_LIT(""), 0, "" },
};

START_TEST(nothing_a_terminal_obeys_gets_through)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = { 0 };

		escape_text(&b, rows[i].in, rows[i].max);
		ck_assert_str_eq(buf_cstr(&b), rows[i].out);
		buf_deinit(&b);
	}
}
END_TEST

UNIT_MAIN("escape", nothing_a_terminal_obeys_gets_through)
