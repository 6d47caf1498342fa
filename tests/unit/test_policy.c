/* SPDX-License-Identifier: MIT */
#include "connect/policy.h"

#include "base/clock.h"

#include "support/unit.h"

static const struct policy by_default = { .enabled = true }, fixed = { .enabled = true, .has_delay = true, .min_us = 2 * US_PER_S, .max_us = 2 * US_PER_S },
    range = { .enabled = true, .has_delay = true, .min_us = US_PER_S, .max_us = 30 * US_PER_S };

START_TEST(default_delays_are_those_of_rfc_6455)
{
	struct rng rng;
	int64_t seen_low = INT64_MAX, seen_high = 0;

	rng_init_seed(&rng, 1);
	for (int i = 0; i < 2000; i++) {
		int64_t d = policy_delay(&by_default, 0, US_UNKNOWN, &rng);

		ck_assert(d >= 0 && d <= 5 * US_PER_S);
		seen_low = d < seen_low ? d : seen_low;
		seen_high = d > seen_high ? d : seen_high;
	}
	ck_assert(seen_low < US_PER_S / 2 && seen_high > 4 * US_PER_S);
	for (unsigned step = 1; step < 40; step++) {
		int64_t d = policy_delay(&by_default, step, US_UNKNOWN, &rng), full = step < 4 ? (5 << step) * US_PER_S : 60 * US_PER_S;

		ck_assert_msg(d >= full / 2 && d <= full, "step %u: %lld", step, (long long)d);
	}
}
END_TEST

START_TEST(a_single_number_is_always_that)
{
	struct rng rng;

	rng_init_seed(&rng, 2);
	for (unsigned step = 0; step < 10; step++)
		ck_assert_int_eq(policy_delay(&fixed, step, US_UNKNOWN, &rng), 2 * US_PER_S);
}
END_TEST

START_TEST(a_range_grows_from_its_beginning_to_its_end)
{
	struct rng rng;

	rng_init_seed(&rng, 3);
	for (unsigned step = 0; step < 20; step++) {
		int64_t d = policy_delay(&range, step, US_UNKNOWN, &rng);

		ck_assert(d >= US_PER_S && d <= 30 * US_PER_S);
		ck_assert(step > 0 || d <= 2 * US_PER_S);
		ck_assert(step < 5 || d >= 15 * US_PER_S);
	}
}
END_TEST

START_TEST(retry_after_is_a_lower_bound)
{
	struct rng rng;

	rng_init_seed(&rng, 4);
	ck_assert_int_eq(policy_delay(&fixed, 0, 7 * US_PER_S, &rng), 7 * US_PER_S);
	ck_assert_int_eq(policy_delay(&fixed, 0, US_PER_S, &rng), 2 * US_PER_S);
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date)
{
	const int64_t now = INT64_C(1772662382) * US_PER_S; /* Wed, 04 Mar 2026 22:13:02 GMT */

	ck_assert_int_eq(policy_retry_after(SPAN_LIT("120"), now), 120 * US_PER_S);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT(" 0 "), now), 0);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT("Wed, 04 Mar 2026 22:13:32 GMT"), now), 30 * US_PER_S);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT("Wed, 04 Mar 2026 22:13:00 GMT"), now), 0);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT("99999999999"), now), 86400 * US_PER_S);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT("soon"), now), US_UNKNOWN);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT("-5"), now), US_UNKNOWN);
	ck_assert_int_eq(policy_retry_after(SPAN_LIT(""), now), US_UNKNOWN);
	ck_assert_int_eq(policy_retry_after(SPAN_NONE, now), US_UNKNOWN);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	int64_t min_ms, max_ms;
} delays[] = {
	{ "2", true, 2000, 2000 },
	{ "0.5", true, 500, 500 },
	{ "1:30", true, 1000, 30000 },
	{ "0:30", true, 0, 30000 },
	{ "0", true, 0, 0 },
	{ "250ms", true, 250, 250 },
	{ "500ms:1m", true, 500, 60000 },
	{ "30:1", false, 0, 0 },
	{ ":", false, 0, 0 },
	{ "1:", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "-1", false, 0, 0 },
	{ "1e3", false, 0, 0 },
	{ "1.2.3", false, 0, 0 },
	{ "999999", false, 0, 0 },
	{ "nan", false, 0, 0 },
};

