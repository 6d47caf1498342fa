/* SPDX-License-Identifier: MIT */
#include "connect/history.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char folder[64], *path;
	struct buf lines;   /* as loaded, each with its newline */
	size_t n;
};

static void
prepare(struct place *p)
{
	*p = (struct place){ .folder = "/tmp/wsdiag-history-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	setenv("XDG_STATE_HOME", p->folder, 1);
	p->path = history_path();
	ck_assert_ptr_nonnull(p->path);
}

static void
release(struct place *p)
{
	char *dir CLEANUP(free_charp) = xasprintf("%s/wsdiag", p->folder);

	unlink(p->path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing is left beside it */
	ck_assert_int_eq(rmdir(p->folder), 0);
	free(p->path);
	buf_deinit(&p->lines);
}

static void
on_line(void *arg, const char *line)
{
	struct place *p = arg;

	buf_printf(&p->lines, "%s\n", line);
	p->n++;
}

static void
load(struct place *p)
{
	buf_clear(&p->lines);
	p->n = 0;
	history_load(p->path, on_line, p);
}

START_TEST(lines_come_back_in_order_and_those_not_meant_to_do_not)
{
	struct place p CLEANUP(release);
	char *long_line CLEANUP(free_charp) = xcalloc(HISTORY_LINE_MAX + 1, 1);
	struct stat st;

	prepare(&p);
	memset(long_line, 'x', HISTORY_LINE_MAX);
	ck_assert(history_append(p.path, "one"));
	ck_assert(!history_append(p.path, " secret"));
	ck_assert(!history_append(p.path, ""));
	ck_assert(!history_append(p.path, "a\nb"));
	ck_assert(!history_append(p.path, long_line));
	ck_assert(history_append(p.path, "two ✓"));
	load(&p);
	ck_assert_str_eq(buf_cstr(&p.lines), "one\ntwo ✓\n");
	ck_assert_int_eq(stat(p.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(nothing_there_is_no_trouble)
{
	struct place p CLEANUP(release);

	prepare(&p);
	load(&p);
	ck_assert_uint_eq(p.n, 0);
	ck_assert(history_append(NULL, "kept for this run"));
	ck_assert(history_append("/nonexistent/history", "as well"));
}
END_TEST

START_TEST(a_long_file_keeps_its_later_half)
{
	struct place p CLEANUP(release);
	char line[32];

	prepare(&p);
	for (int i = 1; i <= HISTORY_MAX + 1; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		history_append(p.path, line);
	}
	load(&p);
	ck_assert_uint_eq(p.n, HISTORY_MAX + 1);
	load(&p);
	ck_assert_uint_eq(p.n, HISTORY_MAX / 2);
	snprintf(line, sizeof(line), "line %d\n", HISTORY_MAX / 2 + 2);
	ck_assert_int_eq(strncmp(buf_cstr(&p.lines), line, strlen(line)), 0);
}
END_TEST

START_TEST(a_file_of_long_lines_is_cut_by_its_bytes)
{
	struct place p CLEANUP(release);
	char *line CLEANUP(free_charp) = xcalloc(HISTORY_LINE_MAX, 1);
	struct stat st;

	prepare(&p);
	memset(line, 'x', HISTORY_LINE_MAX - 1);
	for (int i = 0; i <= HISTORY_BYTES_MAX / HISTORY_LINE_MAX; i++)
		ck_assert(history_append(p.path, line));
	load(&p);
	ck_assert_uint_eq(p.n, HISTORY_BYTES_MAX / HISTORY_LINE_MAX + 1);
	ck_assert_int_eq(stat(p.path, &st), 0);
	ck_assert_int_eq(st.st_size, HISTORY_BYTES_MAX / 2);
}
END_TEST

enum { ROUNDS = 20, WRITERS = 4, LINES_EACH = 5 };

static void
ignore(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* Begins when the gate is closed at its other end. */
static void
one_of_several(const struct place *p, int w, const int gate[2])
{
	char line[64];
	char c;

	close(gate[1]);
	if (read(gate[0], &c, 1) != 0)
		_exit(1);
	history_load(p->path, ignore, NULL);
	for (int i = 0; i < LINES_EACH; i++) {
		snprintf(line, sizeof(line), "writer %d line %d.", w, i);
		history_append(p->path, line);
	}
	_exit(0);
}

static void
let_several_run(const struct place *p)
{
	pid_t children[WRITERS];
	int gate[2], status;

	ck_assert_int_eq(pipe(gate), 0);
	for (int w = 0; w < WRITERS; w++) {
		children[w] = fork();
		ck_assert_int_ge(children[w], 0);
		if (children[w] == 0)
			one_of_several(p, w, gate);
	}
	close(gate[0]);
	close(gate[1]);
	for (int w = 0; w < WRITERS; w++) {
		ck_assert_int_eq(waitpid(children[w], &status, 0), children[w]);
		ck_assert_int_eq(status, 0);
	}
}

/* Each finds a file that is too long: one cuts it, and nobody cuts the old one once more, over what was written since. */
START_TEST(several_at_once_lose_no_line_but_the_oldest)
{
	struct place p CLEANUP(release);

	prepare(&p);
	for (int round = 0; round < ROUNDS; round++) {
		int next[WRITERS] = { 0 };
		FILE *f = fopen(p.path, "w");

		for (int i = 0; i <= HISTORY_MAX; i++)
			fputs("old\n", f);
		fclose(f);
		let_several_run(&p);
		load(&p);
		ck_assert_uint_eq(p.n, HISTORY_MAX / 2 + WRITERS * LINES_EACH);

		struct span text = buf_span(&p.lines), line;
		while (span_next(&text, '\n', &line) && line.n > 0) {
			char *copy CLEANUP(free_charp) = span_dup(line);
			int w, i;

			if (strcmp(copy, "old") == 0)
				continue;
			ck_assert_msg(sscanf(copy, "writer %d line %d.", &w, &i) == 2 && w >= 0 && w < WRITERS, "torn: \"%s\"", copy);
			ck_assert_int_eq(i, next[w]++);
		}
	}
}
END_TEST

UNIT_MAIN("history", lines_come_back_in_order_and_those_not_meant_to_do_not, nothing_there_is_no_trouble, a_long_file_keeps_its_later_half,
    a_file_of_long_lines_is_cut_by_its_bytes, several_at_once_lose_no_line_but_the_oldest)
