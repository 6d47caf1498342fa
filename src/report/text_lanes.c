/* SPDX-License-Identifier: MIT */
/* The part of text that draws the timeline. */
#include "report/text.h"

#include "base/clock.h"
#include "log/fold.h"
#include "report/findings.h"
#include "report/model_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS_DEFAULT = 80, COLUMNS_LEAST = 40, COLUMNS_MOST = 200, LANES_MAX = 48, LANES_QUIET = 16, LABEL_MAX = 40, FOLD_COLUMNS = 5 };

/* A gap that is longer than all the rest by this factor is folded. */
enum { FOLD_FACTOR = 4 };

struct lanes {
	const struct model *m;
	const struct findings *f;
	struct buf *out;
	unsigned label, width;        /* columns */
	int64_t *times;               /* of all that is drawn, sorted */
	size_t n_times;
	int64_t fold_from_us, fold_to_us; /* NO_TIME: nothing is folded */
	bool has_error, has_end, has_unknown, has_open, has_failed, has_fault;
};

/* --- the axis --- */

static void
note_time(struct lanes *x, int64_t at)
{
	if (at == NO_TIME)
		return;
	x->times = model_grow(x->times, (uint32_t)x->n_times, sizeof(*x->times));
	x->times[x->n_times++] = at;
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The one gap that would leave no room for the rest. */
static void
find_fold(struct lanes *x)
{
	int64_t whole = x->times[x->n_times - 1] - x->times[0], longest = 0;

	x->fold_from_us = x->fold_to_us = NO_TIME;
	for (size_t i = 1; i < x->n_times; i++) {
		int64_t gap = x->times[i] - x->times[i - 1];

		if (gap > longest) {
			longest = gap;
			x->fold_from_us = x->times[i - 1];
			x->fold_to_us = x->times[i];
		}
	}
	if (x->n_times < 4 || longest <= (whole - longest) * FOLD_FACTOR || whole == longest)
		x->fold_from_us = x->fold_to_us = NO_TIME;
}

static void
gather_times(struct lanes *x)
{
	const struct model *m = x->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		if (m->lives[i].is_hidden)
			continue;
		note_time(x, m->lives[i].opened.at_us);
		note_time(x, m->lives[i].ended.at_us);
		if (!moment_is_known(&m->lives[i].ended))
			note_time(x, m->participants[m->lives[i].participant].last_us + m->participants[m->lives[i].participant].shift_us);
	}
	for (uint32_t i = 0; i < m->n_failed; i++)
		if (!m->failed[i].is_hidden)
			note_time(x, m->failed[i].at.at_us);
	if (x->n_times == 0)
		return;
	qsort(x->times, x->n_times, sizeof(*x->times), compare_times);
	find_fold(x);
}

static int64_t
first_time(const struct lanes *x)
{
	return x->times[0];
}

static int64_t
last_time(const struct lanes *x)
{
	return x->times[x->n_times - 1];
}

static bool
is_folded(const struct lanes *x)
{
	return x->fold_from_us != NO_TIME;
}

/* Where a time stands, from 0. */
static unsigned
column_of(const struct lanes *x, int64_t at)
{
	int64_t from = first_time(x), to = last_time(x), fold = is_folded(x) ? x->fold_to_us - x->fold_from_us : 0;
	unsigned room = x->width - 1 - (is_folded(x) ? FOLD_COLUMNS : 0);
	double real = (double)(to - from - fold), past;

	at = MIN(MAX(at, from), to);
	if (!is_folded(x) || at <= x->fold_from_us)
		past = (double)(at - from);
	else if (at >= x->fold_to_us)
		past = (double)(at - from - fold);
	else
		past = (double)(x->fold_from_us - from);
	unsigned column = real > 0 ? (unsigned)(past * room / real + 0.5) : 0;
	return column + (is_folded(x) && at >= x->fold_to_us ? FOLD_COLUMNS : 0);
}

static void
put_row(struct lanes *x, const char *label, const char *row)
{
	size_t n = strlen(row);

	while (n > 0 && row[n - 1] == ' ')
		n--;
	if (n == 0 && *label == '\0')
		return;
	buf_printf(x->out, "%-*s%.*s\n", (int)x->label, label, (int)n, row);
}

