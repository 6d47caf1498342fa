/* SPDX-License-Identifier: MIT */
#include "cli/exit_status.h"
#include "connect/options.h"

#include "support/record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Borrowed words; no option list is written to. */
#define LIST(...) { .items = (const char *[]){ __VA_ARGS__ }, .n = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) }

/* What is said on stderr while it runs. */
static int
plan_quietly(const struct connect_options *opt, const char *url, struct connect_plan *plan, char said[512])
{
	int old = dup(2), ends[2], status;
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	dup2(ends[1], 2);
	close(ends[1]);
	status = connect_plan(opt, url, false, plan);
	dup2(old, 2);
	close(old);
	n = read(ends[0], said, 511);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return status;
}

/* Overlaid on the defaults by the function. */
static const struct {
	const char *name, *url;
	struct connect_options o;
	const char *said;
} refused[] = {
	{ "no URL", NULL, { 0 }, "a URL is missing" },
	{ "two URLs", "ws://h", { .url = "ws://h" }, "twice" },
	{ "-4 -6", "ws://h", { .ipv4 = true, .ipv6 = true }, "-4 and -6" },
	{ "--base64 --hex", "ws://h", { .base64 = true, .hex = true }, "--base64, --hex and -0" },
	{ "--base64 -0", "ws://h", { .base64 = true, .nul = true }, "--base64, --hex and -0" },
	{ "--hex -0", "ws://h", { .hex = true, .nul = true }, "--base64, --hex and -0" },
	{ "--whole -0", "ws://h", { .whole = true, .nul = true }, "--whole and -0" },
	{ "--key alone", "ws://h", { .key_file = "k" }, "--key needs --cert" },
	{ "-1 --count 2", "ws://h", { .once = true, .count = 2 }, "--count 1" },
	{ "--origin with a line break", "ws://h", { .origin = "a\r\nX: y" }, "--origin" },
	{ "--host with a line break", "ws://h", { .host = "a\nb" }, "--host" },
	{ "--host empty", "ws://h", { .host = "" }, "--host" },
	{ "-x not UTF-8", "ws://h", { .texts = LIST("a", "\xff") }, "-x number 2" },
	{ "-H without colon", "ws://h", { .headers = LIST("a: b", "x") }, "no colon" },
	{ "-H without name", "ws://h", { .headers = LIST(": b") }, "cannot be the name" },
	{ "-H with a space in its name", "ws://h", { .headers = LIST("a b: c") }, "cannot be the name" },
	{ "-H with a line break", "ws://h", { .headers = LIST("a: b\r\nc: d") }, "line breaks" },
	{ "-s with a comma", "ws://h", { .subprotocols = LIST("a", "b,c") }, "cannot be a subprotocol" },
	{ "-s empty", "ws://h", { .subprotocols = LIST("") }, "cannot be a subprotocol" },
	{ "--resolve of nothing", "ws://h", { .resolve = LIST("") }, "--resolve" },
	{ "--resolve without address", "ws://h", { .resolve = LIST("h:80:") }, "--resolve" },
	{ "--resolve without host", "ws://h", { .resolve = LIST(":80:127.0.0.1") }, "--resolve" },
	{ "--resolve of port 0", "ws://h", { .resolve = LIST("h:0:127.0.0.1") }, "--resolve" },
	{ "--resolve of port 65536", "ws://h", { .resolve = LIST("h:65536:127.0.0.1") }, "--resolve" },
	{ "--resolve to a name", "ws://h", { .resolve = LIST("h:80:127.0.0.1", "h:80:localhost") }, "--resolve" },
	{ "--resolve with a comma too many", "ws://h", { .resolve = LIST("h:80:127.0.0.1,") }, "--resolve" },
};

START_TEST(what_does_not_belong_together_is_refused)
{
	for (size_t r = 0; r < ARRAY_LEN(refused); r++) {
		struct connect_options o = refused[r].o;
		struct connect_plan plan;
		char said[512];

		o.connect_timeout_us = US_PER_S;
		ck_assert_msg(plan_quietly(&o, refused[r].url, &plan, said) == EXIT_USAGE, "%s", refused[r].name);
		ck_assert_msg(strstr(said, refused[r].said) != NULL, "%s: %s", refused[r].name, said);
		ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "%s: one line: %s", refused[r].name, said);
		connect_plan_release(&plan);
	}
}
END_TEST

