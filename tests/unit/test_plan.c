/* SPDX-License-Identifier: MIT */
#include "fault/plan.h"

#include "support/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line as text again, every field of it that is not empty. */
static void
say_subject(struct buf *out, const struct plan_subject *s)
{
	buf_printf(out, "%s %" PRIu32 "-%" PRIu32, s->counts_opens ? "conn" : "dial", s->from, s->to == UINT32_MAX ? 0 : s->to);
	if (s->every > 0)
		buf_printf(out, " every %" PRIu32, s->every);
	if (s->chance > 0)
		buf_printf(out, " %g%% seed %" PRIu64, s->chance * 100, s->seed);
	if (s->path != NULL)
		buf_printf(out, " path=%s", s->path);
	if (s->header != NULL)
		buf_printf(out, " header=%s:%s", s->header, s->value);
}

static void
say_moment(struct buf *out, const struct plan_moment *m)
{
	static const char *const names[] = { "accept", "request", "response", "after", "idle", "msgs", "bytes", "frame", "signal", "line" };

	buf_printf(out, " | %s", names[m->when]);
	if (m->when == WHEN_AFTER || m->when == WHEN_IDLE)
		buf_printf(out, " %" PRId64 "us", m->after_us);
	if (m->count > 0)
		buf_printf(out, " %" PRIu64, m->count);
	if (m->when >= WHEN_IDLE && m->when <= WHEN_FRAME)
		buf_printf(out, " dir %d", m->dir);
	if (m->when == WHEN_FRAME)
		buf_printf(out, " op %d", m->opcode);
	if (m->text != NULL)
		buf_printf(out, " \"%s\"", m->text);
	if (m->signum > 0)
		buf_printf(out, " %s", m->signum == SIGUSR1 ? "USR1" : "USR2");
}

static void
say_action(struct buf *out, const struct plan_action *a)
{
	buf_printf(out, " | %s", plan_action_words[a->what].name);
	if (a->legs > 0)
		buf_printf(out, " leg %d", a->legs);
	if (a->dirs > 0)
		buf_printf(out, " dir %d", a->dirs);
	if (a->time_us >= 0)
		buf_printf(out, " %s%" PRId64 "us", a->is_timed ? "for " : "", a->time_us);
	if (a->number > 0)
		buf_printf(out, " %" PRIu64, a->number);
	if (a->what == DO_KILL_ALL)
		buf_printf(out, " by %s", plan_action_words[a->how].name);
	if (a->name != NULL)
		buf_printf(out, " %s", a->name);
	if (a->text != NULL)
		buf_printf(out, " \"%s\"", a->text);
}

static const char *
say(struct buf *out, const struct plan *p)
{
	for (unsigned i = 0; i < p->n_lines; i++) {
		buf_puts(out, i > 0 ? "\n" : "");
		say_subject(out, &p->lines[i].subject);
		say_moment(out, &p->lines[i].moment);
		for (unsigned j = 0; j < p->lines[i].n_actions; j++)
			say_action(out, &p->lines[i].actions[j]);
	}
	return buf_cstr(out);
}

