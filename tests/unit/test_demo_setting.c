/* SPDX-License-Identifier: MIT */
#include "demo/intro.h"
#include "demo/setting.h"
#include "fault/plan.h"
#include "lifecycle/library.h"

#include "base/clock.h"

#include "support/unit.h"

#include <errno.h>
#include <string.h>

START_TEST(what_the_plan_asks_for_replaces_the_defaults)
{
	struct setting s;
	struct buf error = { 0 };

	ck_assert_int_eq(setting_read(&s, "x", SPAN_LIT("# words\nconn 1 after 5s: fin both\n"), &error), 0);
	ck_assert_int_eq(s.client.ping_interval_us, 2 * US_PER_S);
	ck_assert_int_eq(s.server.ping_timeout_us, 16 * US_PER_S);
	ck_assert_uint_eq(s.shows, 0);
	ck_assert_str_eq(s.as, "websocket-client:1.7");

	ck_assert_int_eq(setting_read(&s, "x",
			     SPAN_LIT("#: connect --ping-interval 0  --reconnect-delay 250ms\n"
				      "#: serve --ping-timeout 1m --stop-after 5\n"
				      "#: demo --speed 20 --as websocket-client:1.9\n"
				      "#: shows lost overlap\n"
				      "#: shows late-end\n"),
			     &error),
	    0);
	ck_assert_int_eq(s.client.ping_interval_us, 0);
	ck_assert_int_eq(s.client.ping_timeout_us, 8 * US_PER_S);
	ck_assert_int_eq(s.reconnect_delay_us, 250 * US_PER_MS);
	ck_assert_int_eq(s.server.ping_timeout_us, 60 * US_PER_S);
	ck_assert_int_eq(s.stop_after_us, 5 * US_PER_S);
	ck_assert_str_eq(s.as, "websocket-client:1.9");
	ck_assert_uint_eq(s.shows, 1u << SHOWN_LOST | 1u << SHOWN_OVERLAP | 1u << SHOWN_LATE_END);

	setting_speed_up(&s, s.speed);
	ck_assert_int_eq(s.server.ping_timeout_us, 3 * US_PER_S);
	ck_assert_int_eq(s.client.ping_interval_us, 0);
	setting_speed_up(&s, 1000);
	ck_assert_int_eq(s.reconnect_delay_us, US_PER_MS); /* never "none" */
	buf_deinit(&error);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "\n#: conect --ping-interval 1", "x:2: \"conect\" is no word to begin with; there are connect, serve, demo, shows" },
	{ "#:", "x:1: \"\" is no word to begin with; there are connect, serve, demo, shows" },
	{ "#: serve --ping 1", "x:1: \"--ping\" is no option that a plan can ask for here; there are --ping-interval, --ping-timeout, --stop-after" },
	{ "#: serve --ping-interval", "x:1: \"\" is no number of seconds" },
	{ "#: serve --ping-interval soon", "x:1: \"soon\" is no number of seconds" },
	{ "#: demo --speed 0", "x:1: \"0\" is no speed between 0.01 and 1000" },
	{ "#: demo --speed nan", "x:1: \"nan\" is no speed between 0.01 and 1000" },
	{ "#: demo --as", "x:1: \"\" is no name" },
	{ "#: shows overlaps", "x:1: \"overlaps\" is no thing to show; there are lost, closed, failed, reconnect, hidden, overlap, late-end, unseen, orphan, replay" },
	{ "#: shows \033[2J", "x:1: \"\\e[2J\" is no thing to show; there are lost, closed, failed, reconnect, hidden, overlap, late-end, unseen, orphan, replay" },
};

START_TEST(what_is_wrong_is_named_with_its_line)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct setting s = { .speed = 77 };
		struct buf error = { 0 };

		ck_assert_int_eq(setting_read(&s, "x", span_of(wrong[i].text), &error), -EINVAL);
		ck_assert_str_eq(buf_cstr(&error), wrong[i].error);
		ck_assert(s.speed == 77);
		buf_deinit(&error);
	}
}
END_TEST

/* Each can be played, or waits for a signal; and says what will be seen. */
START_TEST(every_installed_plan_says_what_it_shows)
{
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++) {
		struct setting s;
		struct library library;
		struct plan plan = { 0 };
		struct buf error = { 0 };
		bool needs_a_person = true;

		ck_assert_msg(setting_read(&s, p->name, span_of(p->text), &error) == 0, "%s", buf_cstr(&error));
		ck_assert_msg(library_parse(s.as, &library, &error) == 0, "%s", buf_cstr(&error));
		ck_assert_int_eq(plan_parse(&plan, p->name, span_of(p->text), PLAN_FOR_PROXY, &error), 0);
		for (unsigned i = 0; i < plan.n_lines; i++)
			needs_a_person = needs_a_person && plan.lines[i].moment.when == WHEN_SIGNAL;
		ck_assert_msg((s.shows != 0) != needs_a_person, "%s", p->name);
		plan_deinit(&plan);
		buf_deinit(&error);
	}
}
END_TEST

START_TEST(the_introduction_numbers_the_lines_of_the_plan)
{
	struct setting s;
	struct buf error = { 0 }, out = { 0 };

	ck_assert_int_eq(setting_read(&s, "x", SPAN_NONE, &error), 0);
	s.client.ping_interval_us = 0;
	intro_tell(&out, "x", "what it does", SPAN_LIT("# what it does\nconn 1    after 5s:   fin both   # a1\n\n  dial 2  at accept: rst\n"), &s);
	ck_assert_str_eq(buf_cstr(&out),
	    "wsdiag demo x: what it does\n"
	    "A client, a proxy and a server in this process. The proxy does what the plan says, 5 times as fast:\n"
	    "  2  conn 1 after 5s: fin both\n"
	    "  4  dial 2 at accept: rst\n"
	    "The client does not ping; the server pings every 4.0s and gives up after 16.0s of silence.\n\n");
	buf_deinit(&error);
	buf_deinit(&out);
}
END_TEST

UNIT_MAIN("demo_setting", what_the_plan_asks_for_replaces_the_defaults, what_is_wrong_is_named_with_its_line, every_installed_plan_says_what_it_shows,
    the_introduction_numbers_the_lines_of_the_plan)
