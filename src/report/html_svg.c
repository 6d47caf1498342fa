/* SPDX-License-Identifier: MIT */
/*
 * Drawings: lanes for each participant and connection, to one scale of time. Long logs are drawn in few lanes: what does not overlap shares one.
 */
#include "report/html_sheet.h"

#include "base/clock.h"
#include "report/findings.h"
#include "report/model_index.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what is drawn --- */

bool
sheet_is_in(const struct drawing *d, int64_t from_us, int64_t to_us)
{
	return from_us <= d->to_us && to_us >= d->from_us;
}

/* The last moment of a life that is drawn: its ghost's, if it left one. */
static int64_t
last_of(const struct model *m, const struct life *l)
{
	bool is_open;
	int64_t end = view_end(m, l, &is_open);

	return moment_is_known(&l->ghost) ? MAX(end, l->ghost.at_us) : end;
}

static bool
is_drawn(const struct sheet *s, uint32_t life)
{
	const struct life *l = &s->m->lives[life];

	if (l->is_hidden || (s->d->is_wanted != NULL && !s->d->is_wanted[life]))
		return false;
	return sheet_is_in(s->d, view_begin(s->m, l), last_of(s->m, l));
}

static struct row *
add_row(struct sheet *s, enum row_kind kind, uint32_t participant)
{
	s->rows = model_grow(s->rows, s->n_rows, sizeof(*s->rows));
	s->rows[s->n_rows] = (struct row){ .kind = kind, .participant = participant, .first = NO_INDEX };
	return &s->rows[s->n_rows++];
}

/* A lane for each; where there are many, the first that is free by then. */
static void
place_life(struct sheet *s, uint32_t life, uint32_t first_row, bool is_shared)
{
	const struct life *l = &s->m->lives[life];
	int64_t begin = view_begin(s->m, l), gap = (s->d->to_us - s->d->from_us) / 150;
	uint32_t at = first_row;

	while (at < s->n_rows && (!is_shared || s->m->lives[s->rows[at].first].leg != l->leg || s->rows[at].until_us + gap >= begin))
		at++;
	if ((at == s->n_rows && at - first_row >= SHARED_LANES) || s->n_bars >= BARS_DRAWN) {
		s->left_out++;
		return;
	}
	if (at == s->n_rows) {
		add_row(s, ROW_LIVES, l->participant)->first = life;
		s->rows[at].is_thin = is_shared;
	}
	s->rows[at].n++;
	s->rows[at].until_us = MAX(s->rows[at].until_us, last_of(s->m, l));
	s->row_of[life] = at;
	s->n_bars++;
}

static bool
is_notable(const struct life *l)
{
	return life_is_loss(l) || l->is_end_implied || moment_is_known(&l->ghost);
}

static bool
has_dials(const struct sheet *s, uint32_t participant)
{
	for (uint32_t i = 0; i < s->m->n_failed; i++)
		if (s->m->failed[i].participant == participant && !s->m->failed[i].is_hidden && sheet_is_in(s->d, s->m->failed[i].at.at_us, s->m->failed[i].at.at_us))
			return true;
	return false;
}

static bool
has_faults(const struct sheet *s, uint32_t participant)
{
	for (uint32_t i = 0; i < s->m->n_injections; i++)
		if (s->m->injections[i].participant == participant && sheet_is_in(s->d, s->m->injections[i].at.at_us, s->m->injections[i].at.at_us))
			return true;
	return false;
}

uint32_t
sheet_heard_by(const struct model *m, const struct heard *h)
{
	return h->life != NO_INDEX ? m->lives[h->life].participant : h->failed != NO_INDEX ? m->failed[h->failed].participant : NO_INDEX;
}

static bool
has_heard(const struct sheet *s, uint32_t participant)
{
	for (size_t i = 0; i < s->d->heard->n; i++)
		if (sheet_heard_by(s->m, &s->d->heard->items[i]) == participant)
			return true;
	return false;
}

struct choice {
	const struct life *l;
	uint32_t life;
	int64_t begin;
};

/* By leg, and as they began: so lanes are shared. */
static int
compare_times(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if (x->l->leg != y->l->leg)
		return (x->l->leg > y->l->leg) - (x->l->leg < y->l->leg);
	return (x->begin > y->begin) - (x->begin < y->begin);
}

/* By number; of a proxy the client's leg first, as the way goes. */
static int
compare_numbers(const void *a, const void *b)
{
	const struct life *x = ((const struct choice *)a)->l, *y = ((const struct choice *)b)->l;

	if (x->id != y->id)
		return (x->id > y->id) - (x->id < y->id);
	return (x->leg > y->leg) - (x->leg < y->leg);
}

