/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include "support/unit.h"

#include <string.h>

START_TEST(a_seed_repeats_its_bytes_however_they_are_drawn)
{
	struct rng a, b;
	uint8_t all[3000], piece[3000];

	rng_init_seed(&a, 7);
	rng_init_seed(&b, 7);
	rng_bytes(&a, all, sizeof(all));
	for (size_t at = 0, n = 1; at < sizeof(piece); at += n, n = n % 13 + 1) {
		if (n > sizeof(piece) - at)
			n = sizeof(piece) - at;
		rng_bytes(&b, piece + at, n);
	}
	ck_assert(memcmp(all, piece, sizeof(all)) == 0);
}
END_TEST

START_TEST(the_kernel_gives_different_numbers_each_time)
{
	struct rng a, b;

	rng_init_system(&a);
	rng_init_system(&b);
	ck_assert_uint_ne(rng_u64(&a), rng_u64(&b));
}
END_TEST

UNIT_MAIN("rng", a_seed_repeats_its_bytes_however_they_are_drawn, the_kernel_gives_different_numbers_each_time)
