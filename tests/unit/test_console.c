/* SPDX-License-Identifier: MIT */
#include "connect/console_state.h"

#include "codec/frame.h"

#include "support/net.h"

#include <fcntl.h>

#include <stdio.h>
#include <string.h>

/* A console whose session is never started: nothing is open, and events are made up. */
struct trial {
	struct net_test *nt;
	struct journal journal;
	struct session *session;
	struct console *console;
	struct buf said, failures;
	int idle, quit, closed, expectations;
};

static void
on_say(void *arg, struct span text)
{
	struct trial *t = arg;

	buf_append(&t->said, text.p, text.n);
}

static void
on_idle(void *arg)
{
	((struct trial *)arg)->idle++;
}

static void
on_failed(void *arg, const char *sentence, bool is_expectation)
{
	struct trial *t = arg;

	buf_printf(&t->failures, "%s\n", sentence);
	t->expectations += is_expectation;
}

static void
on_quit(void *arg)
{
	((struct trial *)arg)->quit++;
}

static void
on_closed(void *arg)
{
	((struct trial *)arg)->closed = 1;
}

static const struct console_events up = { .say = on_say, .idle = on_idle, .failed = on_failed, .quit = on_quit };
static const struct session_events session_up = { 0 };

static void
prepare(struct trial *t)
{
	char *error CLEANUP(free_charp) = NULL;

	*t = (struct trial){ .nt = net_test_new() };
	journal_init(&t->journal, ROLE_CLIENT, 7, &clock_system);

	const struct session_options session = { .url = "ws://127.0.0.1:1/", .stays = true, .dial.conn = { .loop = &t->nt->l, .journal = &t->journal } };
	ck_assert_int_eq(session_new(&session, &session_up, t, &t->session, &error), 0);

	const struct console_options console = { .loop = &t->nt->l, .journal = &t->journal, .session = t->session, .shows_messages = true };
	t->console = console_new(&console, &up, t);
}

static void
release(struct trial *t)
{
	console_close(t->console, on_closed, t);
	net_run_until(t->nt, &t->closed);
	console_free(t->console);
	session_free(t->session);
	journal_deinit(&t->journal);
	net_test_end(t->nt);
	buf_deinit(&t->said);
	buf_deinit(&t->failures);
}

static void
run(struct trial *t, const char *line, bool is_script)
{
	console_run(t->console, line, is_script);
	net_turn(t->nt);
}

/* What a line says, or why it fails. */
static const char *
answer(struct trial *t, const char *line)
{
	buf_clear(&t->said);
	buf_clear(&t->failures);
	run(t, line, false);
	return t->failures.len > 0 ? buf_cstr(&t->failures) : buf_cstr(&t->said);
}

static void
tell_message(struct trial *t, uint8_t opcode, const char *data, size_t n)
{
	struct event ev = { .type = EV_MESSAGE, .conn = 1 };

	ev.u.message = (struct ev_message){ .dir = DIR_IN, .opcode = opcode, .length = n, .data = { data, n } };
	journal_emit(&t->journal, &ev);
	net_turn(t->nt);
}

static void
tell(struct trial *t, enum event_type type)
{
	struct event ev = { .type = type };

	journal_emit(&t->journal, &ev);
	net_turn(t->nt);
}

START_TEST(words_are_taken_one_by_one)
{
	static const struct {
		const char *line, *word, *rest;
	} rows[] = { { "a b c", "a", "b c" }, { "  a\t b  c  ", "a", "b  c" }, { "one", "one", "" } };
	struct span word, none = SPAN_LIT(" \t ");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span args = span_of(rows[i].line);

		ck_assert(console_word(&args, &word));
		ck_span_eq(word, rows[i].word);
		ck_span_eq(args, rows[i].rest);
	}
	ck_assert(!console_word(&none, &word));
}
END_TEST

START_TEST(numbers_have_a_limit_and_no_signs)
{
	static const struct {
		const char *word;
		uint64_t max;
		bool ok;
	} rows[] = { { "0", 0, true }, { "17", 17, true }, { "18", 17, false }, { "", 9, false }, { "-1", 9, false }, { "+1", 9, false }, { "1x", 99, false },
		{ "999999999999999999", UINT64_MAX, true }, { "9999999999999999999", UINT64_MAX, false } };
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(console_number(span_of(rows[i].word), rows[i].max, &n) == rows[i].ok, "%s", rows[i].word);
}
END_TEST

