/* SPDX-License-Identifier: MIT */
#include "demo/story.h"

#include "base/clock.h"

#include "support/unit.h"

static const struct source client = { .role = ROLE_CLIENT }, server = { .role = ROLE_SERVER };

static void
feed(struct story *s, const struct source *src, enum event_type type, uint32_t conn, uint32_t dial, int64_t at_ms, const char *heard)
{
	struct event ev = { .type = type, .src = src, .conn = conn, .dial = dial, .mono_us = at_ms * US_PER_MS };

	if (type == EV_OPENED)
		ev.u.opened.is_reconnect = conn > 1;
	else if (type == EV_OVERLAP)
		ev.u.overlap.with = conn - 1;
	else if (type == EV_REPLAY)
		ev.u.replay.with = conn - 1;
	else if (type == EV_CLOSE)
		ev.u.ended.by = BY_PEER;
	story_feed(s, &ev, span_of(heard));
}

static void
expect(struct story *s, unsigned shown, const char *told)
{
	struct buf out = { 0 };

	ck_assert_uint_eq(story_shown(s), shown);
	story_tell(s, "1.7", &out);
	ck_assert_str_eq(buf_cstr(&out), told);
	buf_deinit(&out);
	story_free(s);
}

#define BIT(x) (1u << SHOWN_##x)

START_TEST(the_seeds_incident)
{
	struct story *s = story_new();

	feed(s, &server, EV_OPENED, 1, 1, 1, NULL);
	feed(s, &client, EV_OPENED, 1, 1, 1, "on_open");
	feed(s, &client, EV_LOST, 1, 1, 1400, "on_error");
	feed(s, &server, EV_LOST, 1, 1, 1400, NULL);
	ck_assert(!story_is_up(s));
	feed(s, &client, EV_FAILED, 0, 2, 1900, "(silence)");
	feed(s, &server, EV_OPENED, 2, 3, 2400, NULL);
	feed(s, &client, EV_OPENED, 2, 3, 2400, "on_open again");
	ck_assert(story_is_up(s));
	feed(s, &client, EV_LOST, 2, 3, 5000, "(silence)");
	feed(s, &server, EV_OPENED, 3, 4, 5500, NULL);
	feed(s, &server, EV_OVERLAP, 3, 4, 5500, NULL);
	feed(s, &client, EV_OPENED, 3, 4, 5500, "on_open again");
	ck_assert_uint_eq(story_shown(s) & (BIT(OVERLAP) | BIT(LATE_END)), BIT(OVERLAP));
	feed(s, &server, EV_LOST, 2, 3, 7000, NULL);
	expect(s, BIT(LOST) | BIT(FAILED) | BIT(RECONNECT) | BIT(HIDDEN) | BIT(OVERLAP) | BIT(LATE_END),
	    "What the client saw: 2 connections lost, 1 dial failed. An app on websocket-client 1.7 hears of 1 of these 3.\n"
	    "It hears on_open 3 times: nothing tells it that a reconnect is no first open.\n"
	    "Two connections of one client at the server for 1.5s: c2's late disconnect must not clear c3's state.\n");
}
END_TEST

START_TEST(an_overlap_that_lasts)
{
	struct story *s = story_new();

	feed(s, &server, EV_OPENED, 1, 1, 1, NULL);
	feed(s, &server, EV_OPENED, 2, 2, 5, NULL);
	feed(s, &server, EV_OVERLAP, 2, 2, 5, NULL);
	expect(s, BIT(OVERLAP), "Two connections of one client at the server: c1 is still there beside c2.\n");
}
END_TEST

/* The newer one ended first: nothing came late. */
START_TEST(an_overlap_that_the_newer_one_ends)
{
	struct story *s = story_new();

	feed(s, &server, EV_OPENED, 1, 1, 0, NULL);
	feed(s, &server, EV_OPENED, 2, 2, 5, NULL);
	feed(s, &server, EV_OVERLAP, 2, 2, 5, NULL);
	feed(s, &server, EV_CLOSE, 2, 2, 1005, NULL);
	expect(s, BIT(OVERLAP), "Two connections of one client at the server for 1.0s: c1 and c2.\n");
}
END_TEST

START_TEST(an_end_that_the_client_does_not_see_until_it_does)
{
	struct story *s = story_new();

	feed(s, &server, EV_OPENED, 1, 1, 0, NULL);
	feed(s, &client, EV_OPENED, 1, 1, 0, "on_open");
	feed(s, &server, EV_LOST, 1, 1, 5, NULL);
	ck_assert_uint_eq(story_shown(s), BIT(UNSEEN));
	feed(s, &client, EV_LOST, 1, 1, 9, "on_error");
	expect(s, BIT(LOST), "What the client saw: 1 connection lost. An app on websocket-client 1.7 hears of it.\n");

	s = story_new();
	feed(s, &server, EV_OPENED, 1, 1, 0, NULL);
	feed(s, &client, EV_OPENED, 1, 1, 0, "on_open");
	feed(s, &server, EV_LOST, 1, 1, 5, NULL);
	expect(s, BIT(UNSEEN), "c1 has ended at the server, and the client does not know: it believes it open.\n");
}
END_TEST

START_TEST(orphans_and_replays)
{
	struct story *s = story_new();

	feed(s, &server, EV_OPENED, 1, 1, 0, NULL);
	feed(s, &client, EV_FAILED, 0, 1, 5, "(silence)");
	feed(s, &server, EV_OPENED, 2, 2, 6, NULL);
	feed(s, &server, EV_OPENED, 3, 2, 6, NULL);
	feed(s, &server, EV_REPLAY, 3, 2, 6, NULL);
	expect(s, BIT(FAILED) | BIT(HIDDEN) | BIT(ORPHAN) | BIT(REPLAY),
	    "What the client saw: 1 dial failed. An app on websocket-client 1.7 hears of nothing.\n"
	    "One request opened twice at the server, c2 and c3, with the same key: a hop sent it again.\n"
	    "c1 opened at the server for d1, which the client had given up: a connection without a client.\n");
}
END_TEST

START_TEST(a_library_that_returned_is_not_said_to_hear_more)
{
	struct story *s = story_new();

	feed(s, &client, EV_OPENED, 1, 1, 0, "on_open");
	feed(s, &client, EV_CLOSE, 1, 1, 5, "on_close 1001");
	feed(s, &client, EV_OPENED, 2, 2, 6, "(returned)");
	expect(s, BIT(CLOSED) | BIT(RECONNECT),
	    "What the client saw: 1 connection closed by the far end. An app on websocket-client 1.7 hears of it.\n"
	    "It does not dial again: its run_forever() is over, while the client here goes on.\n");
}
END_TEST

START_TEST(nothing_happened_nothing_told)
{
	expect(story_new(), 0, "");
}
END_TEST

UNIT_MAIN("demo_story", the_seeds_incident, an_overlap_that_lasts, an_overlap_that_the_newer_one_ends, an_end_that_the_client_does_not_see_until_it_does,
    orphans_and_replays, a_library_that_returned_is_not_said_to_hear_more, nothing_happened_nothing_told)
