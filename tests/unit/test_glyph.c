/* SPDX-License-Identifier: MIT */
#include "connect/glyph.h"

#include "support/unit.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const char *
drawn(const char *text)
{
	static char shown[256];
	wchar_t *line = glyph_line(text);
	char bytes[256];
	struct buf out CLEANUP(buf_deinit) = { 0 };

	ck_assert_ptr_nonnull(line);
	ck_assert_uint_lt(wcstombs(bytes, line, sizeof(bytes)), sizeof(bytes));
	ck_assert_uint_eq(glyph_draw(&out, span_of(bytes)), strlen(bytes));
	free(line);
	snprintf(shown, sizeof(shown), "%s", buf_cstr(&out));
	return shown;
}

static const struct {
	const char *text, *drawn;
	int cells;
} rows[] = {
	{ "plain", "plain", 5 },
	{ "日本", "日本", 4 },
	{ "é", "é", 1 },
	{ "e\u0301", "e\u25cc\u0301", 2 },
	{ "a\nb", "a\u2424b", 3 },
	{ "\u2764\ufe0f", "\u2764\u25cc", 2 },
	{ "x\u200dy", "x\u25ccy", 3 },
	{ "\U00100041", "\U00100041", 1 },   /* of that plane, but none of ours */
	{ "\U000f0301", "\U000f0301", 1 },
	{ "", "", 0 },
};

START_TEST(every_character_has_its_cells_on_the_screen)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wchar_t *line = glyph_line(rows[i].text);
		int cells = 0;

		for (wchar_t *c = line; *c != L'\0'; c++)
			cells += wcwidth(*c);
		ck_assert_msg(cells == rows[i].cells, "%s: %d cells", rows[i].text, cells);
		free(line);
		ck_assert_str_eq(drawn(rows[i].text), rows[i].drawn);
	}
}
END_TEST

START_TEST(what_is_sent_is_what_was_typed)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wchar_t *line = glyph_line(rows[i].text);
		char *text CLEANUP(free_charp) = glyph_text(line, wcslen(line));

		ck_assert_str_eq(text, rows[i].text);
		free(line);
	}
}
END_TEST

START_TEST(a_character_may_be_cut_at_every_byte)
{
	const char *bytes = "a\U00100301b\U0010000ac";

	for (size_t cut = 0; cut <= strlen(bytes); cut++) {
		struct buf out CLEANUP(buf_deinit) = { 0 };
		size_t taken = glyph_draw(&out, (struct span){ bytes, cut });

		ck_assert_uint_le(taken, cut);
		ck_assert_uint_eq(glyph_draw(&out, span_of(bytes + taken)), strlen(bytes) - taken);
		ck_assert_str_eq(buf_cstr(&out), "a\u25cc\u0301b\u2424c");
	}
}
END_TEST

START_TEST(what_is_not_utf8_is_no_line)
{
	ck_assert_ptr_null(glyph_line("a\xff"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { every_character_has_its_cells_on_the_screen, what_is_sent_is_what_was_typed, a_character_may_be_cut_at_every_byte,
		what_is_not_utf8_is_no_line };

	setlocale(LC_ALL, "C.UTF-8");
	return unit_run("glyph", 1, tests, ARRAY_LEN(tests));
}