START_TEST(no_time_is_refused)
{
	struct connect_options o = { 0 };
	struct connect_plan plan;
	char said[512];

	ck_assert_int_eq(plan_quietly(&o, "ws://h", &plan, said), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(said, "--connect-timeout"));
	connect_plan_release(&plan);
}
END_TEST

START_TEST(options_become_a_plan)
{
	struct connect_options o = { 0 };
	struct connect_plan plan;
	char said[512];

	connect_defaults(&o);
	o.headers = (struct option_list)LIST("A: b", "C:", "d:  e:f ");
	o.subprotocols = (struct option_list)LIST("mqtt", "v2.x");
	o.resolve = (struct option_list)LIST("h:80:127.0.0.1,[::1],192.0.2.1", "*:*:2001:db8::1");
	o.once = true;
	o.ping_interval_us = US_PER_S;
	ck_assert_int_eq(plan_quietly(&o, "ws://h", &plan, said), 0);
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(plan.session.url, "ws://h");
	ck_assert_uint_eq(plan.header_list.n, 3);
	ck_span_eq(plan.headers[1].name, "C");
	ck_span_eq(plan.headers[1].value, "");
	ck_span_eq(plan.headers[2].value, "e:f");
	ck_assert_uint_eq(plan.subprotocol_list.n, 2);
	ck_assert_uint_eq(plan.session.dial.n_pins, 2);
	ck_assert_str_eq(plan.pins[0].host, "h");
	ck_assert_uint_eq(plan.pins[0].port, 80);
	ck_assert_uint_eq(plan.pins[0].n, 3);
	ck_assert_int_eq(plan.pins[0].addresses[1].ss_family, AF_INET6);
	ck_assert_str_eq(plan.pins[1].host, "*");
	ck_assert_uint_eq(plan.pins[1].port, 0);
	ck_assert_uint_eq(plan.pins[1].n, 1);
	ck_assert_uint_eq(plan.filter.count, 1);
	ck_assert(!plan.filter.wait_given);
	ck_assert_int_eq(plan.filter.wait_us, US_PER_S);
	ck_assert_int_eq(plan.session.dial.conn.ping_timeout_us, 20 * US_PER_S);
	ck_assert_int_eq(plan.session.dial.families, AF_UNSPEC);
	connect_plan_release(&plan);
}
END_TEST

static const struct connect_options allowed[] = {
	{ .whole = true, .base64 = true },
	{ .whole = true, .binary = true },
	{ .nul = true, .binary = true },
	{ .once = true, .count = 1 },
	{ .cert_file = "c" },
	{ .binary = true, .texts = LIST("\xff") },
	{ .origin = "null", .host = "h:1" },
};

START_TEST(pairs_that_look_alike_are_allowed)
{
	for (size_t r = 0; r < ARRAY_LEN(allowed); r++) {
		struct connect_options o = allowed[r];
		struct connect_plan plan;
		char said[512];

		o.connect_timeout_us = US_PER_S;
		ck_assert_msg(plan_quietly(&o, "ws://h", &plan, said) == 0, "%zu: %s", r, said);
		connect_plan_release(&plan);
	}
}
END_TEST

START_TEST(habits_from_other_tools_are_hinted_at)
{
	const struct connect_options o = { .subprotocols = LIST("8080", "mqtt"), .texts = LIST("http://proxy", "hi"), .origin = "out.log" };
	const struct connect_options fine = { .subprotocols = LIST("mqtt"), .texts = LIST("hi"), .origin = "https://h" };
	struct journal j;
	struct record record;

	journal_init(&j, ROLE_CLIENT, 1, &clock_system);
	record_start(&record, &j, EVENT_ALL);
	connect_hint(&fine, &j);
	ck_assert_uint_eq(record.n, 0);
	connect_hint(&o, &j);
	ck_assert_str_eq(record.trail, "note note note");
	ck_assert_ptr_nonnull(strstr(record.items[0].text, "wsdiag serve 8080"));
	journal_deinit(&j);
}
END_TEST

UNIT_MAIN("connect_plan", what_does_not_belong_together_is_refused, no_time_is_refused, options_become_a_plan, pairs_that_look_alike_are_allowed,
    habits_from_other_tools_are_hinted_at)
