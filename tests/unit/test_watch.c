/* SPDX-License-Identifier: MIT */
#include "fault/watch.h"

#include "base/clock.h"
#include "support/unit.h"

#include <signal.h>
#include <string.h>

/* What has fired: the numbers of the lines, in order. */
struct heard {
	struct plan plan;
	struct watch *watch;
	struct buf fired;
	bool says_more;
};

static void
on_fire(void *arg, const struct plan_line *line)
{
	struct heard *h = arg;

	buf_printf(&h->fired, "%u ", line->number);
	if (h->says_more)
		watch_message(h->watch, PLAN_UP);
}

static void
hear(struct heard *h, const char *plan, uint32_t accept)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	int err = plan_parse(&h->plan, "t", span_of(plan), PLAN_FOR_PROXY, &error);

	ck_assert_msg(err == 0, "%s", buf_cstr(&error));
	h->watch = watch_new(&h->plan, accept, on_fire, h);
}

static void
expect(struct heard *h, const char *fired)
{
	ck_assert_str_eq(buf_cstr(&h->fired), fired);
	buf_clear(&h->fired);
}

static void
heard_deinit(struct heard *h)
{
	watch_free(h->watch);
	plan_deinit(&h->plan);
	buf_deinit(&h->fired);
}

static void
request(struct watch *w, const char *text)
{
	struct http_head head = { 0 };
	const char *error = NULL;

	ck_assert_int_eq(http_head_parse(&head, false, text, strlen(text), 0, &error), HTTP_DONE);
	watch_request(w, &head);
	http_head_deinit(&head);
}

static void
frame(struct watch *w, enum plan_direction dir, uint8_t opcode, const char *text)
{
	struct frame f = { .fin = true, .opcode = opcode, .length = strlen(text) };

	watch_frame(w, dir, &f, span_of(text));
}

static const char anything[] = "GET /ws?x=1 HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8\r\n\r\n";

/* Which of these numbers a subject strikes. */
static const struct {
	const char *subject;
	const char *struck;  /* a character for each number from 1 */
} subjects[] = {
	{ "2", ".x........" },
	{ "2-4", ".xxx......" },
	{ "3-*", "..xxxxxxxx" },
	{ "*", "xxxxxxxxxx" },
	{ "every 5", "....x....x" },
	{ "2-6 every 2", ".x.x.x...." },
	{ "100% seed 1", "xxxxxxxxxx" },
	{ "path=/ws*", "xxxxxxxxxx" },
	{ "path=/ws", ".........." },
	{ "header=user-agent:curl/?", "xxxxxxxxxx" },
	{ "header=user-agent:wget*", ".........." },
	{ "header=cookie", ".........." },
	{ "2 path=/ws* header=host:h", ".x........" },
	{ "2 path=/ws* header=host:i", ".........." },
};

static void
check_struck(const char *line, const char *struck, bool counts_opens)
{
	for (uint32_t i = 0; struck[i] != '\0'; i++) {
		struct heard h = { 0 };

		/* The number that is not counted is far away. */
		hear(&h, line, counts_opens ? 1000 + i : i + 1);
		request(h.watch, anything);
		watch_open(h.watch, counts_opens ? i + 1 : 1000 + i, 5);
		ck_assert_msg((h.fired.len > 0) == (struck[i] == 'x'), "%s: %u", line, i + 1);
		heard_deinit(&h);
	}
}

START_TEST(a_line_strikes_whom_it_names)
{
	for (size_t r = 0; r < ARRAY_LEN(subjects); r++) {
		char *conn CLEANUP(free_charp) = xasprintf("conn %s at open: rst", subjects[r].subject);
		char *dial CLEANUP(free_charp) = xasprintf("dial %s at open: rst", subjects[r].subject);

		check_struck(conn, subjects[r].struck, true);
		check_struck(dial, subjects[r].struck, false);
	}
}
END_TEST

static unsigned
count_struck(const char *line, char struck[1001])
{
	unsigned n = 0;

	for (uint32_t i = 1; i <= 1000; i++) {
		struct heard h = { 0 };

		hear(&h, line, i);
		watch_open(h.watch, i, 0);
		struck[i - 1] = h.fired.len > 0 ? 'x' : '.';
		n += h.fired.len > 0;
		heard_deinit(&h);
	}
	struck[1000] = '\0';
	return n;
}

START_TEST(chance_strikes_the_same_each_time_and_others_with_another_seed)
{
	char first[1001], again[1001], other[1001];
	unsigned n = count_struck("conn 10% seed 7 at open: rst", first);

	ck_assert_uint_ge(n, 70);
	ck_assert_uint_le(n, 130);
	ck_assert_uint_eq(count_struck("conn 10% seed 7 at open: rst", again), n);
	ck_assert_str_eq(first, again);
	count_struck("conn 10% seed 8 at open: rst", other);
	ck_assert_str_ne(first, other);
}
END_TEST