START_TEST(the_table_is_whole)
{
	for (const struct console_command *k = console_commands; k->name != NULL; k++) {
		ck_assert_ptr_nonnull(k->run);
		ck_assert_ptr_eq(console_find(span_of(k->name)), k); /* no name twice */
		ck_assert_msg(strlen(k->help) > 3, "%s", k->name);
	}
	ck_assert_ptr_null(console_find(SPAN_LIT("nothing")));
	ck_assert_ptr_null(console_find(SPAN_NONE));
}
END_TEST

START_TEST(help_tells_of_each_command)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	for (const struct console_command *k = console_commands; k->name != NULL; k++) {
		char *line CLEANUP(free_charp) = xasprintf("/help %s", k->name), *usage CLEANUP(free_charp) = xasprintf("/%s", k->name);

		ck_assert_ptr_nonnull(strstr(answer(&t, line), usage));
		ck_assert_ptr_nonnull(strstr(buf_cstr(&t.said), k->help));
	}
}
END_TEST

START_TEST(what_makes_no_sense_says_why_and_what_would)
{
	static const struct {
		const char *line, *told;
	} rows[] = {
		{ "text", "/open dials" },
		{ "//text", "/open dials" },
		{ "/text x", "needs an open connection; /open dials" },
		{ "/", "/help" },
		{ "/clsoe", "did you mean /close?" },
		{ "/zzzzzz", "/help lists" },
		{ "/help zzz", "/help lists" },
		{ "/use", "/use CONN: send" },
		{ "/use x", "/conns" },
		{ "/use 1", "/conns" },
		{ "/every", "/every off|SECONDS LINE: do LINE" },
		{ "/every 1", "/every SECONDS LINE" },
		{ "/every x y", "not a duration" },
		{ "/every 0 x", "/every off" },
		{ "/every 1 /sleep 1", "waits" },
		{ "/pongs maybe", "/pongs on" },
		{ "/ping-interval x", "not a duration" },
		{ "/open http://[", "" },
		{ "/last", "no message has come" },
		{ "/save x", "no message has come" },
		{ "/save", "/save FILE: the last" },
		{ "/set show x", "BYTES" },
		{ "/set what 1", "show BYTES" },
		{ "/set paste", "/set paste one" },
		{ "/log", "/log off|FILE: write" },
		{ "/log /nonexistent/x", "No such file" },
		{ "/source", "/source FILE" },
		{ "/source /nonexistent/x", "No such file" },
		{ "/source /", "Is a directory" },
		{ "/source /dev/zero", "too large" },
		{ "/sleep", "/sleep SECONDS: wait" },
		{ "/sleep forever and ever", "not a duration" },
		{ "/wait", "/wait EVENT" },
		{ "/wait nothing", "/wait EVENT" },
		{ "/wait open x", "not a duration" },
		{ "/expect", "/expect PATTERN" },
		{ "/expect [", "no regular expression" },
		{ "/reconnect twice", "/reconnect overlap" },
	};
	struct trial t CLEANUP(release);

	prepare(&t);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer(&t, rows[i].line);
		ck_assert_msg(t.failures.len > 0, "%s: it did not fail", rows[i].line);
		ck_assert_msg(strstr(buf_cstr(&t.failures), rows[i].told) != NULL, "%s: %s", rows[i].line, buf_cstr(&t.failures));
	}
	ck_assert_int_eq(t.expectations, 0);
	ck_assert(!console_is_busy(t.console));
}
END_TEST

START_TEST(a_wait_looks_back_at_what_no_other_has_seen)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell(&t, EV_RETRY);
	tell(&t, EV_GIVEUP);
	run(&t, "/wait retry", true);
	ck_assert(!console_is_waiting(t.console));
	run(&t, "/wait retry", true);
	ck_assert(console_is_waiting(t.console)); /* that one has been seen */
	tell(&t, EV_GIVEUP);
	ck_assert(console_is_waiting(t.console));
	tell(&t, EV_RETRY);
	ck_assert(!console_is_waiting(t.console));
}
END_TEST

START_TEST(a_person_waits_for_what_came_since_the_line_before)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell(&t, EV_RETRY);
	run(&t, "/echo x", false);
	run(&t, "/echo y", false);
	run(&t, "/wait retry", false);
	ck_assert(console_is_waiting(t.console));
	console_cancel(t.console);
	net_turn(t.nt);
	ck_assert(!console_is_busy(t.console));
}
END_TEST

START_TEST(a_message_is_expected_also_behind_a_nul)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell_message(&t, OP_BINARY, "\0needle", 7);
	run(&t, "/expect needle$", true);
	ck_assert(!console_is_waiting(t.console));
}
END_TEST

