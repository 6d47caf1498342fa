/* SPDX-License-Identifier: MIT */
#include "report/options.h"

#include "base/clock.h"
#include "support/unit.h"

#define S US_PER_S
#define NOON (INT64_C(1772582400) * S + INT64_C(43200) * S) /* 2026-03-04T12:00:00Z */

static const struct {
	const char *text;
	int64_t near, us;
} good[] = {
	{ "22:13", NOON, NOON + (10 * 3600 + 13 * 60) * S },
	{ "22:13:02", NOON, NOON + (10 * 3600 + 13 * 60 + 2) * S },
	{ "12:00:00.25", NOON, NOON + S / 4 },
	{ "11:00", NOON, NOON - 3600 * S },
	{ "00:30", NOON + 11 * 3600 * S, NOON - 43200 * S + 86400 * S + 1800 * S },
	{ "2026-03-04T12:00:00Z", 0, NOON },
	{ "2026-03-04 12:00", 0, NOON },
	{ "2026-03-04T13:00:00+01:00", 0, NOON },
	{ "2026-03-04T07:30:00-04:30", 0, NOON },
};

static const char *const bad[] = { "", "teatime", "25:00", "12:60", "12", "12:00:xx",
	 "12:00:00+01", "2026-13-04T12:00:00Z", "2026-03-04", "2026-03-04T12:00:00 +1", "12:00Z" };

START_TEST(times_of_the_day_and_whole_ones)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t us = -1;

		ck_assert_msg(report_parse_time(good[i].text, good[i].near, &us), "%s", good[i].text);
		ck_assert_msg(us == good[i].us, "%s is %lld, not %lld", good[i].text, (long long)us, (long long)good[i].us);
	}
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t us;

		ck_assert_msg(!report_parse_time(bad[i], NOON, &us), "%s", bad[i]);
	}
}
END_TEST

UNIT_MAIN("report_options", times_of_the_day_and_whole_ones, what_is_no_time_is_refused)
