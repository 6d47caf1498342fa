/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "cli/exit_status.h"
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* stderr goes to a file while a test runs. */
struct capture {
	FILE *file;
	int saved;
	char text[4096];
};

static void
capture_start(struct capture *c)
{
	c->file = tmpfile();
	c->saved = dup(STDERR_FILENO);
	dup2(fileno(c->file), STDERR_FILENO);
}

static const char *
capture_end(struct capture *c)
{
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	rewind(c->file);
	c->text[fread(c->text, 1, sizeof(c->text) - 1, c->file)] = '\0';
	fclose(c->file);
	return c->text;
}

static void
count_line(void *arg, const char *line, size_t n)
{
	(void)line;
	(void)n;
	++*(unsigned *)arg;
}

static const struct {
	struct output_options opt;
	event_mask not_wanted;
	bool has_human;
} rows[] = {
	{ { 0 },
	    EVENT_BIT(EV_MESSAGE) | EVENT_BIT(EV_DIAL) | EVENT_BIT(EV_GONE) | EVENT_BIT(EV_PONG) | EVENT_BIT(EV_HEAD) | EVENT_BIT(EV_FRAME),
	    true },
	{ { .verbose = 1 }, EVENT_BIT(EV_MESSAGE) | EVENT_BIT(EV_PONG) | EVENT_BIT(EV_FRAME), true },
	{ { .verbose = 2, .show_pings = true }, EVENT_BIT(EV_MESSAGE), true },
	{ { .json = true }, EVENT_BIT(EV_HEAD) | EVENT_BIT(EV_FRAME), false },
	{ { .json = true, .quiet = true, .verbose = 2 }, 0, false },
	{ { .quiet = true }, EVENT_ALL, false },
	{ { .quiet = true, .log = "/dev/null" }, EVENT_BIT(EV_HEAD) | EVENT_BIT(EV_FRAME), false },
	{ { .quiet = true, .log = "/dev/null", .log_messages = LOG_MESSAGES_NONE },
	    EVENT_BIT(EV_MESSAGE) | EVENT_BIT(EV_HEAD) | EVENT_BIT(EV_FRAME), false },
};

START_TEST(options_decide_who_wants_what)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sink *human;
		struct journal j;
		unsigned lines = 0;

		journal_init(&j, ROLE_CLIENT, 1, &clock_system);
		ck_assert_int_eq(output_open(&rows[i].opt, &j, &(struct output_lines){ .json = count_line, .json_arg = &lines }, &human), 0);
		ck_assert((human != NULL) == rows[i].has_human);
		for (int type = 0; type < EV_TYPE_COUNT; type++)
			ck_assert_msg(journal_wants(&j, (enum event_type)type) == !(rows[i].not_wanted & EVENT_BIT(type)),
			    "row %zu type %d", i, type);
		journal_deinit(&j);
	}
}
END_TEST

START_TEST(capture_is_bounded_by_what_is_shown)
{
	const uint64_t max = 16 << 20;

	ck_assert_uint_eq(output_capture(&(struct output_options){ 0 }, max), 0);
	ck_assert_uint_eq(output_capture(&(struct output_options){ .json = true }, max), max);
	ck_assert_uint_eq(output_capture(&(struct output_options){ .log = "f" }, max), 0);
	ck_assert_uint_eq(output_capture(&(struct output_options){ .log = "f", .log_messages = LOG_MESSAGES_DATA }, max), 65536);
	ck_assert_uint_eq(output_capture(&(struct output_options){ .log = "f", .log_messages = LOG_MESSAGES_DATA }, 10), 10);
}
END_TEST