/* Where they are too many for one drawing, every second of them, or third, and so on: all of the time is shown. */
static void
place_many(struct sheet *s, const struct choice *chosen, uint32_t n, bool notable)
{
	uint32_t first_row = s->n_rows, all = 0, seen = 0;

	for (uint32_t i = 0; i < n; i++)
		all += is_notable(chosen[i].l) == notable;
	for (uint32_t i = 0; i < n; i++) {
		if (is_notable(chosen[i].l) != notable)
			continue;
		if (seen++ % (all / MANY_DRAWN + 1) == 0)
			place_life(s, chosen[i].life, first_row, true);
		else
			s->left_out++;
	}
}

static void
plan_participant(struct sheet *s, uint32_t participant)
{
	struct choice *chosen = xcalloc((size_t)s->m->n_lives + 1, sizeof(*chosen));
	uint32_t n = 0, first_row;
	bool dials = has_dials(s, participant);

	for (uint32_t i = 0; i < s->m->n_lives; i++)
		if (s->m->lives[i].participant == participant && is_drawn(s, i))
			chosen[n++] = (struct choice){ &s->m->lives[i], i, view_begin(s->m, &s->m->lives[i]) };
	qsort(chosen, n, sizeof(*chosen), n > OWN_LANES ? compare_times : compare_numbers);
	if (n > 0 || (s->d->only == NULL && dials))
		add_row(s, ROW_TITLE, participant);
	first_row = s->n_rows;
	if (n <= OWN_LANES) {
		for (uint32_t i = 0; i < n; i++)
			place_life(s, chosen[i].life, first_row, false);
	} else {
		/* Those that did not end well first, in lanes of their own: they are never left out for the others. */
		place_many(s, chosen, n, true);
		place_many(s, chosen, n, false);
	}
	free(chosen);
	if (n == 0 && (s->d->only != NULL || !dials))
		return;
	if (dials)
		add_row(s, ROW_DIALS, participant);
	if (has_faults(s, participant))
		add_row(s, ROW_FAULTS, participant);
	if (has_heard(s, participant))
		add_row(s, ROW_HEARD, participant);
}

double
sheet_height(const struct row *r)
{
	return r->kind == ROW_TITLE ? TITLE : r->is_thin ? THIN_LANE : LANE;
}

/* Rows in the order of participants, and where each lies. */
static void
plan_rows(struct sheet *s, double y)
{
	uint32_t n = 0;

	s->row_of = xcalloc((size_t)s->m->n_lives + 1, sizeof(*s->row_of));
	for (uint32_t i = 0; i < s->m->n_lives; i++)
		s->row_of[i] = NO_INDEX;
	for (uint32_t i = 0; i < s->m->n_participants && n < PARTICIPANTS_DRAWN; i++) {
		uint32_t before = s->n_rows;

		plan_participant(s, i);
		n += s->n_rows > before;
	}
	s->top = y;
	for (uint32_t i = 0; i < s->n_rows; i++) {
		s->rows[i].y = y;
		y += sheet_height(&s->rows[i]);
	}
	s->bottom = y + 4;
}

/* --- the scale --- */

double
sheet_x(const struct sheet *s, int64_t at_us)
{
	double share = (double)(at_us - s->d->from_us) / (double)(s->d->to_us - s->d->from_us);

	return LEFT + fmin(fmax(share, 0), 1) * (WIDTH - LEFT - RIGHT);
}

static int64_t
tick_step(int64_t span)
{
	static const int64_t steps[] = { 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1 * US_PER_S, 2 * US_PER_S, 5 * US_PER_S, 10 * US_PER_S, 15 * US_PER_S,
		30 * US_PER_S, 60 * US_PER_S, 120 * US_PER_S, 300 * US_PER_S, 600 * US_PER_S, 900 * US_PER_S, 1800 * US_PER_S, 3600 * US_PER_S, 7200 * US_PER_S, 10800 * US_PER_S,
		21600 * US_PER_S, 43200 * US_PER_S };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (span / steps[i] <= 9)
			return steps[i];
	return (span / 9 / (86400 * US_PER_S) + 1) * 86400 * US_PER_S;
}

