/* SPDX-License-Identifier: MIT */
#include "demo/table.h"

#include "log/fold.h"

#include <inttypes.h>
#include <string.h>

enum { TIME_WIDTH = 4, GAP = 2, HEARS_MIN = 14, NAME_WIDTH = 6, STACKED_MIN = 30 };

struct widths {
	unsigned of[WHO_COUNT];
};

/* Shares as in 80 columns, where the common cells just fit; none needs more than its most. */
static struct widths
widths_of(const struct table *t)
{
	unsigned left = t->columns - TIME_WIDTH - GAP * WHO_COUNT - HEARS_MIN;
	struct widths w = { { MIN(left * 20 / 54, 34u), 0, MIN(left * 19 / 54, 30u), HEARS_MIN } };

	w.of[WHO_PROXY] = MIN(left - w.of[WHO_CLIENT] - w.of[WHO_SERVER], 26u);
	w.of[WHO_APP] += MIN(left - w.of[WHO_CLIENT] - w.of[WHO_PROXY] - w.of[WHO_SERVER], 6u);
	return w;
}

static void
put_time(struct buf *out, int64_t us)
{
	buf_printf(out, "%4.1f", (double)us / 1e6);
}

static void
put_spaces(struct buf *out, unsigned n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

/* Its first word in colour. */
static void
put_coloured(const struct table *t, struct buf *out, struct span line, const char *colour)
{
	size_t n = 0;

	while (n < line.n && line.p[n] != ' ' && line.p[n] != ':' && line.p[n] != ',')
		n++;
	if (t->colour && *colour != '\0' && n > 0) {
		buf_puts(out, colour);
		buf_append(out, line.p, n);
		buf_puts(out, "\033[0m");
		line.p += n;
		line.n -= n;
	}
	buf_append(out, line.p, line.n);
}

static void
fold_cell(struct span cell, unsigned width, struct buf *out)
{
	struct fold f = { .out = out, .columns = width, .indent = width > 20 ? 2 : 1 };

	fold_text(&f, cell);
}

/* Line by line through the cells: each takes as many as it needs. */
static void
put_columns(const struct table *t, const struct row *row, struct buf *out)
{
	struct widths w = widths_of(t);
	struct buf folded[WHO_COUNT] = { 0 };
	struct span rest[WHO_COUNT];

	for (int i = 0; i < WHO_COUNT; i++) {
		fold_cell(row->cells[i], w.of[i], &folded[i]);
		rest[i] = buf_span(&folded[i]);
	}
	for (unsigned n = 0; n == 0 || rest[0].n + rest[1].n + rest[2].n + rest[3].n > 0; n++) {
		unsigned due = n == 0 ? 0 : TIME_WIDTH;

		if (n == 0)
			put_time(out, row->at_us);
		for (int i = 0; i < WHO_COUNT; i++) {
			struct span line = SPAN_NONE;

			due += GAP;
			if (rest[i].n > 0)
				span_next(&rest[i], '\n', &line);
			if (line.n > 0) {
				put_spaces(out, due);
				put_coloured(t, out, line, n == 0 ? row->colours[i] : "");
				due = 0;
			}
			due += w.of[i] - MIN(fold_width(line), w.of[i]);
		}
		buf_putc(out, '\n');
	}
	for (int i = 0; i < WHO_COUNT; i++)
		buf_deinit(&folded[i]);
}

static const char *const names[] = { [WHO_CLIENT] = "client", [WHO_PROXY] = "proxy", [WHO_SERVER] = "server", [WHO_APP] = "app" };

/* A cell with its time or without, and who it is of. */
static void
put_stacked_line(const struct table *t, const struct row *row, enum who who, bool with_time, struct buf *out)
{
	bool is_tiny = t->columns > 0 && t->columns < STACKED_MIN;
	struct fold f = { .out = out, .columns = t->columns, .indent = is_tiny ? 1 : TIME_WIDTH + GAP + NAME_WIDTH + GAP };
	const char *colour = t->colour ? row->colours[who] : "";
	struct span rest = row->cells[who], word;

	if (with_time) {
		size_t before = out->len;

		put_time(out, row->at_us);
		f.col = (unsigned)(out->len - before);
		f.has_words = true;
	}
	fold_space(&f, is_tiny ? 1 : with_time ? GAP : TIME_WIDTH + GAP);
	fold_text(&f, span_of(names[who]));
	fold_space(&f, is_tiny ? 1 : NAME_WIDTH - (unsigned)strlen(names[who]) + GAP);
	span_next(&rest, ' ', &word);
	fold_word(&f, word, colour, *colour != '\0' ? "\033[0m" : "");
	if (rest.n > 0) {
		fold_space(&f, 1);
		fold_text(&f, rest);
	}
	buf_putc(out, '\n');
}

/* In a pipe each line has its time, so that it can be read by itself. */
static void
put_stacked(const struct table *t, const struct row *row, struct buf *out)
{
	bool with_time = true;

	for (int i = 0; i < WHO_COUNT; i++) {
		if (row->cells[i].n == 0)
			continue;
		put_stacked_line(t, row, (enum who)i, with_time, out);
		with_time = t->columns == 0;
	}
}

void
table_head(const struct table *t, struct buf *out)
{
	static const char *const titles[] = { "CLIENT", "PROXY", "SERVER" };
	struct widths w;

	if (t->columns < TABLE_WIDE)
		return;
	w = widths_of(t);
	buf_puts(out, "time");
	for (int i = 0; i < WHO_APP; i++) {
		put_spaces(out, i == 0 ? GAP : GAP + w.of[i - 1] - (unsigned)strlen(titles[i - 1]));
		buf_puts(out, titles[i]);
	}
	put_spaces(out, GAP + w.of[WHO_SERVER] - (unsigned)strlen(titles[WHO_SERVER]));
	buf_printf(out, "%s\n", t->hears);
}

void
table_row(const struct table *t, const struct row *row, struct buf *out)
{
	if (t->columns >= TABLE_WIDE)
		put_columns(t, row, out);
	else
		put_stacked(t, row, out);
}

void
table_text(const struct table *t, struct span text, struct buf *out)
{
	struct fold f = { .out = out, .columns = t->columns, .indent = t->columns > STACKED_MIN ? 2 : 0 };

	fold_text(&f, text);
	buf_putc(out, '\n');
}