START_TEST(human_lines_go_to_stderr_json_lines_to_the_caller)
{
	struct capture c;
	struct sink *human;
	struct journal j;
	unsigned lines = 0;

	journal_init(&j, ROLE_CLIENT, 1, &clock_system);
	capture_start(&c);
	int status = output_open(&(struct output_options){ .time = 1 + TIME_NONE, .colour = COLOUR_NEVER }, &j, &(struct output_lines){ .json = count_line, .json_arg = &lines }, &human);
	journal_note(&j, "hello");
	const char *text = capture_end(&c);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(text, "note:          hello\n");
	ck_assert_uint_eq(lines, 0);
	journal_deinit(&j);

	journal_init(&j, ROLE_CLIENT, 1, &clock_system);
	capture_start(&c);
	status = output_open(&(struct output_options){ .json = true }, &j, &(struct output_lines){ .json = count_line, .json_arg = &lines }, &human);
	journal_note(&j, "hello");
	text = capture_end(&c);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(lines, 1);
	journal_deinit(&j);
}
END_TEST

START_TEST(a_full_log_is_told_once_and_even_when_quiet)
{
	struct capture c;
	struct sink *human;
	struct journal j;

	journal_init(&j, ROLE_CLIENT, 1, &clock_system);
	capture_start(&c);
	int status = output_open(&(struct output_options){ .log = "/dev/full", .quiet = true }, &j, &(struct output_lines){ 0 }, &human);
	journal_note(&j, "one");
	journal_note(&j, "two");
	const char *text = capture_end(&c);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(text, "wsdiag: --log /dev/full: No space left on device; lines are missing from it (told once)\n");
	journal_deinit(&j);
}
END_TEST

START_TEST(a_log_that_cannot_be_opened_is_an_exit_status)
{
	struct capture c;
	struct sink *human;
	struct journal j;

	journal_init(&j, ROLE_CLIENT, 1, &clock_system);
	capture_start(&c);
	int status = output_open(&(struct output_options){ .log = "/nonexistent/x" }, &j, &(struct output_lines){ 0 }, &human);
	const char *text = capture_end(&c);
	ck_assert_int_eq(status, EXIT_INPUT);
	ck_assert_str_eq(text, "wsdiag: --log /nonexistent/x: No such file or directory\n");
	journal_deinit(&j);
}
END_TEST

START_TEST(complaints_are_escaped_once)
{
	struct capture c;

	capture_start(&c);
	output_complain("\"%s\" and %s", "a\033[2J\n", "b\\e");
	ck_assert_str_eq(capture_end(&c), "wsdiag: \"a\\e[2J\\n\" and b\\e\n");
}
END_TEST

START_TEST(colour_follows_the_option_before_the_terminal)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert(!terminal_is(null));
	ck_assert_uint_eq(terminal_columns(null), 0);
	ck_assert(!terminal_wants_colour(null, COLOUR_AUTO));
	ck_assert(terminal_wants_colour(null, COLOUR_ALWAYS));
	ck_assert(!terminal_wants_colour(null, COLOUR_NEVER));
	close(null);
}
END_TEST

START_TEST(a_terminal_has_colours_unless_told_otherwise)
{
	int pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (pty < 0 || grantpt(pty) != 0 || unlockpt(pty) != 0)
		return;
	int tty = open(ptsname(pty), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(tty, 0);
	setenv("TERM", "xterm", 1);
	setenv("COLUMNS", "123", 1);
	unsetenv("NO_COLOR");
	ck_assert(terminal_wants_colour(tty, COLOUR_AUTO));
	ck_assert_uint_eq(terminal_columns(tty), 123);
	setenv("NO_COLOR", "", 1);
	ck_assert(terminal_wants_colour(tty, COLOUR_AUTO));
	setenv("NO_COLOR", "1", 1);
	ck_assert(!terminal_wants_colour(tty, COLOUR_AUTO));
	ck_assert(terminal_wants_colour(tty, COLOUR_ALWAYS));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	ck_assert(!terminal_wants_colour(tty, COLOUR_AUTO));
	close(tty);
	close(pty);
}
END_TEST

UNIT_MAIN("output", options_decide_who_wants_what, capture_is_bounded_by_what_is_shown, human_lines_go_to_stderr_json_lines_to_the_caller,
    a_full_log_is_told_once_and_even_when_quiet, a_log_that_cannot_be_opened_is_an_exit_status, complaints_are_escaped_once,
    colour_follows_the_option_before_the_terminal, a_terminal_has_colours_unless_told_otherwise)