/* As much of a time as ticks of this distance need. */
static void
put_tick_label(const struct sheet *s, int64_t at_us, int64_t step)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	view_stamp(&stamp, s->d->v, at_us);
	/* 2026-03-04T22:13:02.071000Z, or without date and T */
	const char *text = buf_cstr(&stamp), *clock = strchr(text, 'T') != NULL ? strchr(text, 'T') + 1 : strrchr(text, ' ') != NULL ? strrchr(text, ' ') + 1 : text;
	if (step >= 3600 * US_PER_S && s->m->is_dated && at_us % (86400 * US_PER_S) == 0)
		buf_printf(s->out, "%.5s", text + strlen("2026-"));
	else
		buf_printf(s->out, "%.*s", step < US_PER_MS * 100 ? 12 : step < US_PER_S ? 10 : step < 60 * US_PER_S ? 8 : 5, clock);
}

static void
draw_axis(const struct sheet *s)
{
	int64_t step = tick_step(s->d->to_us - s->d->from_us), first = s->d->from_us / step * step;

	for (int64_t at = first; at <= s->d->to_us; at += step) {
		double x = sheet_x(s, at);

		if (at < s->d->from_us)
			continue;
		buf_printf(s->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, s->top, s->bottom);
		buf_printf(s->out, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, s->bottom + 13, x > WIDTH - 40 ? "end" : "middle");
		put_tick_label(s, at, step);
		buf_puts(s->out, "</text>\n");
	}
	buf_printf(s->out, "<path class=\"rule\" d=\"M%d %.1fH%d\"/>\n", LEFT, s->bottom, WIDTH - RIGHT);
}

/* --- lanes --- */

static const char *
class_of(const struct sheet *s, uint32_t participant)
{
	return role_name(s->m->participants[participant].role);
}

