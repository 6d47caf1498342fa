/* SPDX-License-Identifier: MIT */
#include "report/input.h"

#include "support/input_story.h"
#include "support/net.h"

#include <fcntl.h>
#include <stdio.h>

struct follow_test {
	struct story story;        /* first: it is what story_events get */
	struct net_test *nt;
	struct input_follow *follow;
	struct input_spec spec;
	char path[64], *error;
	int caught_up, ended, closed, err;
	struct buf turns;
};

static void
on_turned(void *arg, enum input_turn turn)
{
	static const char *const words[] = { [INPUT_AWAITED] = "awaited ", [INPUT_APPEARED] = "appeared ", [INPUT_CUT_BACK] = "cut ", [INPUT_REPLACED] = "replaced " };
	struct follow_test *t = arg;

	buf_puts(&t->turns, words[turn]);
}

static void
on_caught_up(void *arg)
{
	struct follow_test *t = arg;

	t->caught_up++;
}

static void
on_ended(void *arg, int err)
{
	struct follow_test *t = arg;

	t->ended++;
	t->err = err;
}

static void
on_closed(void *arg)
{
	struct follow_test *t = arg;

	t->closed++;
}

static const struct input_follow_events follow_events = { .turned = on_turned, .caught_up = on_caught_up, .ended = on_ended, .closed = on_closed };

static void
begin(struct follow_test *t, const char *path)
{
	t->nt = net_test_new();
	t->spec.path = path;
	ck_assert_int_eq(input_follow_new(&t->nt->l, &t->spec, 0, &story_events, &follow_events, t, &t->follow, &t->error), 0);
}

/* What must be told from the beginning, once all there is was told. */
static void
expect(struct follow_test *t, const char *story)
{
	while (t->story.text.len < strlen(story)) {
		t->caught_up = 0;
		net_run_until(t->nt, &t->caught_up);
	}
	ck_assert_str_eq(buf_cstr(&t->story.text), story);
}

static void
finish(struct follow_test *t, const char *turns)
{
	ck_assert_str_eq(buf_cstr(&t->turns), turns);
	ck_assert_uint_eq(t->story.ended, 0);
	input_follow_close(t->follow);
	ck_assert_uint_eq(t->story.ended, 1);
	net_run_until(t->nt, &t->closed);
	ck_assert_int_eq(t->closed, 1);
	buf_deinit(&t->story.text);
	buf_deinit(&t->turns);
	net_test_end(t->nt);
}

