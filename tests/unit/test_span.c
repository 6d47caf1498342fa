/* SPDX-License-Identifier: MIT */
#include "base/span.h"

#include "base/mem.h"

#include "support/unit.h"

START_TEST(next_splits_and_keeps_empty_items)
{
	struct span rest = SPAN_LIT("a,,b"), item;

	ck_assert(span_next(&rest, ',', &item));
	ck_span_eq(item, "a");
	ck_assert(span_next(&rest, ',', &item));
	ck_span_eq(item, "");
	ck_assert(span_next(&rest, ',', &item));
	ck_span_eq(item, "b");
	ck_assert(!span_next(&rest, ',', &item));
}
END_TEST

START_TEST(a_separator_at_the_end_leaves_an_empty_item)
{
	struct span rest = SPAN_LIT("a,"), item;

	ck_assert(span_next(&rest, ',', &item));
	ck_assert(span_next(&rest, ',', &item));
	ck_span_eq(item, "");
	ck_assert(!span_next(&rest, ',', &item));
}
END_TEST

START_TEST(comparisons_know_length_and_case)
{
	ck_assert(span_eq(SPAN_LIT("abc"), "abc"));
	ck_assert(!span_eq(SPAN_LIT("abc"), "ab"));
	ck_assert(!span_eq(SPAN_LIT("ab"), "abc"));
	ck_assert(span_eq_ci(SPAN_LIT("UpGrade"), "upgrade"));
	ck_assert(span_starts_ci(SPAN_LIT("Basic xyz"), "basic "));
	ck_assert(span_contains_ci(SPAN_LIT("1.1 VarNish (x)"), "varnish"));
	ck_assert(!span_contains_ci(SPAN_LIT("varnis"), "varnish"));
	ck_assert(span_eq(SPAN_NONE, ""));
	ck_span_eq(span_trim(SPAN_LIT(" \tx y\t ")), "x y");
	ck_span_eq(span_trim(SPAN_LIT("  ")), "");
}
END_TEST

START_TEST(dup_terminates)
{
	char *s CLEANUP(free_charp) = span_dup((struct span){ "abcdef", 3 });

	ck_assert_str_eq(s, "abc");
}
END_TEST

UNIT_MAIN("span", next_splits_and_keeps_empty_items, a_separator_at_the_end_leaves_an_empty_item, comparisons_know_length_and_case, dup_terminates)