static char *
blank_row(const struct lanes *x)
{
	char *row = xmalloc(x->width + 1);

	memset(row, ' ', x->width);
	row[x->width] = '\0';
	return row;
}

static bool
put_at(const struct lanes *x, char *row, unsigned column, const char *text)
{
	size_t n = strlen(text);

	if (column + n > x->width)
		return false;
	for (size_t i = column > 0 ? column - 1 : 0; i < MIN(column + n + 1, (size_t)x->width); i++)
		if (row[i] != ' ')
			return false;
	memcpy(row + column, text, n);
	return true;
}

/* The round steps of a clock. */
static int64_t
tick_step(const struct lanes *x, unsigned label)
{
	static const int64_t seconds[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400 };
	int64_t whole = last_time(x) - first_time(x) - (is_folded(x) ? x->fold_to_us - x->fold_from_us : 0);
	unsigned ticks = MAX(x->width / (label + 3), 1U);

	for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
		if (whole / (seconds[i] * US_PER_S) <= ticks)
			return seconds[i] * US_PER_S;
	return (whole / ticks / (86400 * US_PER_S) + 1) * 86400 * US_PER_S;
}

/* 22:13, and seconds where steps are of seconds; days where they are of days. */
static void
tick_label(char *text, size_t size, int64_t at, int64_t step)
{
	int64_t s = at / US_PER_S, day = ((s % 86400) + 86400) % 86400;
	struct buf date CLEANUP(buf_deinit) = { 0 };

	if (step >= 86400 * US_PER_S) {
		clock_format_rfc3339(&date, at);
		snprintf(text, size, "%.5s", buf_cstr(&date) + 5);
	} else if (step >= 60 * US_PER_S) {
		snprintf(text, size, "%02d:%02d", (int)(day / 3600), (int)(day / 60 % 60));
	} else {
		snprintf(text, size, "%02d:%02d:%02d", (int)(day / 3600), (int)(day / 60 % 60), (int)(day % 60));
	}
}

static void
put_axis(struct lanes *x)
{
	char *row CLEANUP(free_charp) = blank_row(x), text[16];
	int64_t step = tick_step(x, 5);

	if (step < 60 * US_PER_S)
		step = tick_step(x, 8);
	/* The first label stands where the timeline begins, whatever the time. */
	tick_label(text, sizeof(text), first_time(x), step);
	put_at(x, row, 0, text);
	for (int64_t at = first_time(x) / step * step + step; at <= last_time(x); at += step) {
		if (is_folded(x) && at > x->fold_from_us && at < x->fold_to_us) {
			at = MAX(at, x->fold_to_us / step * step);
			continue;
		}
		tick_label(text, sizeof(text), at, step);
		put_at(x, row, column_of(x, at), text);
	}
	put_row(x, "", row);
}

/* --- lanes --- */

/* Where a life ends in the drawing, and with which sign. */
static int64_t
lane_end(struct lanes *x, uint32_t life, char *ret_sign)
{
	const struct model *m = x->m;
	const struct life *l = &m->lives[life];
	const struct participant *p = &m->participants[l->participant];
	int64_t over = p->last_us + p->shift_us;

	if (moment_is_known(&l->ended)) {
		bool is_error = life_is_loss(l);

		x->has_error |= is_error;
		x->has_end |= !is_error;
		*ret_sign = is_error ? 'x' : '|';
		return l->ended.at_us;
	}
	for (uint32_t i = life + 1; i < m->n_lives && l->is_end_implied; i++) {
		if (m->lives[i].participant == l->participant) {
			over = m->lives[i].opened.at_us;
			break;
		}
	}
	x->has_unknown |= l->is_end_implied;
	x->has_open |= !l->is_end_implied;
	*ret_sign = l->is_end_implied ? '?' : '>';
	return over;
}