START_TEST(steps_of_a_dial_fire_in_the_plans_order_once)
{
	struct heard h = { 0 };

	hear(&h, "dial * at response: rst\ndial * at accept: rst\ndial 9 at accept: rst\ndial 7 at accept: fin\ndial path=/ws* at request: rst\n"
		 "dial path=/no at request: rst\ndial path=/no at response: rst\nconn 1 at open: rst\nat request: fin", 7);
	watch_accept(h.watch);
	expect(&h, "2 4 ");
	request(h.watch, anything);
	expect(&h, "5 9 ");
	watch_response(h.watch);
	expect(&h, "1 ");
	watch_open(h.watch, 1, 0);
	expect(&h, "8 ");
	watch_accept(h.watch);
	watch_response(h.watch);
	watch_due(h.watch, INT64_MAX);
	expect(&h, "");
	heard_deinit(&h);
}
END_TEST

START_TEST(time_counts_from_the_opening_and_strikes_in_its_own_order)
{
	struct heard h = { 0 };

	hear(&h, "conn 1 after 3s: rst\nconn 1 after 1s: rst\nconn 2 after 1s: rst\ndial 1 after 1s: rst\nconn 1 age 3s: fin", 1);
	ck_assert_int_eq(watch_next(h.watch), -1);
	watch_due(h.watch, INT64_MAX);
	request(h.watch, anything);
	watch_open(h.watch, 1, 100 * US_PER_S);
	expect(&h, "");
	ck_assert_int_eq(watch_next(h.watch), 101 * US_PER_S);
	watch_due(h.watch, 101 * US_PER_S - 1);
	expect(&h, "");
	watch_due(h.watch, 101 * US_PER_S);
	expect(&h, "2 4 ");
	ck_assert_int_eq(watch_next(h.watch), 103 * US_PER_S);
	watch_due(h.watch, 200 * US_PER_S);
	expect(&h, "1 5 ");
	ck_assert_int_eq(watch_next(h.watch), -1);
	heard_deinit(&h);
	h = (struct heard){ 0 };
	/* Late: both are due, the earlier one first. */
	hear(&h, "conn 1 after 3s: rst\nconn 1 after 1s: rst", 1);
	watch_open(h.watch, 1, 0);
	watch_due(h.watch, 5 * US_PER_S);
	expect(&h, "2 1 ");
	heard_deinit(&h);
}
END_TEST

START_TEST(silence_is_counted_for_each_direction)
{
	struct heard h = { 0 };

	hear(&h, "conn * idle 10s: rst\nconn * idle up 10s: rst\nconn * idle down 10s: rst", 1);
	watch_open(h.watch, 1, 0);
	ck_assert_int_eq(watch_next(h.watch), 10 * US_PER_S);
	watch_bytes(h.watch, PLAN_UP, 4 * US_PER_S);
	ck_assert_int_eq(watch_next(h.watch), 10 * US_PER_S);
	watch_bytes(h.watch, PLAN_DOWN, 6 * US_PER_S);
	ck_assert_int_eq(watch_next(h.watch), 14 * US_PER_S);
	watch_due(h.watch, 10 * US_PER_S);
	expect(&h, "");
	watch_due(h.watch, 14 * US_PER_S);
	expect(&h, "2 ");
	watch_due(h.watch, 16 * US_PER_S);
	expect(&h, "1 3 ");
	heard_deinit(&h);
}
END_TEST

START_TEST(messages_and_bytes_are_counted_for_each_direction)
{
	struct heard h = { 0 };

	hear(&h, "after 3 msgs: rst\nafter 2 msgs up: rst\nafter 2 msgs down: rst\nafter 10 bytes: rst\nafter 8 bytes down: rst", 1);
	watch_message(h.watch, PLAN_UP);
	watch_payload(h.watch, PLAN_UP, 100);
	watch_open(h.watch, 1, 0);
	watch_message(h.watch, PLAN_UP);
	watch_message(h.watch, PLAN_DOWN);
	expect(&h, "");
	watch_message(h.watch, PLAN_UP);
	expect(&h, "1 2 ");
	watch_message(h.watch, PLAN_DOWN);
	expect(&h, "3 ");
	watch_payload(h.watch, PLAN_UP, 3);
	watch_payload(h.watch, PLAN_DOWN, 6);
	expect(&h, "");
	watch_payload(h.watch, PLAN_DOWN, 2);
	expect(&h, "4 5 ");
	heard_deinit(&h);
}
END_TEST