static const struct {
	const char *line, *said;
} rows[] = {
	{ "", "" },
	{ " \t # conn 1", "" },
	/* Whom. */
	{ "conn 2 after 6s: rst", "conn 2-2 | after 6000000us | rst leg 3" },
	{ "conn 2-4 after 6s: rst", "conn 2-4 | after 6000000us | rst leg 3" },
	{ "conn 2-* after 6s: rst", "conn 2-0 | after 6000000us | rst leg 3" },
	{ "conn * after 6s: rst", "conn 1-0 | after 6000000us | rst leg 3" },
	{ "conn after 6s: rst", "conn 1-0 | after 6000000us | rst leg 3" },
	{ "after 6s: rst", "conn 1-0 | after 6000000us | rst leg 3" },
	{ "at accept: rst", "dial 1-0 | accept | rst leg 3" },
	{ "at request: status 503", "dial 1-0 | request | status 503" },
	{ "conn every 5 age 30s: rst", "conn 1-0 every 5 | after 30000000us | rst leg 3" },
	{ "conn 10% seed 7 age 30s: rst", "conn 1-0 10% seed 7 | after 30000000us | rst leg 3" },
	{ "conn 0.5% age 30s: rst", "conn 1-0 0.5% seed 1 | after 30000000us | rst leg 3" },
	{ "dial path=/ws* at response: never", "dial 1-0 path=/ws* | response | never" },
	{ "dial path=/a:b: at request: never", "dial 1-0 path=/a:b: | request | never" },
	{ "dial header=User-Agent:curl* at request: never", "dial 1-0 header=User-Agent:curl* | request | never" },
	{ "dial header=User-Agent:\"a b;#\" at request: never", "dial 1-0 header=User-Agent:a b;# | request | never" },
	{ "dial header=X-Bad at request: never", "dial 1-0 header=X-Bad:* | request | never" },
	{ "dial 2-9 every 2 50% seed 3 path=/x header=A:b idle 1m: rst",
	    "dial 2-9 every 2 50% seed 3 path=/x header=A:b | idle 60000000us dir 3 | rst leg 3" },
	/* When. */
	{ "conn 1 after 0.5:fin", "conn 1-1 | after 500000us | fin leg 3" },
	{ "conn 1 after 250ms: fin", "conn 1-1 | after 250000us | fin leg 3" },
	{ "conn 1 at open: fin", "conn 1-1 | after 0us | fin leg 3" },
	{ "conn 1 after 100 msgs down: fin", "conn 1-1 | msgs 100 dir 2 | fin leg 3" },
	{ "conn 1 after 1 messages: fin", "conn 1-1 | msgs 1 dir 3 | fin leg 3" },
	{ "conn 1 after 64KB up: fin", "conn 1-1 | bytes 65536 dir 1 | fin leg 3" },
	{ "conn 1 after 64K: fin", "conn 1-1 | bytes 65536 dir 3 | fin leg 3" },
	{ "conn 1 after 10 bytes down: fin", "conn 1-1 | bytes 10 dir 2 | fin leg 3" },
	{ "conn 1 idle 2m: fin", "conn 1-1 | idle 120000000us dir 3 | fin leg 3" },
	{ "conn 1 idle down 600s: fin", "conn 1-1 | idle 600000000us dir 2 | fin leg 3" },
	{ "conn 1 on frame: fin", "conn 1-1 | frame dir 3 op -1 | fin leg 3" },
	{ "conn 1 on frame data up: fin", "conn 1-1 | frame dir 1 op -2 | fin leg 3" },
	{ "conn 1 on frame text: fin", "conn 1-1 | frame dir 3 op 1 | fin leg 3" },
	{ "conn 1 on frame text text \"a b: *\": fin", "conn 1-1 | frame dir 3 op 1 \"a b: *\" | fin leg 3" },
	{ "conn 1 on frame down text \"\\\"x\\\"\\\\*\\*\" ping: fin", "conn 1-1 | frame dir 2 op 9 \"\"x\"\\*\\*\" | fin leg 3" },
	{ "conn 1 on frame 3: fin", "conn 1-1 | frame dir 3 op 3 | fin leg 3" },
	{ "conn 1 on signal USR1: fin", "conn 1-1 | signal USR1 | fin leg 3" },
	{ "conn 1 on signal sigusr2: fin", "conn 1-1 | signal USR2 | fin leg 3" },
	{ "conn 1 on line go: fin", "conn 1-1 | line \"go\" | fin leg 3" },
	/* What. */
	{ "conn 1 after 1s: fin client; rst origin;cut-tls both ; half-close;",
	    "conn 1-1 | after 1000000us | fin leg 1 | rst leg 2 | cut-tls leg 3 | half-close leg 3" },
	{ "conn 1 after 1s: hold origin for 5s; hold for 1m client", "conn 1-1 | after 1000000us | hold leg 2 for 5000000us | hold leg 1 for 60000000us" },
	{ "conn 1 after 1s: drop up for 2s; stall down; unlisten; unlisten for 3s",
	    "conn 1-1 | after 1000000us | drop dir 1 for 2000000us | stall dir 2 | unlisten | unlisten for 3000000us" },
	{ "conn 1 after 1s: delay 2s; jitter 100ms up; throttle 10KB/s down; slice 1",
	    "conn 1-1 | after 1000000us | delay dir 3 2000000us | jitter dir 1 100000us | throttle dir 2 10240 | slice dir 3 1" },
	{ "conn 1 after 1s: close 1001 \"\" client; close; close 1008 \"no; # way\"; close origin",
	    "conn 1-1 | after 1000000us | close leg 1 1001 \"\" | close leg 3 1005 | close leg 3 1008 \"no; # way\" | close leg 2 1005" },
	{ "conn 1 on frame ping: swallow; answer-pings client; no-pongs; corrupt up; truncate",
	    "conn 1-1 | frame dir 3 op 9 | swallow | answer-pings leg 1 | no-pongs leg 3 | corrupt dir 1 | truncate dir 3" },
	{ "dial 1 at request: delay 1s; status 503 \"busy\\n\"; drop-header Origin; replay",
	    "dial 1-1 | request | delay dir 3 1000000us | status 503 \"busy\n\" | drop-header Origin | replay" },
	{ "dial 1 at response: set-header Sec-WebSocket-Accept: wrong  one ; set-header X:\"a;#\"",
	    "dial 1-1 | response | set-header Sec-WebSocket-Accept \"wrong  one\" | set-header X \"a;#\"" },
	{ "dial 1 at accept: never", "dial 1-1 | accept | never" },
	{ "conn * on signal USR1: kill-all; kill-all rst within 2s; kill-all close 1001 \"bye\" within 3s; kill-all close",
	    "conn 1-0 | signal USR1 | kill-all by fin | kill-all 2000000us by rst | kill-all 3000000us 1001 by close \"bye\" | kill-all 1005 by close" },
	/* The samples of the manual. */
	{ "conn 1           after 7s:             fin both                                    # a1", "conn 1-1 | after 7000000us | fin leg 3" },
	{ "dial 2-4         at accept:            rst                                         # a4", "dial 2-4 | accept | rst leg 3" },
	{ "conn 2           after 6s:             drop both; hold origin                      # b4",
	    "conn 2-2 | after 6000000us | drop dir 3 | hold leg 2" },
	{ "conn *           idle 60s:             fin both                                    # nginx, ALB",
	    "conn 1-0 | idle 60000000us dir 3 | fin leg 3" },
	{ "conn *           idle down 600s:       fin both                                    # CloudFront",
	    "conn 1-0 | idle 600000000us dir 2 | fin leg 3" },
	{ "conn every 5     age 30s:              rst client; hold origin                     # b2",
	    "conn 1-0 every 5 | after 30000000us | rst leg 1 | hold leg 2" },
	{ "conn 10% seed 7  after 100 msgs down:  close 1001 \"\" client; drop up; hold origin  # b6",
	    "conn 1-0 10% seed 7 | msgs 100 dir 2 | close leg 1 1001 \"\" | drop dir 1 | hold leg 2" },
	{ "dial path=/ws*   at response:          delay 12s; hold origin                      # b5",
	    "dial 1-0 path=/ws* | response | delay dir 3 12000000us | hold leg 2" },
	{ "conn *           on frame close down:  swallow; hold client                        # c3",
	    "conn 1-0 | frame dir 2 op 8 | swallow | hold leg 1" },
	{ "dial 4           at request:           replay                                      # d", "dial 4-4 | request | replay" },
};