START_TEST(what_came_last_is_quoted_also_behind_a_nul)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell_message(&t, OP_BINARY, "\0ab", 3);
	run(&t, "/expect never 0.01", false);
	while (t.failures.len == 0)
		uv_run(&t.nt->l.uv, UV_RUN_ONCE);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&t.failures), "the last that came was \"\u2400ab\""));
}
END_TEST

START_TEST(only_so_many_messages_and_events_are_remembered)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell_message(&t, OP_TEXT, "first", 5);
	tell(&t, EV_RETRY);
	for (int i = 0; i < CONSOLE_MESSAGES; i++)
		tell_message(&t, OP_TEXT, "more", 4);
	for (int i = 0; i < CONSOLE_EVENTS; i++)
		tell(&t, EV_GIVEUP);
	run(&t, "/expect first", true);
	ck_assert(console_is_waiting(t.console));
	console_cancel(t.console);
	run(&t, "/wait retry", true);
	ck_assert(console_is_waiting(t.console));
}
END_TEST

START_TEST(what_did_not_come_ends_a_script_and_says_what_did)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	tell_message(&t, OP_TEXT, "hello", 5);
	buf_clear(&t.said);
	console_run(t.console, "/expect never 0.01", true);
	console_run(t.console, "/echo not reached", true);
	while (t.failures.len == 0)
		uv_run(&t.nt->l.uv, UV_RUN_ONCE);
	net_turn(t.nt);
	ck_assert_str_eq(buf_cstr(&t.failures), "/expect: a message that matches \"never\" did not come in time; the last that came was \"hello\"\n");
	ck_assert_int_eq(t.expectations, 1);
	ck_assert_uint_eq(t.said.len, 0);
	ck_assert(!console_is_busy(t.console));
}
END_TEST

START_TEST(lines_of_a_file_go_before_those_that_wait)
{
	struct trial t CLEANUP(release);
	char path[] = "/tmp/wsdiag-source-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "# comment\n\n/echo a\n/echo b", 26), 26);
	close(fd);
	prepare(&t);
	char *source CLEANUP(free_charp) = xasprintf("/source %s", path);
	console_run(t.console, source, true);
	console_run(t.console, "/echo c", true);
	net_turn(t.nt);
	ck_assert_str_eq(buf_cstr(&t.said), "a\nb\nc\n");
	ck_assert_int_eq(t.idle, 1);
	/* One that sources itself ends. */
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, source, strlen(source)), (ssize_t)strlen(source));
	close(fd);
	run(&t, source, true);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&t.failures), "source itself?"));
	unlink(path);
}
END_TEST

START_TEST(quit_leaves_out_the_lines_behind_it)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	console_run(t.console, "/quit", true);
	console_run(t.console, "/echo not reached", true);
	net_turn(t.nt);
	ck_assert_int_eq(t.quit, 1);
	ck_assert_uint_eq(t.said.len, 0);
}
END_TEST

START_TEST(the_last_message_is_shown_whole_and_told_where_it_was_not_kept)
{
	struct trial t CLEANUP(release);
	struct event ev = { .type = EV_MESSAGE, .conn = 1 };

	prepare(&t);
	tell_message(&t, OP_TEXT, "abc", 3);
	ck_assert_str_eq(answer(&t, "/last"), "abc\n");
	ev.u.message = (struct ev_message){ .dir = DIR_IN, .opcode = OP_TEXT, .length = 10, .data = SPAN_LIT("abc"), .truncated = true };
	journal_emit(&t.journal, &ev);
	ck_assert_str_eq(answer(&t, "/last"), "abc\n... 7 bytes more came, and were not kept\n");
}
END_TEST

UNIT_MAIN("console", words_are_taken_one_by_one, numbers_have_a_limit_and_no_signs, the_table_is_whole,
    help_tells_of_each_command, what_makes_no_sense_says_why_and_what_would, a_wait_looks_back_at_what_no_other_has_seen,
    a_person_waits_for_what_came_since_the_line_before, a_message_is_expected_also_behind_a_nul, what_came_last_is_quoted_also_behind_a_nul,
    only_so_many_messages_and_events_are_remembered,
    what_did_not_come_ends_a_script_and_says_what_did, lines_of_a_file_go_before_those_that_wait, quit_leaves_out_the_lines_behind_it,
    the_last_message_is_shown_whole_and_told_where_it_was_not_kept)