static void
put_life(struct lanes *x, uint32_t life, const char *label)
{
	const struct life *l = &x->m->lives[life];
	char *row CLEANUP(free_charp) = blank_row(x), sign;
	int64_t until = lane_end(x, life, &sign);
	unsigned from = moment_is_known(&l->opened) ? column_of(x, l->opened.at_us) : 0, to = MAX(column_of(x, until), from);

	/* An end that is only implied stands before the open that implies it. */
	if (sign == '?' && to > from + 1)
		to--;
	memset(row + from, '=', to - from);
	if (is_folded(x)) {
		unsigned a = column_of(x, x->fold_from_us) + 1, b = column_of(x, x->fold_to_us);

		for (unsigned i = MAX(a, from); i < MIN(b, to); i++)
			row[i] = '~';
	}
	row[from] = moment_is_known(&l->opened) && l->opened.place.line > 0 ? '|' : '<';
	row[to] = sign == '|' && to == from ? '|' : sign;
	put_row(x, label, row);
}

static bool
is_in_findings(const struct findings *f, const struct model *m, uint32_t circuit)
{
	for (uint32_t i = 0; i < f->n; i++) {
		for (uint32_t k = 0; k < f->items[i].n_kept; k++) {
			const struct sample *s = &f->items[i].samples[k];

			if ((s->life != NO_INDEX && m->lives[s->life].circuit == circuit) || (s->other != NO_INDEX && m->lives[s->other].circuit == circuit))
				return true;
		}
	}
	return false;
}

/* Which lives get a lane: all of a few, else those of findings first. Returns how many do not. */
static uint32_t
choose_lanes(const struct lanes *x, bool *is_drawn)
{
	const struct model *m = x->m;
	uint32_t n = 0, left = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < m->n_circuits; i++) {
			const struct circuit *c = &m->circuits[i];

			if (circuit_is_hidden(m, c) || is_drawn[c->lives[0]] || (pass == 0 && !is_in_findings(x->f, m, i)))
				continue;
			if (n + c->n_lives > (pass == 0 ? LANES_MAX : LANES_QUIET)) {
				left += pass;
				continue;
			}
			for (uint32_t k = 0; k < c->n_lives; k++)
				is_drawn[c->lives[k]] = true;
			n += c->n_lives;
		}
	}
	return left;
}

/* A row of marks: dials that failed, faults that struck. */
static void
put_marks(struct lanes *x, const char *label, uint32_t participant, bool of_faults)
{
	const struct model *m = x->m;
	char *row CLEANUP(free_charp) = blank_row(x);
	uint32_t n = of_faults ? m->n_injections : m->n_failed;
	bool has_any = false;

	for (uint32_t i = 0; i < n; i++) {
		bool is_of = of_faults ? m->injections[i].participant == participant : m->failed[i].participant == participant && !m->failed[i].is_hidden;
		int64_t at = of_faults ? m->injections[i].at.at_us : m->failed[i].at.at_us;

		if (!is_of)
			continue;
		row[column_of(x, at)] = of_faults ? '!' : 'f';
		has_any = true;
	}
	x->has_failed |= has_any && !of_faults;
	x->has_fault |= has_any && of_faults;
	if (has_any)
		put_row(x, label, row);
}

static void
lane_label(const struct lanes *x, uint32_t life, bool is_first, char *text, size_t size)
{
	const struct model *m = x->m;
	const char *name = m->participants[m->lives[life].participant].name;
	struct buf id CLEANUP(buf_deinit) = { 0 };

	life_name(&id, m, life);
	snprintf(text, size, "%-*s %s", (int)strlen(name), is_first ? name : "", buf_cstr(&id));
}

static void
put_participant(struct lanes *x, uint32_t participant, const bool *is_drawn)
{
	const struct model *m = x->m;
	const char *name = m->participants[participant].name;
	bool is_first = true;
	char label[LABEL_MAX];

	/* By connection, so that a proxy's two legs stand together, as they do in a circuit: the client's first. */
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		for (uint32_t k = 0; k < m->circuits[i].n_lives; k++) {
			uint32_t life = m->circuits[i].lives[k];

			if (m->lives[life].participant != participant || !is_drawn[life])
				continue;
			lane_label(x, life, is_first, label, sizeof(label));
			is_first = false;
			put_life(x, life, label);
		}
	}
	snprintf(label, sizeof(label), "%-*s dials", (int)strlen(name), is_first ? name : "");
	put_marks(x, label, participant, false);
	snprintf(label, sizeof(label), "%-*s faults", (int)strlen(name), "");
	put_marks(x, label, participant, true);
}