START_TEST(a_line_is_read_as_it_is_meant)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct plan p = { 0 };
		struct buf error CLEANUP(buf_deinit) = { 0 }, said CLEANUP(buf_deinit) = { 0 };
		int err = plan_parse(&p, "t", span_of(rows[r].line), PLAN_FOR_PROXY, &error);

		ck_assert_msg(err == 0, "%s: %s", rows[r].line, buf_cstr(&error));
		ck_assert_str_eq(say(&said, &p), rows[r].said);
		plan_deinit(&p);
	}
}
END_TEST

static const struct {
	const char *line, *error;
	unsigned who;
} bad[] = {
	{ "con 1 after 5s: rst", "t:1:1: \"con\" is no beginning of a line (conn 2, dial *, or a moment: after 5s); did you mean conn?" },
	{ ": rst", "t:1:1: a line begins with whom it strikes: conn or dial" },
	{ "conn 0 after 5s: rst", "t:1:6: \"0\" is no number or range: write 2, 2-4, 2-* or *, from 1" },
	{ "conn 4-2 after 5s: rst", "t:1:6: \"4-2\" is no number or range: write 2, 2-4, 2-* or *, from 1" },
	{ "conn 99999999999 after 5s: rst", "t:1:6: \"99999999999\" is no number or range: write 2, 2-4, 2-* or *, from 1" },
	{ "conn every x after 5s: rst", "t:1:12: \"x\" is not a number, from 1" },
	{ "conn evry 5 after 5s: rst", "t:1:6: \"evry\" is no part of whom a line strikes, nor a moment; did you mean every?" },
	{ "conn 101% after 5s: rst", "t:1:6: \"101%\" is no chance: more than 0% and at most 100%" },
	{ "conn 0% after 5s: rst", "t:1:6: \"0%\" is no chance: more than 0% and at most 100%" },
	{ "conn seed 7 after 5s: rst", "t:1:1: a seed goes with a chance: 10% seed 7" },
	{ "dial header=a@b:x at request: rst", "t:1:6: \"a@b\" cannot be the name of a header; write header=NAME:GLOB" },
	{ "conn 1", "t:1:7: a moment (at accept, after 5s, idle 60s, on frame close) is missing here" },
	{ "conn 1: rst", "t:1:7: a moment (at accept, after 5s, idle 60s, on frame close) is missing here" },
	{ "conn 1 afer 5s: rst", "t:1:8: \"afer\" is no part of whom a line strikes, nor a moment; did you mean after?" },
	{ "conn 1 after: rst", "t:1:13: a time, a number of messages or a size (7s, 100 msgs, 64KB) is missing here" },
	{ "conn 1 after 5 parsecs: rst", "t:1:16: \"parsecs\" is no unit, and no colon stands before it" },
	{ "conn 1 after 5x: rst", "t:1:14: \"5x\" is not a time, a number of messages or a size (7s, 100 msgs, 64KB)" },
	{ "conn 1 after 5s down: rst",
	    "t:1:17: a time has no direction; for bytes write \"100 bytes down\", for messages \"100 msgs down\", for silence \"idle down TIME\"" },
	{ "conn 1 after 0 msgs: rst", "t:1:14: 0 has always passed already: use at open" },
	{ "conn 1 after 1.5 msgs: rst", "t:1:14: \"1.5\" is not a whole number" },
	{ "conn 1 idle 0: rst", "t:1:13: an idle time of 0 is no silence" },
	{ "conn 1 idle soon: rst", "t:1:13: \"soon\" is not a time (7s, 250ms, 2m)" },
	{ "dial 1 at acept: rst", "t:1:11: \"acept\" is no step of a dial (accept, request, response, open); did you mean accept?" },
	{ "conn 1 at accept: rst", "t:1:8: conn counts what has opened, and this comes before: use dial, which counts accepts" },
	{ "conn 1 at response: rst", "t:1:8: conn counts what has opened, and this comes before: use dial, which counts accepts" },
	{ "dial path=/x at accept: rst", "t:1:14: at accept no request has come yet to look at: use at request" },
	{ "conn 1 on frme: rst", "t:1:11: \"frme\" is no event (frame, signal, line); did you mean frame?" },
	{ "conn 1 on frame clos: rst", "t:1:17: \"clos\" is no kind of frame or direction; did you mean close?" },
	{ "conn 1 on frame 16: rst", "t:1:17: \"16\" is no kind of frame or direction" },
	{ "conn 1 on signal TERM: rst", "t:1:18: \"TERM\" is no signal for plans: USR1 and USR2 are" },
	{ "conn 1 on frame text \"x: rst", "t:1:22: this quote is never closed" },
	{ "conn 1 after 7s fin both", "t:1:17: \"fin\" is no unit, and no colon stands before it" },
	{ "conn 1 age 7s fin both", "t:1:15: \"fin\" is not part of the moment: a colon ends it, then the actions follow" },
	{ "conn 1 age 7s", "t:1:14: a colon and the actions are missing" },
	{ "conn 1 age 7s:", "t:1:15: an action is missing here (fin both; see wsdiag-plan(5))" },
	{ "conn 1 age 7s: dorp both", "t:1:16: \"dorp\" is no action; did you mean drop?" },
	{ "conn 1 age 7s: fin up", "t:1:20: \"up\" does not belong here: fin [LEG]" },
	{ "conn 1 age 7s: drop up for", "t:1:27: a time (7s, 250ms, 2m) is missing here" },
	{ "conn 1 age 7s: delay", "t:1:21: a time (7s, 250ms, 2m) is missing here" },
	{ "conn 1 age 7s: throttle fast", "t:1:25: \"fast\" is not a size (512, 64K, 1M)" },
	{ "conn 1 age 7s: throttle 1025G", "t:1:25: \"1025G\" is more than 1T, and no limit any more" },
	{ "conn 1 age 7s: throttle 100T/s down", "t:1:25: \"100T\" is more than 1T, and no limit any more" },
	{ "conn 1 age 7s: slice 0", "t:1:22: \"0\" is not a size (512, 64K, 1M)" },
	{ "conn 1 age 7s: close 65536", "t:1:22: \"65536\" is no close code: two bytes hold at most 65535" },
	{ "conn 1 age 7s: close 1005", "t:1:22: 1005 means that there was no code: write close without one" },
	{ "conn 1 age 7s: close \"x\"", "t:1:22: a reason needs a code before it: close 1001 \"x\"" },
	{ "conn 1 age 7s: swallow", "t:1:16: \"swallow\" does not go with this moment; it goes with on frame" },
	{ "conn 1 on frame: swallow it", "t:1:26: \"it\" does not belong here: swallow takes nothing more" },
	{ "conn 1 age 7s: status 503", "t:1:16: \"status\" does not go with this moment; it goes with at request, at response" },
	{ "dial 1 at request: status 101", "t:1:27: \"101\" is not a status from 200 to 599" },
	{ "dial 1 at request: drop-header a b", "t:1:34: \"b\" does not belong here: drop-header NAME" },
	{ "dial 1 at request: drop-header a:", "t:1:32: \"a:\" cannot be the name of a header" },
	{ "dial 1 at request: set-header nope", "t:1:31: \"nope\" is no header: write NAME: VALUE" },
	{ "dial 1 at request: set-header a: \"x\\ny\"", "t:1:31: a header's value cannot contain line breaks" },
	{ "dial 1 at response: replay", "t:1:21: \"replay\" does not go with this moment; it goes with at request" },
	{ "\n\n# x\nconn 1 age 7s: rts", "t:4:16: \"rts\" is no action; did you mean rst?" },
	{ "# \xc3\xbc\nconn 1 age 7s: \xc3\xbc \xff", "t:2:18: this is not UTF-8" },
	{ "conn 1 age\x1b 7s: rst", "t:1:11: a control character (0x1b) has no place in a plan" },
	{ "conn 1 age 7s: hold client", "t:1:16: \"hold\" is for a relay, and this is a server: \"wsdiag proxy\" before it can do it", PLAN_FOR_SERVER },
	{ "conn 1 age 7s: fin origin", "t:1:20: a server has no origin leg: \"wsdiag proxy\" before it has two", PLAN_FOR_SERVER },
	{ "conn 1 on line x: rst", "t:1:11: a server reads no lines; \"wsdiag proxy\" does, and on signal works here", PLAN_FOR_SERVER },
	{ "dial 1 at request: drop-header a",
	    "t:1:20: \"drop-header\" does not go with this moment on a server (\"wsdiag proxy\" can do it); it goes with at response", PLAN_FOR_SERVER },
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
	for (size_t r = 0; r < ARRAY_LEN(bad); r++) {
		struct plan p = { 0 };
		struct buf error CLEANUP(buf_deinit) = { 0 };
		int err = plan_parse(&p, "t", span_of(bad[r].line), bad[r].who != 0 ? bad[r].who : PLAN_FOR_PROXY, &error);

		ck_assert_msg(err == -EINVAL, "%s", bad[r].line);
		ck_assert_str_eq(buf_cstr(&error), bad[r].error);
		ck_assert_uint_eq(p.n_lines, 0);
		plan_deinit(&p);
	}
}
END_TEST

