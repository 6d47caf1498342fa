/* SPDX-License-Identifier: MIT */
#include "log/fold.h"

#include "support/unit.h"

#include <locale.h>

static const struct {
	unsigned columns, indent;
	const char *text, *laid_out;
} rows[] = {
	{ 0, 2, "one two  three", "one two  three" },
	{ 10, 2, "one two three", "one two\n  three" },
	{ 7, 2, "one two", "one two" },
	{ 6, 0, "one two", "one\ntwo" },
	{ 10, 2, "a  bc  defghijk", "a  bc\n  defghijk" },            /* spaces vanish only at a break */
	{ 10, 2, "a defghijklmnopqrst", "a\n  defghijk\n  lmnopqrs\n  t" },
	{ 10, 0, "aaaaaaaaaabbbbbbbbbbcc", "aaaaaaaaaa\nbbbbbbbbbb\ncc" },
	{ 10, 2, "one\ntwo\n\n  three", "one\n  two\n\n    three" },
	{ 10, 2, "one   ", "one" },
	{ 6, 0, "\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9" }, /* 6 columns, 11 bytes */
	{ 4, 0, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", "\xe4\xb8\xad\xe4\xb8\xad\n\xe4\xb8\xad" },        /* two columns each */
	{ 3, 0, "ae\xcc\x81o u", "ae\xcc\x81o\nu" },                  /* a combining accent takes none */
	{ 1, 0, "\xe4\xb8\xad\xe4\xb8\xad", "\xe4\xb8\xad\n\xe4\xb8\xad" }, /* no room at all: still every character */
	{ 2, 8, "abc de", "ab\n        c\n        d\n        e" },
	{ 10, 2, "", "" },
};

START_TEST(text_is_broken_between_words)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };
		struct fold f = { .out = &b, .columns = rows[i].columns, .indent = rows[i].indent };

		fold_text(&f, span_of(rows[i].text));
		ck_assert_msg(span_eq(buf_span(&b), rows[i].laid_out), "row %zu: \"%s\"", i, buf_cstr(&b));
		buf_deinit(&b);
	}
}
END_TEST

/* Whatever the width, what is not a space or a newline comes out again, in order. */
START_TEST(nothing_is_lost_at_any_width)
{
	const char *text = "wss://example.org/a/rather/long/path \xe4\xb8\xad\xe6\x96\x87 age 6m50s, silent in 10.4s out 10.4s";

	for (unsigned columns = 1; columns < 100; columns++) {
		struct buf b = { 0 };
		struct fold f = { .out = &b, .columns = columns, .indent = columns % 7 };

		fold_text(&f, span_of(text));
		const char *p = buf_cstr(&b);
		for (const char *t = text; *t != '\0'; t++) {
			if (*t == ' ')
				continue;
			while (*p == ' ' || *p == '\n')
				p++;
			ck_assert_int_eq(*p++, *t);
		}
		ck_assert_int_eq(*p, '\0');
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(colours_take_no_columns)
{
	struct buf b = { 0 };
	struct fold f = { .out = &b, .columns = 7 };

	fold_word(&f, SPAN_LIT("one"), "\033[31m", "\033[0m");
	fold_text(&f, SPAN_LIT(" two three"));
	ck_assert_str_eq(buf_cstr(&b), "\033[31mone\033[0m two\nthree");
	buf_deinit(&b);
}
END_TEST

UNIT_MAIN("fold", text_is_broken_between_words, nothing_is_lost_at_any_width, colours_take_no_columns)