/* --- below the lanes --- */

static void
put_overlaps(struct lanes *x, char *row)
{
	for (uint32_t i = 0; i < x->f->n; i++) {
		const struct finding *f = &x->f->items[i];

		for (uint32_t k = 0; k < f->n_kept && f->kind == FINDING_OVERLAP; k++) {
			struct buf text CLEANUP(buf_deinit) = { 0 };

			buf_puts(&text, "^ ");
			if (f->samples[k].to_us != NO_TIME)
				say_duration(&text, f->samples[k].to_us - f->samples[k].from_us);
			else
				buf_puts(&text, "overlap");
			put_at(x, row, column_of(x, f->samples[k].from_us), buf_cstr(&text));
		}
	}
}

/* What the signs mean that were used. */
static void
put_legend(struct lanes *x)
{
	const struct {
		bool is_used;
		const char *text;
	} rows[] = {
		{ x->has_error, "x error" },
		{ x->has_end, "| end" },
		{ x->has_unknown, "? no end logged" },
		{ x->has_open, "> open when the log ends" },
		{ x->has_failed, "f failed dial" },
		{ x->has_fault, "! fault of the plan" },
		{ is_folded(x), "~ folded" },
	};
	struct buf legend CLEANUP(buf_deinit) = { 0 };
	char *row CLEANUP(free_charp) = blank_row(x);
	struct fold fold = { .out = x->out, .columns = x->label + x->width };
	size_t used = 0, n;

	put_overlaps(x, row);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is_used)
			buf_printf(&legend, "%s%s", legend.len > 0 ? "  " : "", rows[i].text);
	n = legend.len;
	for (size_t i = 0; i < x->width; i++)
		used = row[i] != ' ' ? i + 1 : used;
	/* On the line of the overlaps where it fits, on the right. */
	if (used + 3 + n <= x->width) {
		memcpy(row + x->width - n, buf_cstr(&legend), n);
		put_row(x, "", row);
		return;
	}
	if (used > 0)
		put_row(x, "", row);
	fold.indent = fold.col = n <= x->width ? x->label : 0;
	buf_printf(x->out, "%*s", (int)fold.indent, "");
	fold_text(&fold, buf_span(&legend));
	buf_putc(x->out, '\n');
}

static unsigned
label_width(const struct lanes *x, const bool *is_drawn)
{
	const struct model *m = x->m;
	char label[LABEL_MAX];
	size_t most = 0;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		if (!is_drawn[i])
			continue;
		lane_label(x, i, true, label, sizeof(label));
		most = MAX(most, strlen(label));
	}
	for (uint32_t i = 0; i < m->n_failed; i++)
		most = MAX(most, strlen(m->participants[m->failed[i].participant].name) + strlen(" dials"));
	for (uint32_t i = 0; i < m->n_injections; i++)
		most = MAX(most, strlen(m->participants[m->injections[i].participant].name) + strlen(" faults"));
	return (unsigned)MIN(most, (size_t)LABEL_MAX - 1) + 2;
}

void
text_lanes(struct buf *out, const struct model *m, const struct findings *f, const struct text_options *opt)
{
	struct lanes x = { .m = m, .f = f, .out = out };
	unsigned columns = MIN(MAX(opt->columns > 0 ? opt->columns : (unsigned)COLUMNS_DEFAULT, (unsigned)COLUMNS_LEAST), (unsigned)COLUMNS_MOST);
	bool *is_drawn = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*is_drawn));
	uint32_t left = choose_lanes(&x, is_drawn);

	gather_times(&x);
	x.label = label_width(&x, is_drawn);
	x.width = columns > x.label + 20 ? columns - x.label - 1 : 20;
	if (x.n_times > 0) {
		put_axis(&x);
		for (uint32_t i = 0; i < m->n_participants; i++)
			put_participant(&x, i, is_drawn);
		put_legend(&x);
		if (left > 0)
			buf_printf(out, "%" PRIu32 " more connections have no lane: --conn, --session, --since and --until choose\n", left);
	}
	free(x.times);
	free(is_drawn);
}