START_TEST(delays_are_read_as_a_number_or_a_range)
{
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct policy p = { 0 };

		ck_assert_msg(policy_parse_delay(delays[i].text, &p) == delays[i].ok, "%s", delays[i].text);
		ck_assert_int_eq(p.min_us, delays[i].min_ms * US_PER_MS);
		ck_assert_int_eq(p.max_us, delays[i].max_ms * US_PER_MS);
	}
}
END_TEST

static const struct {
	enum event_type type;
	enum cause cause;
	int code;
	bool ours;
	bool on_lost, on_any;
} ends[] = {
	{ EV_LOST, CAUSE_TCP_CLOSED, 0, false, true, true },
	{ EV_LOST, CAUSE_TCP_RESET, 0, false, true, true },
	{ EV_LOST, CAUSE_WS_PING_TIMEOUT, 0, false, true, true },
	{ EV_LOST, CAUSE_WS_PROTOCOL, 0, false, true, true },
	{ EV_LOST, CAUSE_LOCAL_INTERRUPT, 0, false, false, false },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1000, true, false, false },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1000, false, false, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1001, false, true, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1005, false, false, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1008, false, false, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1011, false, false, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1012, false, true, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1013, false, true, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 1014, false, true, true },
	{ EV_CLOSE, CAUSE_WS_CLOSE, 4001, false, false, true },
};

START_TEST(after_which_ends_it_dials_again)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct ev_ended e = { .cause = ends[i].cause, .code = ends[i].code };
		const struct policy on_any = { .enabled = true, .on = RECONNECT_ON_ANY }, off = { 0 };
		const char *why;

		ck_assert_msg(policy_after_end(&by_default, ends[i].type, &e, ends[i].ours, &why) == ends[i].on_lost, "row %zu", i);
		ck_assert_msg(policy_after_end(&on_any, ends[i].type, &e, ends[i].ours, &why) == ends[i].on_any, "row %zu", i);
		ck_assert(!policy_after_end(&off, ends[i].type, &e, ends[i].ours, &why));
	}
}
END_TEST

START_TEST(failures_that_repeat_themselves_are_given_up)
{
	const struct policy on_any = { .enabled = true, .on = RECONNECT_ON_ANY }, three = { .enabled = true, .tries = 3 };
	const struct failure refused = { .cause = CAUSE_HTTP_REFUSED }, expired = { .cause = CAUSE_CERT_EXPIRED }, tcp = { .cause = CAUSE_TCP_REFUSED };
	const char *why;

	ck_assert(policy_after_failure(&by_default, &refused, 502, 1, &why));
	ck_assert(policy_after_failure(&by_default, &refused, 503, 100, &why));
	ck_assert(!policy_after_failure(&by_default, &refused, 401, 1, &why));
	ck_assert(!policy_after_failure(&by_default, &refused, 403, 1, &why));
	ck_assert(!policy_after_failure(&by_default, &refused, 404, 1, &why));
	ck_assert(policy_after_failure(&on_any, &refused, 404, 1, &why));
	ck_assert(!policy_after_failure(&by_default, &expired, 0, 1, &why));
	ck_assert(policy_after_failure(&on_any, &expired, 0, 1, &why));
	ck_assert(policy_after_failure(&three, &tcp, 0, 2, &why));
	ck_assert(!policy_after_failure(&three, &tcp, 0, 3, &why));
}
END_TEST

UNIT_MAIN("policy", default_delays_are_those_of_rfc_6455, a_single_number_is_always_that, a_range_grows_from_its_beginning_to_its_end,
    retry_after_is_a_lower_bound, retry_after_is_seconds_or_a_date, delays_are_read_as_a_number_or_a_range, after_which_ends_it_dials_again,
    failures_that_repeat_themselves_are_given_up)