START_TEST(a_bad_line_appends_nothing_and_keeps_what_was_there)
{
	struct plan p = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 };

	ck_assert_int_eq(plan_parse(&p, "a", span_of("\nat accept: rst\r\n"), PLAN_FOR_PROXY, &error), 0);
	ck_assert_int_eq(plan_parse(&p, "b", span_of("at accept: fin\nat accept: fim\n"), PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_int_eq(plan_add_fault(&p, "age 1s:  drop\t up ;  close 1000 \"a  b\"  # why", PLAN_FOR_PROXY, &error), 0);
	ck_assert_int_eq(plan_add_fault(&p, "age 2s: fin", PLAN_FOR_PROXY, &error), 0);
	ck_assert_uint_eq(p.n_lines, 3);
	ck_assert_str_eq(p.lines[0].plan, "a");
	ck_assert_uint_eq(p.lines[0].number, 2);
	ck_assert_str_eq(p.lines[1].plan, "--fault");
	ck_assert_uint_eq(p.lines[1].number, 1);
	ck_assert_str_eq(p.lines[1].actions_text, "drop up ; close 1000 \"a  b\"");
	ck_assert_uint_eq(p.lines[2].number, 2);
	ck_assert(plan_has(&p, WHEN_ACCEPT) && plan_has(&p, WHEN_AFTER) && !plan_has(&p, WHEN_IDLE));
	plan_deinit(&p);
}
END_TEST

START_TEST(speed_shortens_every_time_and_nothing_else)
{
	struct plan p = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 }, said CLEANUP(buf_deinit) = { 0 };
	struct span text = span_of("age 10s: drop for 5s; delay 1s; throttle 1K; close\nidle 4s: kill-all within 2s; stall");

	ck_assert_int_eq(plan_parse(&p, "t", text, PLAN_FOR_PROXY, &error), 0);
	plan_speed_up(&p, 10);
	ck_assert_str_eq(say(&said, &p),
	    "conn 1-0 | after 1000000us | drop dir 3 for 500000us | delay dir 3 100000us | throttle dir 3 1024 | close leg 3 1005\n"
	    "conn 1-0 | idle 400000us dir 3 | kill-all 200000us by fin | stall dir 3");
	plan_deinit(&p);
}
END_TEST