static void
draw_label(const struct sheet *s, const struct row *r)
{
	static const char *const names[] = { [ROW_DIALS] = "failed dials", [ROW_FAULTS] = "faults injected", [ROW_HEARD] = "app hears" };

	if (r->kind == ROW_TITLE) {
		buf_printf(s->out, "<path class=\"rule\" d=\"M0 %.1fH%d\"/><text class=\"name %s\" x=\"2\" y=\"%.1f\">", r->y + 4, WIDTH - RIGHT, class_of(s, r->participant), r->y + 18);
		html_text(s->out, s->m->participants[r->participant].name);
	} else if (r->is_thin) {
		return;
	} else {
		buf_printf(s->out, "<text class=\"soft\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 10, r->y + 14);
		if (r->kind == ROW_LIVES)
			life_name(s->out, s->m, r->first);
		else
			buf_puts(s->out, names[r->kind]);
	}
	buf_puts(s->out, "</text>\n");
}

/* All that a bar stands for, in words. */
static void
put_tooltip(const struct sheet *s, uint32_t life)
{
	const struct life *l = &s->m->lives[life];
	struct buf b CLEANUP(buf_deinit) = { 0 };
	bool is_open;
	int64_t end = view_end(s->m, l, &is_open);

	view_life(&b, s->m, life);
	buf_puts(&b, moment_is_known(&l->opened) ? "\nopened " : "\nopened before ");
	view_clock(&b, s->d->v, view_begin(s->m, l));
	if (is_open) {
		buf_puts(&b, l->is_end_implied ? "\nno end logged; the next open implies one" : "\nopen when the log ends");
	} else {
		buf_puts(&b, l->is_lost ? "\nlost " : "\nended ");
		view_clock(&b, s->d->v, end);
		buf_puts(&b, ": ");
		life_ending(&b, l);
		if (life_age(l) != US_UNKNOWN) {
			buf_puts(&b, "\nage ");
			say_duration(&b, life_age(l));
		}
	}
	if (moment_is_known(&l->ghost) && !is_open) {
		buf_puts(&b, l->is_ghost_ended ? "\nits far end ended " : "\nlet go ");
		say_duration(&b, l->ghost.at_us - l->ended.at_us);
		buf_puts(&b, " later");
	}
	if (l->peer != NULL) {
		buf_puts(&b, "\npeer ");
		view_text(&b, l->peer, 0);
	}
	buf_puts(s->out, "<title>");
	html_sentence(s->out, buf_cstr(&b));
	buf_puts(s->out, "</title>");
}

static void
draw_end(const struct sheet *s, const struct life *l, double x, double middle, double half, bool is_open)
{
	if (l->is_end_implied)
		buf_printf(s->out, "<text class=\"unknown\" x=\"%.1f\" y=\"%.1f\">?</text>", x + 3, middle + 4.5);
	else if (is_open)
		buf_printf(s->out, "<path class=\"%s more\" d=\"M%.1f %.1fl6 %.1fl-6 %.1fz\"/>", class_of(s, l->participant), x, middle - half, half, half);
	else if (life_is_loss(l))
		buf_printf(s->out, "<path class=\"x\" d=\"M%.1f %.1fl%.1f %.1fm0 %.1fl%.1f %.1f\"/>", x - half * .7, middle - half * .7, half * 1.4, half * 1.4, -half * 1.4, -half * 1.4,
		    half * 1.4);
	else
		buf_printf(s->out, "<path class=\"close\" d=\"M%.1f %.1fv%.1f\"/>", x, middle - half * 1.4, half * 2.8);
}

static void
draw_life(const struct sheet *s, uint32_t life)
{
	const struct life *l = &s->m->lives[life];
	const struct row *r = &s->rows[s->row_of[life]];
	bool is_open, has_link = s->d->is_listed != NULL && s->d->is_listed[life];
	int64_t end = view_end(s->m, l, &is_open);
	double a = sheet_x(s, view_begin(s->m, l)), b = fmax(sheet_x(s, end), a + 1.5), middle = r->y + sheet_height(r) / 2, half = (r->is_thin ? THIN_BAR : BAR) / 2.0;

	buf_puts(s->out, has_link ? "<a" : "<g");
	if (s->d->is_drawn != NULL) {
		buf_printf(s->out, " id=\"b%" PRIu32 "\"", life);
		s->d->is_drawn[life] = true;
	}
	if (has_link)
		buf_printf(s->out, " href=\"#l%" PRIu32 "\"", life);
	buf_putc(s->out, '>');
	put_tooltip(s, life);
	if (moment_is_known(&l->dialled) && sheet_x(s, l->dialled.at_us) < a - 1)
		buf_printf(s->out, "<path class=\"dialling\" d=\"M%.1f %.1fH%.1f\"/>", sheet_x(s, l->dialled.at_us), middle, a);
	buf_printf(s->out, "<rect class=\"bar %s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\"/>", class_of(s, l->participant),
	    l->is_end_implied ? " implied" : "", a, middle - half, b - a, half * 2, half / 2);
	if (moment_is_known(&l->ghost) && sheet_x(s, l->ghost.at_us) > b)
		buf_printf(s->out, "<rect class=\"ghost %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", class_of(s, l->participant), b, middle - half * .7,
		    sheet_x(s, l->ghost.at_us) - b, half * 1.4);
	if (end <= s->d->to_us)
		draw_end(s, l, b, middle, half, is_open);
	buf_puts(s->out, has_link ? "</a>\n" : "</g>\n");
}

/* --- the whole --- */

void
html_draw(struct buf *out, const struct drawing *d)
{
	struct sheet s = { .out = out, .d = d, .m = d->v->m };
	struct pin *pins = xcalloc(PINS_DRAWN, sizeof(*pins));
	size_t n_pins;
	unsigned levels = sheet_plan_pins(&s, pins, &n_pins);

	plan_rows(&s, levels * PIN + 4);
	buf_printf(out, "<svg viewBox=\"0 0 %d %.0f\" role=\"group\" aria-label=\"", WIDTH, s.bottom + AXIS);
	html_text(out, d->label);
	buf_puts(out, "\">\n");
	draw_axis(&s);
	sheet_draw_pauses(&s);
	for (uint32_t i = 0; i < s.n_rows; i++)
		draw_label(&s, &s.rows[i]);
	sheet_draw_moments(&s);
	sheet_draw_overlaps(&s);
	for (uint32_t i = 0; i < s.m->n_lives; i++)
		if (s.row_of[i] != NO_INDEX)
			draw_life(&s, i);
	for (uint32_t i = 0; i < s.n_rows; i++) {
		if (s.rows[i].kind == ROW_DIALS)
			sheet_draw_failed(&s, &s.rows[i]);
		else if (s.rows[i].kind == ROW_FAULTS)
			sheet_draw_faults(&s, &s.rows[i]);
		else if (s.rows[i].kind == ROW_HEARD)
			sheet_draw_heard(&s, &s.rows[i]);
	}
	sheet_draw_pins(&s, pins, n_pins);
	buf_puts(out, "</svg>\n");
	if (s.left_out > 0)
		buf_printf(out, "<p class=\"meta\">%" PRIu32 " more connections are not drawn, for want of room; they are in the numbers and findings.</p>\n", s.left_out);
	free(pins);
	free(s.rows);
	free(s.row_of);
}
