/* SPDX-License-Identifier: MIT */
#include "ws/heartbeat.h"

#include "base/mem.h"

#include "support/unit.h"

#include <string.h>

/* In these tests a microsecond is a second: only the order matters. */
enum { END = -1, ALIVE = 100 };

/* At `at` the owner does what is due until nothing is, or hears something (ALIVE). */
struct step {
	int64_t at;
	int expected[4]; /* actions, ended by BEAT_NOTHING */
	int64_t next;    /* when to ask again */
};

static const struct {
	const char *name;
	int64_t interval, timeout;
	struct step steps[10];
} rows[] = {
	{ "no pings", 0, 0, { { 0, { BEAT_NOTHING }, -1 }, { 1000, { BEAT_NOTHING }, -1 }, { END } } },
	{ "no pings, and so no timeout", 0, 20, { { 0, { BEAT_NOTHING }, -1 }, { 1000, { BEAT_NOTHING }, -1 }, { END } } },
	{ "pings without timeout", 10, 0, { { 9, { BEAT_NOTHING }, 10 }, { 10, { BEAT_PING }, 20 }, { 20, { BEAT_PING }, 30 }, { 1000, { BEAT_PING }, 1010 }, { END } } },
	{ "answered in time", 10, 20, { { 10, { BEAT_PING }, 20 }, { 11, { ALIVE }, 20 }, { 20, { BEAT_PING }, 30 }, { 21, { ALIVE }, 30 }, { END } } },
	{ "worry, then timeout", 10, 20,
	    { { 10, { BEAT_PING }, 20 }, { 20, { BEAT_WORRY, BEAT_PING }, 30 }, { 29, { BEAT_NOTHING }, 30 }, { 30, { BEAT_TIMEOUT }, 30 }, { END } } },
	{ "a short timeout strikes before the next ping", 10, 4,
	    { { 10, { BEAT_PING }, 12 }, { 12, { BEAT_WORRY }, 14 }, { 13, { BEAT_NOTHING }, 14 }, { 14, { BEAT_TIMEOUT }, 14 }, { END } } },
	{ "the first unanswered ping counts, not the last", 10, 25,
	    { { 10, { BEAT_PING }, 20 }, { 20, { BEAT_PING }, 22 }, { 22, { BEAT_WORRY }, 30 }, { 30, { BEAT_PING }, 35 }, { 34, { BEAT_NOTHING }, 35 },
	        { 35, { BEAT_TIMEOUT }, 35 }, { END } } },
	{ "life ends the worry, which may come again", 10, 8,
	    { { 10, { BEAT_PING }, 14 }, { 14, { BEAT_WORRY }, 18 }, { 15, { ALIVE }, 20 }, { 20, { BEAT_PING }, 24 }, { 24, { BEAT_WORRY }, 28 },
	        { 28, { BEAT_TIMEOUT }, 28 }, { END } } },
	{ "asked late, it is lost at once", 10, 20, { { 10, { BEAT_PING }, 20 }, { 500, { BEAT_TIMEOUT }, 20 }, { END } } },
	{ "a late ping is not made up for", 10, 0, { { 95, { BEAT_PING }, 105 }, { 105, { BEAT_PING }, 115 }, { END } } },
};

START_TEST(what_is_due_when)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct heartbeat h;

		heartbeat_init(&h, rows[r].interval, rows[r].timeout, 1, 0);
		for (const struct step *s = rows[r].steps; s->at != END; s++) {
			if (s->expected[0] == ALIVE)
				heartbeat_alive(&h);
			for (size_t i = 0; s->expected[0] != ALIVE; i++) {
				enum heartbeat_action due = heartbeat_due(&h, s->at);
				char text[HEARTBEAT_PAYLOAD];

				ck_assert_msg((int)due == s->expected[i], "%s, at %d: %d", rows[r].name, (int)s->at, due);
				if (due == BEAT_PING)
					heartbeat_ping(&h, s->at, text);
				if (due == BEAT_NOTHING || due == BEAT_TIMEOUT)
					break;
			}
			ck_assert_msg(heartbeat_next(&h) == s->next, "%s, at %d: next %d", rows[r].name, (int)s->at,
			    (int)heartbeat_next(&h));
		}
	}
}
END_TEST

START_TEST(a_pong_is_known_by_its_payload)
{
	struct heartbeat h;
	char first[HEARTBEAT_PAYLOAD], later[HEARTBEAT_PAYLOAD];
	static const char *const foreign[] = { "", "wsdiag", "wsdiag ", "wsdiag 0000000000000001", "wsdiag 0000000000000001 0", "wsdiag 0000000000000001 2",
		"wsdiag 0000000000000002 1", "wsdiag 0000000000000001 -1", "wsdiag 0000000000000001 99999999999999999999999999", "another 1 1" };

	heartbeat_init(&h, 10, 0, 1, 0);
	struct span ping = heartbeat_ping(&h, 100, first);
	ck_span_eq(ping, "wsdiag 0000000000000001 1");
	ck_assert_int_eq(heartbeat_pong(&h, ping, 142), 42);
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		ck_assert_msg(heartbeat_pong(&h, span_of(foreign[i]), 142) == -1, "%s", foreign[i]);
	/* Out of order, and up to as many as are remembered. */
	for (int i = 2; i <= HEARTBEAT_RECENT; i++)
		heartbeat_ping(&h, 100 * i, later);
	ck_assert_int_eq(heartbeat_pong(&h, ping, 5000), 4900);
	heartbeat_ping(&h, 5000, later);
	ck_assert_int_eq(heartbeat_pong(&h, ping, 6000), -1);
	ck_assert_int_eq(heartbeat_pong(&h, span_of(later), 6000), 1000);
}
END_TEST

START_TEST(the_longest_payload_fits)
{
	struct heartbeat h;
	char text[HEARTBEAT_PAYLOAD];

	heartbeat_init(&h, 10, 0, UINT64_MAX, 0);
	h.count = UINT64_MAX - 1;
	struct span ping = heartbeat_ping(&h, 7, text);
	ck_span_eq(ping, "wsdiag ffffffffffffffff 18446744073709551615");
	ck_assert_int_eq(heartbeat_pong(&h, ping, 9), 2);
}
END_TEST

UNIT_MAIN("heartbeat", what_is_due_when, a_pong_is_known_by_its_payload, the_longest_payload_fits)