START_TEST(frames_match_by_opcode_direction_and_text)
{
	struct heard h = { 0 };
	struct frame compressed = { .fin = true, .rsv = 4, .opcode = OP_TEXT };

	hear(&h, "on frame close down: rst\non frame data up: rst\non frame up: rst\non frame text text \"*deploy*\": rst\non frame 3: rst\non frame down text \"x\": rst", 1);
	frame(h.watch, PLAN_UP, OP_TEXT, "deploy");
	expect(&h, "");
	ck_assert(!watch_wants_payload(h.watch, PLAN_UP));
	watch_open(h.watch, 1, 0);
	ck_assert(watch_wants_payload(h.watch, PLAN_UP) && watch_wants_payload(h.watch, PLAN_DOWN));
	frame(h.watch, PLAN_UP, OP_CLOSE, "");
	expect(&h, "3 ");
	frame(h.watch, PLAN_UP, OP_BINARY, "deploy");
	expect(&h, "2 ");
	watch_frame(h.watch, PLAN_UP, &compressed, span_of("a deploy"));
	frame(h.watch, PLAN_UP, OP_TEXT, "depl");
	frame(h.watch, PLAN_UP, OP_TEXT, "x");
	expect(&h, "");
	frame(h.watch, PLAN_UP, OP_TEXT, "a deploy b");
	expect(&h, "4 ");
	ck_assert(!watch_wants_payload(h.watch, PLAN_UP) && watch_wants_payload(h.watch, PLAN_DOWN));
	frame(h.watch, PLAN_DOWN, 3, "x");
	expect(&h, "5 6 ");
	ck_assert(!watch_wants_payload(h.watch, PLAN_DOWN));
	frame(h.watch, PLAN_DOWN, OP_CLOSE, "");
	expect(&h, "1 ");
	heard_deinit(&h);
}
END_TEST

static const char asked[] = "on signal USR1: kill-all\non signal USR2: unlisten\non line go: rst\ndial 1 on signal USR1: rst\nconn every 2 on line go: rst";

START_TEST(signals_and_lines_strike_open_connections)
{
	struct heard h = { 0 };

	hear(&h, asked, 1);
	watch_signal(h.watch, SIGUSR1);
	expect(&h, "");
	watch_open(h.watch, 1, 0);
	watch_signal(h.watch, SIGUSR1);
	expect(&h, "1 4 ");
	watch_signal(h.watch, SIGUSR1);
	expect(&h, "");
	watch_signal(h.watch, SIGUSR2);
	expect(&h, "2 ");
	watch_line(h.watch, span_of("gone"));
	expect(&h, "");
	watch_line(h.watch, span_of(" go "));
	expect(&h, "3 ");
	heard_deinit(&h);
}
END_TEST

START_TEST(nobody_is_struck_by_lines_for_everybody_only)
{
	struct heard h = { 0 };

	hear(&h, asked, 0);
	watch_signal(h.watch, SIGUSR1);
	expect(&h, "1 ");
	watch_line(h.watch, span_of("go"));
	expect(&h, "3 ");
	ck_assert_int_eq(watch_next(h.watch), -1);
	heard_deinit(&h);
}
END_TEST

START_TEST(a_line_that_fires_may_cause_what_another_waits_for)
{
	struct heard h = { .says_more = true };

	hear(&h, "after 1 msgs: rst\nafter 2 msgs: rst\nafter 3 msgs: rst\nafter 9 msgs: rst", 1);
	watch_open(h.watch, 1, 0);
	watch_message(h.watch, PLAN_UP);
	expect(&h, "1 2 3 ");
	h.says_more = false;
	for (int i = 0; i < 9; i++)
		watch_message(h.watch, PLAN_UP);
	expect(&h, "4 ");
	heard_deinit(&h);
}
END_TEST

START_TEST(an_empty_plan_says_nothing)
{
	struct heard h = { 0 };

	hear(&h, "", 1);
	watch_accept(h.watch);
	request(h.watch, anything);
	watch_open(h.watch, 1, 0);
	frame(h.watch, PLAN_UP, OP_TEXT, "x");
	ck_assert_int_eq(watch_next(h.watch), -1);
	expect(&h, "");
	heard_deinit(&h);
	watch_free(NULL);
}
END_TEST

UNIT_MAIN("watch", a_line_strikes_whom_it_names, chance_strikes_the_same_each_time_and_others_with_another_seed,
    steps_of_a_dial_fire_in_the_plans_order_once, time_counts_from_the_opening_and_strikes_in_its_own_order, silence_is_counted_for_each_direction,
    messages_and_bytes_are_counted_for_each_direction, frames_match_by_opcode_direction_and_text, signals_and_lines_strike_open_connections,
    nobody_is_struck_by_lines_for_everybody_only, a_line_that_fires_may_cause_what_another_waits_for, an_empty_plan_says_nothing)
