/* SPDX-License-Identifier: MIT */
#include "report/text.h"

#include "base/clock.h"
#include "base/escape.h"
#include "log/fold.h"
#include "report/findings.h"
#include "report/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS_DEFAULT = 80, PLACES_SHOWN = 4, STATS_SHOWN = 8 };

#define DAY_US (INT64_C(24) * 3600 * US_PER_S)

struct text {
	struct buf *out;
	const struct model *m;
	const struct findings *f;
	const struct text_options *opt;
	unsigned columns;
};

static unsigned
text_columns(const struct text_options *opt)
{
	return opt->columns > 0 ? opt->columns : COLUMNS_DEFAULT;
}

/* --- times and places --- */

void
text_time(struct buf *out, const struct model *m, int64_t at_us)
{
	bool is_long = m->to_us - m->from_us >= DAY_US, is_short = m->to_us - m->from_us < 120 * US_PER_S;
	struct buf date CLEANUP(buf_deinit) = { 0 };
	bool is_fine = false;

	for (uint32_t i = 0; i < m->n_participants; i++)
		is_fine = is_fine || m->participants[i].resolution_us < US_PER_S;
	clock_format_rfc3339(&date, at_us);
	/* 2026-03-04T22:13:02.071000Z */
	if (is_long && m->is_dated)
		buf_printf(out, "%.5s ", buf_cstr(&date) + 5);
	buf_printf(out, "%.*s", is_short && is_fine ? 12 : 8, buf_cstr(&date) + 11);
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->log != y->log ? (x->log > y->log) - (x->log < y->log) : (x->line > y->line) - (x->line < y->line);
}

/* Sorted; a line that follows on the one before makes a range of it. */
static void
put_places(struct buf *out, const struct model *m, const struct place *of, size_t n)
{
	for (size_t i = 0, next; i < n; i = next) {
		bool is_same_log = i > 0 && of[i].log == of[i - 1].log;

		if (is_same_log) {
			buf_printf(out, ",%" PRIu64, of[i].line);
		} else {
			buf_puts(out, i > 0 ? " " : "");
			place_name(out, m, &of[i]);
		}
		for (next = i + 1; next < n && of[next].log == of[i].log && of[next].line <= of[next - 1].line + 1; next++)
			;
		if (of[next - 1].line > of[i].line)
			buf_printf(out, "-%" PRIu64, of[next - 1].line);
	}
}

void
text_places(struct buf *out, const struct model *m, const struct finding *f)
{
	struct place places[PLACES_SHOWN * SAMPLE_PLACES_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < MIN(f->n_kept, (uint32_t)PLACES_SHOWN); i++)
		for (size_t k = 0; k < SAMPLE_PLACES_MAX; k++)
			if (f->samples[i].places[k].line > 0)
				places[n++] = f->samples[i].places[k];
	if (n > 0)
		qsort(places, n, sizeof(*places), compare_places);
	put_places(out, m, places, n);
	if (f->n_samples > PLACES_SHOWN)
		buf_puts(out, " ...");
}

void
text_folded(struct buf *out, const struct text_options *opt, const struct buf *line, unsigned indent)
{
	struct fold fold = { .out = out, .columns = text_columns(opt), .indent = indent };

	fold_text(&fold, buf_span(line));
	buf_putc(out, '\n');
}

/* --- numbers --- */

static void
put_spread(struct buf *line, const char *what, const struct spread *s)
{
	if (s->n == 0)
		return;
	buf_puts(line, what);
	say_duration(line, s->median);
	if (s->n > 1) {
		buf_puts(line, " (");
		say_duration(line, s->least);
		buf_puts(line, " to ");
		say_duration(line, s->most);
		buf_puts(line, ")");
	}
}

static void
put_numbers(struct buf *line, const struct model *m, uint32_t participant)
{
	struct stats s;

	stats_of(m, participant, &s);
	say_count(line, s.opened, "connection");
	if (s.lost > 0)
		buf_printf(line, ", %" PRIu32 " lost", s.lost);
	if (s.failed > 0)
		buf_printf(line, ", %" PRIu32 " failed", s.failed);
	put_spread(line, "; lived ", &s.lifetime);
	if (s.down.n > 0) {
		buf_puts(line, "; down ");
		say_duration(line, s.down_total);
	}
	put_spread(line, "; silent before losses ", &s.silence);
	if (s.rtt_median != US_UNKNOWN) {
		buf_puts(line, "; rtt ");
		say_duration(line, s.rtt_median);
		buf_puts(line, ", 90% ");
		say_duration(line, s.rtt_90);
		buf_puts(line, ", 99% ");
		say_duration(line, s.rtt_99);
	}
}

static void
put_stats(struct text *t)
{
	const struct model *m = t->m;

	for (uint32_t i = 0; i < MIN(m->n_participants, (uint32_t)STATS_SHOWN); i++) {
		struct buf line CLEANUP(buf_deinit) = { 0 };
		unsigned indent;

		buf_printf(&line, "%s  ", m->participants[i].name);
		indent = (unsigned)line.len;
		put_numbers(&line, m, i);
		text_folded(t->out, t->opt, &line, indent);
	}
	if (m->n_participants > STATS_SHOWN)
		buf_printf(t->out, "and %" PRIu32 " more participants\n", m->n_participants - STATS_SHOWN);
}

