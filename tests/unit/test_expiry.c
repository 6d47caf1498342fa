/* SPDX-License-Identifier: MIT */
#include "fault/expiry.h"

#include "support/unit.h"

static void
set(struct expiries *e, enum plan_do what, int legs, int dirs, int64_t for_us, int64_t now_us)
{
	const struct plan_action a = { .what = what, .legs = legs, .dirs = dirs, .time_us = for_us, .is_timed = for_us >= 0 };

	expiries_set(e, &a, now_us);
}

START_TEST(each_leg_and_direction_is_over_in_its_own_time)
{
	struct expiries e = { 0 };
	enum plan_do what;
	int bit;

	ck_assert_int_eq(expiries_next(&e), -1);
	set(&e, DO_DROP, 0, PLAN_BOTH_WAYS, 100, 1000);
	set(&e, DO_HOLD, PLAN_ORIGIN, 0, 50, 1000);
	ck_assert_int_eq(expiries_next(&e), 1050);
	ck_assert(!expiries_take(&e, 1049, &what, &bit));
	ck_assert(expiries_take(&e, 1050, &what, &bit));
	ck_assert_int_eq(what, DO_HOLD);
	ck_assert_int_eq(bit, PLAN_ORIGIN);
	ck_assert(!expiries_take(&e, 1050, &what, &bit));
	int dirs = 0;
	while (expiries_take(&e, 1100, &what, &bit)) {
		ck_assert_int_eq(what, DO_DROP);
		dirs |= bit;
	}
	ck_assert_int_eq(dirs, PLAN_BOTH_WAYS);
	ck_assert_int_eq(expiries_next(&e), -1);
}
END_TEST

START_TEST(the_last_one_that_is_set_counts)
{
	struct expiries e = { 0 };
	enum plan_do what;
	int bit;

	set(&e, DO_STALL, 0, PLAN_BOTH_WAYS, 100, 1000);
	set(&e, DO_STALL, 0, PLAN_UP, 100, 1050);
	set(&e, DO_STALL, 0, PLAN_DOWN, -1, 1050);
	ck_assert_int_eq(expiries_next(&e), 1150);
	ck_assert(expiries_take(&e, INT64_MAX, &what, &bit));
	ck_assert_int_eq(bit, PLAN_UP);
	ck_assert(!expiries_take(&e, INT64_MAX, &what, &bit));
}
END_TEST

UNIT_MAIN("expiry", each_leg_and_direction_is_over_in_its_own_time, the_last_one_that_is_set_counts)
