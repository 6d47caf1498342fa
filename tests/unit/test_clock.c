/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "support/unit.h"

#include <time.h>

START_TEST(rfc3339_is_utc_with_microseconds)
{
	struct buf b = { 0 };

	clock_format_rfc3339(&b, INT64_C(1772662382071042));
	ck_assert_str_eq(buf_cstr(&b), "2026-03-04T22:13:02.071042Z");
	buf_clear(&b);
	clock_format_rfc3339(&b, -1);
	ck_assert_str_eq(buf_cstr(&b), "1969-12-31T23:59:59.999999Z");
	buf_deinit(&b);
}
END_TEST

START_TEST(local_time_follows_the_zone)
{
	struct buf b = { 0 };

	setenv("TZ", "XXX-1", 1);
	tzset();
	clock_format_local(&b, INT64_C(1772662382071042));
	ck_assert_str_eq(buf_cstr(&b), "23:13:02.071");
	buf_clear(&b);
	clock_format_local_date(&b, INT64_C(1772662382071042));
	ck_assert_str_eq(buf_cstr(&b), "2026-03-04 +01:00");
	setenv("TZ", "XXX+3:30", 1);
	tzset();
	buf_clear(&b);
	clock_format_local_date(&b, INT64_C(1772662382071042));
	ck_assert_str_eq(buf_cstr(&b), "2026-03-04 -03:30");
	buf_deinit(&b);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} durations[] = {
	{ 0, "0.0ms" },
	{ 420, "0.4ms" },
	{ 41000, "41ms" },
	{ 999400, "999ms" },
	{ 999600, "1.0s" },
	{ 10400000, "10.4s" },
	{ 59940000, "59.9s" },
	{ 59960000, "1m00s" },
	{ 410000000, "6m50s" },
	{ 3599600000, "1h00m" },
	{ 7380000000, "2h03m" },
};

START_TEST(durations_read_as_a_person_says_them)
{
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		struct buf b = { 0 };

		clock_format_duration(&b, durations[i].us);
		ck_assert_str_eq(buf_cstr(&b), durations[i].text);
		buf_deinit(&b);
	}
}
END_TEST

UNIT_MAIN("clock", rfc3339_is_utc_with_microseconds, local_time_follows_the_zone, durations_read_as_a_person_says_them)
