/* SPDX-License-Identifier: MIT */
#include "demo/table.h"

#include "log/fold.h"

#include "support/unit.h"

#include <string.h>

static const struct row loss = {
	.at_us = 1400000,
	.cells = { SPAN_LIT("lost c1: peer FIN"), SPAN_LIT("fin both :1"), SPAN_LIT("lost c1: peer FIN"), SPAN_LIT("on_error") },
	.colours = { "\033[31m", "\033[35m", "\033[31m", "" },
};
static const struct row dark = {
	.at_us = 104600000,
	.cells = { SPAN_NONE, SPAN_LIT("drop both; hold origin :3"), SPAN_NONE, SPAN_NONE },
	.colours = { "", "", "", "" },
};
static const struct row end = {
	.at_us = 9200000,
	.cells = { SPAN_LIT("close c3: ours 1000"), SPAN_LIT("pass"), SPAN_LIT("close c3: peer 1000"), SPAN_LIT("on_close None/None") },
	.colours = { "", "", "", "" },
};

static const struct {
	unsigned columns;
	const struct row *row;
	const char *laid_out;
} rows[] = {
	{ 100, &loss, " 1.4  lost c1: peer FIN            fin both :1            lost c1: peer FIN           on_error\n" },
	{ 80, &loss, " 1.4  lost c1: peer FIN     fin both :1      lost c1: peer FIN    on_error\n" },
	{ 80, &dark, "104.6                        drop both; hold\n                             origin :3\n" },
	{ 80, &end, " 9.2  close c3: ours 1000   pass             close c3: peer 1000  on_close\n"
		    "                                                                   None/None\n" },
	{ 60, &loss, " 1.4  client  lost c1: peer FIN\n      proxy   fin both :1\n      server  lost c1: peer FIN\n      app     on_error\n" },
	{ 34, &dark, "104.6  proxy   drop both; hold\n              origin :3\n" },
	{ 20, &loss, " 1.4 client lost c1:\n peer FIN\n proxy fin both :1\n server lost c1:\n peer FIN\n app on_error\n" },
	{ 0, &loss, " 1.4  client  lost c1: peer FIN\n 1.4  proxy   fin both :1\n 1.4  server  lost c1: peer FIN\n 1.4  app     on_error\n" },
};

START_TEST(a_row_is_laid_out_for_its_reader)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct table t = { .columns = rows[i].columns, .hears = "v1.7 app hears" };
		struct buf b = { 0 };

		table_row(&t, rows[i].row, &b);
		ck_assert_msg(span_eq(buf_span(&b), rows[i].laid_out), "row %zu:\n%s", i, buf_cstr(&b));
		buf_deinit(&b);
	}
}
END_TEST

/* A time that has grown is the one thing that may push its line, and only in columns. */
START_TEST(no_line_is_wider_than_the_terminal)
{
	const struct row *const all[] = { &loss, &end };

	for (unsigned columns = 8; columns <= 200; columns++) {
		const struct table t = { .columns = columns, .hears = "v1.7 app hears" };
		struct buf b = { 0 };
		struct span rest, line;

		table_head(&t, &b);
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			table_row(&t, all[i], &b);
		table_text(&t, SPAN_LIT("Two connections of one client at the server"), &b);
		rest = buf_span(&b);
		while (span_next(&rest, '\n', &line))
			ck_assert_msg(fold_width(line) <= columns, "%u columns: \"%.*s\"", columns, (int)line.n, line.p);
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(columns_stand_under_their_names)
{
	for (unsigned columns = TABLE_WIDE; columns <= 200; columns++) {
		const struct table t = { .columns = columns, .hears = "v1.7 app hears" };
		struct buf head = { 0 }, row = { 0 };

		table_head(&t, &head);
		table_row(&t, &loss, &row);
		const char *h = buf_cstr(&head), *r = buf_cstr(&row);
		ck_assert_int_eq(strstr(h, "CLIENT") - h, strstr(r, "lost") - r);
		ck_assert_int_eq(strstr(h, "PROXY") - h, strstr(r, "fin") - r);
		ck_assert_int_eq(strstr(h, "SERVER") - h, strstr(strstr(r, "fin"), "lost") - r);
		ck_assert_int_eq(strstr(h, "v1.7") - h, strstr(r, "on_error") - r);
		buf_deinit(&head);
		buf_deinit(&row);
	}
}
END_TEST

START_TEST(only_the_first_word_is_coloured_and_takes_no_columns)
{
	static const unsigned widths[] = { 0, 60, 100 };

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		const struct table plain = { .columns = widths[i], .hears = "" }, colour = { .columns = widths[i], .colour = true, .hears = "" };
		struct buf a = { 0 }, b = { 0 }, stripped = { 0 };

		table_row(&plain, &loss, &a);
		table_row(&colour, &loss, &b);
		ck_assert(strstr(buf_cstr(&b), "\033[31mlost\033[0m c1: peer FIN") != NULL);
		ck_assert(strstr(buf_cstr(&b), "\033[35mfin\033[0m both :1") != NULL);
		for (const char *p = buf_cstr(&b); *p != '\0'; p++) {
			if (*p == '\033')
				p = strchr(p, 'm');
			else
				buf_putc(&stripped, *p);
		}
		ck_assert_str_eq(buf_cstr(&stripped), buf_cstr(&a));
		buf_deinit(&a);
		buf_deinit(&b);
		buf_deinit(&stripped);
	}
}
END_TEST

UNIT_MAIN("demo_table", a_row_is_laid_out_for_its_reader, no_line_is_wider_than_the_terminal, columns_stand_under_their_names,
    only_the_first_word_is_coloured_and_takes_no_columns)