START_TEST(a_plan_has_limits)
{
	struct plan p = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 }, text CLEANUP(buf_deinit) = { 0 };

	for (int i = 0; i <= PLAN_LINES_MAX; i++)
		buf_puts(&text, "at accept: rst\n");
	ck_assert_int_eq(plan_parse(&p, "t", buf_span(&text), PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_str_eq(buf_cstr(&error), "t:1025:1: a plan has at most 1024 lines");
	buf_clear(&text);
	buf_clear(&error);
	buf_puts(&text, "at accept: rst");
	for (int i = 0; i < PLAN_ACTIONS_MAX; i++)
		buf_puts(&text, ";rst");
	ck_assert_int_eq(plan_parse(&p, "t", buf_span(&text), PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_str_eq(buf_cstr(&error), "t:1:76: a line has at most 16 actions");
	buf_clear(&text);
	buf_clear(&error);
	buf_puts(&text, "on frame text \"");
	for (int i = 0; i < PLAN_TEXT_MAX; i++)
		buf_putc(&text, 'x');
	ck_assert_int_eq(plan_parse(&p, "t", buf_span(&text), PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_str_eq(buf_cstr(&error), "t:1:4097: a line has at most 4096 bytes");
	buf_clear(&text);
	buf_clear(&error);
	buf_puts(&text, "age 1s: close 1000 \"");
	for (int i = 0; i < 124; i++)
		buf_putc(&text, 'x');
	buf_putc(&text, '"');
	ck_assert_int_eq(plan_parse(&p, "t", buf_span(&text), PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_str_eq(buf_cstr(&error), "t:1:20: the reason has 124 bytes; a Close frame holds 123");
	plan_deinit(&p);
}
END_TEST

START_TEST(every_installed_plan_is_read)
{
	size_t likes = 0;

	for (const struct installed_plan *i = installed_plans; i->name != NULL; i++) {
		struct plan p = { 0 };
		struct buf error CLEANUP(buf_deinit) = { 0 };

		ck_assert_msg(plan_load(&p, i->name, PLAN_FOR_PROXY, &error) == 0, "%s", buf_cstr(&error));
		ck_assert_msg(p.n_lines > 0 && strlen(i->summary) > 10, "%s", i->name);
		ck_assert_ptr_eq(plan_installed(i->name), i);
		if (i->like != NULL)
			ck_assert_ptr_eq(plan_like(i->like), i);
		likes += i->like != NULL;
		plan_deinit(&p);
	}
	ck_assert_uint_eq(likes, 9);
	ck_assert_ptr_null(plan_like("a1"));
}
END_TEST

START_TEST(the_incident_is_three_lines)
{
	struct plan p = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 }, said CLEANUP(buf_deinit) = { 0 };

	ck_assert_int_eq(plan_load(&p, "seed-971", PLAN_FOR_PROXY, &error), 0);
	ck_assert_str_eq(say(&said, &p), "conn 1-1 | after 7000000us | fin leg 3\ndial 2-4 | accept | rst leg 3\nconn 2-2 | after 6000000us | drop dir 3 | hold leg 2");
	ck_assert_uint_eq(p.lines[2].number, 3);
	ck_assert_str_eq(p.lines[2].plan, "seed-971");
	ck_assert_str_eq(p.lines[2].actions_text, "drop both; hold origin");
	plan_deinit(&p);
}
END_TEST

START_TEST(a_plan_is_also_a_file_and_near_names_are_told)
{
	struct plan p = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 };
	char path[] = "/tmp/wsdiag-plan-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dprintf(fd, "at accept: rst\nconn 1 age 1s: rts"), 33);
	close(fd);
	ck_assert_int_eq(plan_load(&p, path, PLAN_FOR_PROXY, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&error), ":2:16: \"rts\" is no action; did you mean rst?"));
	unlink(path);
	buf_clear(&error);
	ck_assert_int_eq(plan_load(&p, "seed-917", PLAN_FOR_PROXY, &error), -ENOENT);
	ck_assert_str_eq(buf_cstr(&error), "\"seed-917\" is no installed plan and no file; did you mean seed-971?");
	buf_clear(&error);
	ck_assert_int_eq(plan_load(&p, "/", PLAN_FOR_PROXY, &error), -EISDIR);
	ck_assert_str_eq(buf_cstr(&error), "\"/\" cannot be read as a plan: Is a directory");
	plan_deinit(&p);
}
END_TEST

UNIT_MAIN("plan", a_line_is_read_as_it_is_meant, what_is_wrong_is_said_with_its_place, a_bad_line_appends_nothing_and_keeps_what_was_there,
    speed_shortens_every_time_and_nothing_else, a_plan_has_limits, every_installed_plan_is_read, the_incident_is_three_lines,
    a_plan_is_also_a_file_and_near_names_are_told)