static void
make_file(struct follow_test *t)
{
	snprintf(t->path, sizeof(t->path), "/tmp/wsdiag-test-follow-XXXXXX");

	int fd = mkstemp(t->path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#define OPEN1 "1 01-01T22:13:02.000 open\n"
#define CLOSE2 "2 01-01T22:13:03.000 close\n"

START_TEST(a_file_is_read_as_it_grows_also_in_pieces_of_lines)
{
	struct follow_test t = { 0 };

	make_file(&t);
	begin(&t, t.path);
	net_run_until(t.nt, &t.caught_up);
	append(t.path, "22:13:02 on_open\n22:13");
	expect(&t, OPEN1);
	append(t.path, ":03 on_close\n");
	expect(&t, OPEN1 CLOSE2);
	finish(&t, "");
	unlink(t.path);
}
END_TEST

START_TEST(a_file_that_is_cut_back_is_read_from_its_beginning)
{
	struct follow_test t = { 0 };

	make_file(&t);
	append(t.path, "22:13:02 on_open\n22:13:03 on_close\n22:13:0");
	begin(&t, t.path);
	expect(&t, OPEN1 CLOSE2);
	ck_assert_int_eq(truncate(t.path, 0), 0);
	append(t.path, "22:14:02 on_open\n");
	expect(&t, OPEN1 CLOSE2 "1 01-01T22:14:02.000 open\n");
	finish(&t, "cut ");
	ck_assert_uint_eq(t.story.trouble.restarts, 1);
	unlink(t.path);
}
END_TEST

/* An open was read from the file, which then has another name. */
static void
begin_and_rename(struct follow_test *t, char old[static 80])
{
	make_file(t);
	append(t->path, "22:13:02 on_open\n");
	begin(t, t->path);
	expect(t, OPEN1);
	snprintf(old, 80, "%s.1", t->path);
	ck_assert_int_eq(rename(t->path, old), 0);
}

START_TEST(a_file_that_takes_its_name_is_read_behind_the_rest_of_the_old_one)
{
	struct follow_test t = { 0 };
	char old[80];

	begin_and_rename(&t, old);
	append(old, "22:13:03 on_close\n");
	append(t.path, "22:14:02 on_open\n");
	expect(&t, OPEN1 CLOSE2 "1 01-01T22:14:02.000 open\n");
	append(t.path, "22:14:03 on_close\n");
	expect(&t, OPEN1 CLOSE2 "1 01-01T22:14:02.000 open\n2 01-01T22:14:03.000 close\n");
	finish(&t, "replaced ");
	ck_assert_uint_eq(t.story.trouble.restarts, 1);
	unlink(t.path);
	unlink(old);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
	struct follow_test t = { 0 };
	int fds[2], saved = dup(STDIN_FILENO);

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(dup2(fds[0], STDIN_FILENO), 0);
	begin(&t, "-");
	ck_assert_int_eq(write(fds[1], "22:13:02 on_open\n", 17), 17);
	expect(&t, OPEN1);
	ck_assert_int_eq(write(fds[1], "22:13:03 on_close", 17), 17);
	close(fds[1]);
	net_run_until(t.nt, &t.ended);
	ck_assert_int_eq(t.err, 0);
	input_follow_close(t.follow);
	ck_assert_str_eq(buf_cstr(&t.story.text), OPEN1 CLOSE2);
	net_run_until(t.nt, &t.closed);
	buf_deinit(&t.story.text);
	net_test_end(t.nt);
	close(fds[0]);
	dup2(saved, STDIN_FILENO);
	close(saved);
}
END_TEST

/* As log rotation does: the new one is there at once, and the old one is written until the writer knows. */
START_TEST(an_empty_file_that_takes_its_name_waits_for_its_first_line)
{
	struct follow_test t = { 0 };
	char old[80];

	begin_and_rename(&t, old);
	append(t.path, "");
	append(old, "22:13:03 on_close\n");
	expect(&t, OPEN1 CLOSE2);
	append(t.path, "22:14:02 on_open\n");
	expect(&t, OPEN1 CLOSE2 "1 01-01T22:14:02.000 open\n");
	finish(&t, "replaced ");
	unlink(t.path);
	unlink(old);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_waited_for)
{
	struct follow_test t = { 0 };

	make_file(&t);
	unlink(t.path);
	begin(&t, t.path);
	/* Nobody waits for it: there is nothing to read. */
	net_run_until(t.nt, &t.caught_up);
	append(t.path, "22:13:02 on_open\n");
	expect(&t, OPEN1);
	finish(&t, "awaited appeared ");
	unlink(t.path);
}
END_TEST

START_TEST(one_that_never_comes_is_an_empty_log)
{
	struct follow_test t = { 0 };

	begin(&t, "/nonexistent/log");
	net_run_until(t.nt, &t.caught_up);
	finish(&t, "awaited ");
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_an_error)
{
	struct follow_test t = { 0 };
	struct net_test *nt = net_test_new();

	t.spec.path = "/dev/null/log";
	ck_assert_int_eq(input_follow_new(&nt->l, &t.spec, 0, &story_events, &follow_events, &t, &t.follow, &t.error), -ENOTDIR);
	ck_assert_str_eq(t.error, "/dev/null/log: Not a directory");
	free(t.error);
	net_test_end(nt);
}
END_TEST

UNIT_MAIN("input_follow", a_file_is_read_as_it_grows_also_in_pieces_of_lines, a_file_that_is_cut_back_is_read_from_its_beginning,
    a_file_that_takes_its_name_is_read_behind_the_rest_of_the_old_one, a_pipe_is_read_to_its_end,
    an_empty_file_that_takes_its_name_waits_for_its_first_line, a_file_that_is_not_there_is_waited_for, one_that_never_comes_is_an_empty_log,
    a_file_that_may_not_be_read_is_an_error)