/* --- findings --- */

static void
put_when(struct buf *out, const struct model *m, const struct finding *f)
{
	if (f->is_before)
		buf_puts(out, "before ");
	text_time(out, m, f->from_us);
	if (f->to_us == NO_TIME || f->is_before)
		return;
	buf_putc(out, '-');
	text_time(out, m, f->to_us);
	if (f->n_samples == 1) {
		buf_putc(out, ' ');
		say_duration(out, f->to_us - f->from_us);
	}
}

static void
put_paragraph(struct text *t, const char *before, const char *text)
{
	struct fold fold = { .out = t->out, .columns = t->columns, .indent = 2 };
	struct buf b CLEANUP(buf_deinit) = { 0 };

	if (text == NULL)
		return;
	buf_printf(&b, "%s%s", before, text);
	buf_puts(t->out, "  ");
	fold.col = 2;
	fold_text(&fold, buf_span(&b));
	buf_putc(t->out, '\n');
}

/* Name, time, confidence: side by side, or one below the other where that does not fit; the lines behind them where they fit, else below, too. */
static void
put_finding(struct text *t, const struct finding *f, const char *before, int name_width, int when_width)
{
	struct buf when CLEANUP(buf_deinit) = { 0 }, places CLEANUP(buf_deinit) = { 0 }, sure CLEANUP(buf_deinit) = { 0 };
	const char *name = finding_spec(f->kind)->name;

	put_when(&when, t->m, f);
	text_places(&places, t->m, f);
	buf_printf(&sure, "%s, ", confidence_name(f->confidence));
	say_count(&sure, f->n_samples, "sample");
	size_t width = strlen(before) + (size_t)name_width + (size_t)when_width + sure.len;
	bool is_wide = width <= t->columns, has_room = width + 2 + places.len <= t->columns;

	buf_printf(t->out, "%s%s%-*s%s", before, t->opt->colour ? "\033[1;31m" : "", is_wide ? name_width : 0, name, t->opt->colour ? "\033[0m" : "");
	if (is_wide)
		buf_printf(t->out, "%-*s%s%s%s\n", when_width, buf_cstr(&when), buf_cstr(&sure), has_room ? "  " : "", has_room ? buf_cstr(&places) : "");
	else
		buf_putc(t->out, '\n');
	put_paragraph(t, "", is_wide ? NULL : buf_cstr(&when));
	put_paragraph(t, "", is_wide ? NULL : buf_cstr(&sure));
	put_paragraph(t, "", has_room ? NULL : buf_cstr(&places));
	put_paragraph(t, "", f->text);
	put_paragraph(t, "Fix: ", f->advice);
}

void
text_finding(struct buf *out, const struct model *m, const struct finding *f, const char *before, const struct text_options *opt)
{
	struct text t = { .out = out, .m = m, .opt = opt, .columns = text_columns(opt) };
	struct buf when CLEANUP(buf_deinit) = { 0 };

	put_when(&when, m, f);
	put_finding(&t, f, before, (int)strlen(finding_spec(f->kind)->name) + 2, (int)when.len + 2);
}

static void
put_findings(struct text *t)
{
	size_t name = 0, when = 0;

	for (uint32_t i = 0; i < t->f->n; i++) {
		struct buf b CLEANUP(buf_deinit) = { 0 };

		put_when(&b, t->m, &t->f->items[i]);
		when = MAX(when, b.len);
		name = MAX(name, strlen(finding_spec(t->f->items[i].kind)->name));
	}
	for (uint32_t i = 0; i < t->f->n; i++)
		put_finding(t, &t->f->items[i], "", (int)name + 2, (int)when + 2);
}

static void
put_unjudged(struct text *t)
{
	struct buf line CLEANUP(buf_deinit) = { 0 };

	for (uint32_t i = 0; i < t->f->n_unjudged; i++)
		buf_printf(&line, "%s%s (%s)", i > 0 ? "; " : "Not judged: ", t->f->unjudged[i].what, t->f->unjudged[i].why);
	if (line.len > 0) {
		buf_putc(&line, '.');
		text_folded(t->out, t->opt, &line, 2);
	}
	if (t->f->next != NULL) {
		buf_clear(&line);
		buf_printf(&line, "Next: %s", t->f->next);
		text_folded(t->out, t->opt, &line, 2);
	}
}

void
text_report(struct buf *out, const struct model *m, const struct findings *f, const struct text_options *opt)
{
	struct text t = { .out = out, .m = m, .f = f, .opt = opt, .columns = text_columns(opt) };

	text_logs(out, m, opt);
	buf_putc(out, '\n');
	size_t drawn = out->len;
	text_lanes(out, m, f, opt);
	if (out->len > drawn)
		buf_putc(out, '\n');
	text_heard(out, &(struct view){ .m = m, .f = f, .as = opt->as, .as_name = opt->as_name, .made_us = NO_TIME });
	put_stats(&t);
	if (m->n_participants > 0)
		buf_putc(out, '\n');
	put_findings(&t);
	put_unjudged(&t);
	say_count(out, f->n, "finding");
	if (opt->has_exit)
		buf_printf(out, ", exit %d", f->n > 0);
	buf_putc(out, '\n');
}
