/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "support/unit.h"

#include <stdint.h>
#include <string.h>

static bool
is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

START_TEST(what_is_got_is_zeroed_aligned_and_stays_where_it_is)
{
	struct arena a = { 0 };

	for (int round = 0; round < 3; round++) {
		unsigned char *first = arena_get(&a, 3);
		size_t sizes[] = { 0, 1, 100, 16 * 1024, 1, 100000, 7 };

		ck_assert(is_zero(first, 3));
		first[0] = 0xaa;
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			unsigned char *p = arena_get(&a, sizes[i]);

			ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
			ck_assert(is_zero(p, sizes[i]));
			memset(p, 0xff, sizes[i]);
		}
		ck_assert_uint_eq(first[0], 0xaa);
		arena_clear(&a);
	}
	arena_deinit(&a);
}
END_TEST

START_TEST(a_copy_ends_in_a_nul_and_nothing_stays_nothing)
{
	struct arena a = { 0 };
	struct span s = arena_copy(&a, (struct span){ "abcdef", 3 });

	ck_assert_str_eq(s.p, "abc");
	ck_assert_uint_eq(s.n, 3);
	ck_assert_str_eq(arena_copy(&a, SPAN_LIT("")).p, "");
	ck_assert_ptr_null(arena_copy(&a, SPAN_NONE).p);
	arena_deinit(&a);
}
END_TEST

UNIT_MAIN("arena", what_is_got_is_zeroed_aligned_and_stays_where_it_is, a_copy_ends_in_a_nul_and_nothing_stays_nothing)
