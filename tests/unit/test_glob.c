/* SPDX-License-Identifier: MIT */
#include "base/glob.h"

#include "base/mem.h"
#include "support/unit.h"

static const struct {
	const char *pattern, *text;
	bool matches;
} rows[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "abc", "abc", true },
	{ "abc", "abcd", false },
	{ "abc", "ab", false },
	{ "a?c", "abc", true },
	{ "a?c", "ac", false },
	{ "*", "", true },
	{ "*", "abc", true },
	{ "a*", "a", true },
	{ "a*c", "abcbc", true },
	{ "a*c", "abcb", false },
	{ "*b*", "abc", true },
	{ "*b*d", "abcbcd", true },
	{ "**a", "ba", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\?x", "?x", true },
	{ "a\\", "a\\", true },
	{ "*\\**", "a*b", true },
};

START_TEST(a_pattern_matches_the_whole_text)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		ck_assert_msg(glob_matches(rows[r].pattern, span_of(rows[r].text)) == rows[r].matches, "%s %s", rows[r].pattern, rows[r].text);
}
END_TEST

UNIT_MAIN("glob", a_pattern_matches_the_whole_text)
