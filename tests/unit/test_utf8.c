/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "support/unit.h"

#include <string.h>

static const struct {
	const char *text;
	size_t n;
	size_t valid;  /* how many bytes are taken */
	bool complete; /* after those */
} rows[] = {
	{ "", 0, 0, true },
	{ "plain ascii, longer than eight bytes", 36, 36, true },
	{ "\xc3\xa9", 2, 2, true },
	{ "\xe2\x82\xac", 3, 3, true },
	{ "\xf0\x9f\x98\x80", 4, 4, true },
	{ "\xf4\x8f\xbf\xbf", 4, 4, true },
	{ "\xed\x9f\xbf", 3, 3, true },
	{ "abcdefgh\xe2\x82", 10, 10, false },
	{ "\xf0\x9f\x98", 3, 3, false },
	{ "\x80", 1, 0, true },                  /* continuation alone */
	{ "\xc0\xaf", 2, 0, true },              /* overlong */
	{ "\xc1\xbf", 2, 0, true },
	{ "\xe0\x80\xaf", 3, 1, false },         /* overlong */
	{ "\xf0\x80\x80\xaf", 4, 1, false },
	{ "\xed\xa0\x80", 3, 1, false },         /* surrogate */
	{ "\xf4\x90\x80\x80", 4, 1, false },     /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", 4, 0, true },
	{ "abc\xff" "def", 7, 3, true },
	{ "\xc3" "A", 2, 1, false },
};

START_TEST(rows_are_judged_the_same_at_every_split_point)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		for (size_t cut = 0; cut <= rows[r].n; cut++) {
			struct utf8 u = { 0 };
			size_t used = utf8_feed(&u, rows[r].text, cut);

			if (used == cut)
				used += utf8_feed(&u, rows[r].text + cut, rows[r].n - cut);
			ck_assert_msg(used == rows[r].valid, "row %zu cut %zu: %zu valid", r, cut, used);
			ck_assert_msg(utf8_is_complete(&u) == rows[r].complete, "row %zu cut %zu", r, cut);
		}
	}
}
END_TEST

START_TEST(a_cut_character_is_not_valid_as_a_whole)
{
	ck_assert(!utf8_is_valid((struct span){ "\xe2\x82", 2 }));
	ck_assert(utf8_is_valid(SPAN_LIT("\xe2\x82\xac")));
	ck_assert(utf8_is_valid(SPAN_NONE));
}
END_TEST

UNIT_MAIN("utf8", rows_are_judged_the_same_at_every_split_point, a_cut_character_is_not_valid_as_a_whole)
