/* SPDX-License-Identifier: MIT */
/*
 * Drawings: lanes for each participant and connection, to one scale of time. Long logs are drawn in few lanes: what does not overlap shares one.
 */
#include "report/html.h"

#include "base/clock.h"
#include "report/findings.h"
#include "report/model_index.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1000, LEFT = 118, RIGHT = 14, LANE = 19, BAR = 10, TITLE = 25, AXIS = 20, PIN = 17 };
/* A participant with more connections shares lanes, and what finds none is only counted. A drawing has so many bars and marks at most. */
enum { OWN_LANES = 16, SHARED_LANES = 64, THIN_LANE = 9, THIN_BAR = 5, PARTICIPANTS_DRAWN = 16, MANY_DRAWN = 1000, BARS_DRAWN = 6000, PINS_DRAWN = 256, PIN_LEVELS = 4, NOTES_DRAWN = 500 };

enum row_kind { ROW_TITLE, ROW_LIVES, ROW_DIALS, ROW_FAULTS, ROW_HEARD };

struct row {
	enum row_kind kind;
	uint32_t participant;
	uint32_t first, n;            /* ROW_LIVES: the first life, and how many share it */
	bool is_thin;                 /* ROW_LIVES: one of many */
	int64_t until_us;             /* ROW_LIVES: the last one's end */
	double y;                     /* its top */
};

struct sheet {
	struct buf *out;
	const struct drawing *d;
	const struct model *m;
	struct row *rows;
	uint32_t n_rows;
	uint32_t *row_of;             /* by life; NO_INDEX: not drawn */
	uint32_t n_bars, left_out;
	double top, bottom;           /* of the lanes */
};

/* --- what is drawn --- */

static bool
is_in(const struct drawing *d, int64_t from_us, int64_t to_us)
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
	return is_in(s->d, view_begin(s->m, l), last_of(s->m, l));
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
		if (s->m->failed[i].participant == participant && !s->m->failed[i].is_hidden && is_in(s->d, s->m->failed[i].at.at_us, s->m->failed[i].at.at_us))
			return true;
	return false;
}

static bool
has_faults(const struct sheet *s, uint32_t participant)
{
	for (uint32_t i = 0; i < s->m->n_injections; i++)
		if (s->m->injections[i].participant == participant && is_in(s->d, s->m->injections[i].at.at_us, s->m->injections[i].at.at_us))
			return true;
	return false;
}

static uint32_t
heard_by(const struct model *m, const struct heard *h)
{
	return h->life != NO_INDEX ? m->lives[h->life].participant : h->failed != NO_INDEX ? m->failed[h->failed].participant : NO_INDEX;
}

static bool
has_heard(const struct sheet *s, uint32_t participant)
{
	for (size_t i = 0; i < s->d->heard->n; i++)
		if (heard_by(s->m, &s->d->heard->items[i]) == participant)
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

static double
height_of(const struct row *r)
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
		y += height_of(&s->rows[i]);
	}
	s->bottom = y + 4;
}

/* --- the scale --- */

static double
x_of(const struct sheet *s, int64_t at_us)
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
		double x = x_of(s, at);

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
		buf_puts(&b, "\nage ");
		say_duration(&b, life_age(l));
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
	double a = x_of(s, view_begin(s->m, l)), b = fmax(x_of(s, end), a + 1.5), middle = r->y + height_of(r) / 2, half = (r->is_thin ? THIN_BAR : BAR) / 2.0;

	buf_puts(s->out, has_link ? "<a" : "<g");
	if (s->d->is_drawn != NULL) {
		buf_printf(s->out, " id=\"b%" PRIu32 "\"", life);
		s->d->is_drawn[life] = true;
	}
	if (has_link)
		buf_printf(s->out, " href=\"#l%" PRIu32 "\"", life);
	buf_putc(s->out, '>');
	put_tooltip(s, life);
	if (moment_is_known(&l->dialled) && x_of(s, l->dialled.at_us) < a - 1)
		buf_printf(s->out, "<path class=\"dialling\" d=\"M%.1f %.1fH%.1f\"/>", x_of(s, l->dialled.at_us), middle, a);
	buf_printf(s->out, "<rect class=\"bar %s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\"/>", class_of(s, l->participant),
	    l->is_end_implied ? " implied" : "", a, middle - half, b - a, half * 2, half / 2);
	if (moment_is_known(&l->ghost) && x_of(s, l->ghost.at_us) > b)
		buf_printf(s->out, "<rect class=\"ghost %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", class_of(s, l->participant), b, middle - half * .7,
		    x_of(s, l->ghost.at_us) - b, half * 1.4);
	if (end <= s->d->to_us)
		draw_end(s, l, b, middle, half, is_open);
	buf_puts(s->out, has_link ? "</a>\n" : "</g>\n");
}

/* --- dials, faults, pauses, what a library told --- */

static void
draw_failed(const struct sheet *s, const struct row *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->m->n_failed && n < NOTES_DRAWN; i++) {
		const struct failed *f = &s->m->failed[i];

		if (f->participant != r->participant || f->is_hidden || !is_in(s->d, f->at.at_us, f->at.at_us))
			continue;
		buf_printf(s->out, "<circle class=\"failed\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", x_of(s, f->at.at_us), r->y + LANE / 2.0);
		if (f->dial != 0)
			buf_printf(s->out, "d%" PRIu32 " ", f->dial);
		buf_puts(s->out, f->is_reject ? "rejected " : "failed ");
		view_clock(s->out, s->d->v, f->at.at_us);
		buf_printf(s->out, "\n%s: ", stage_name(f->stage));
		html_text(s->out, f->text != NULL ? f->text : cause_name(f->cause));
		buf_puts(s->out, "</title></circle>\n");
		n++;
	}
}

static void
draw_faults(const struct sheet *s, const struct row *r)
{
	for (uint32_t i = 0, n = 0; i < s->m->n_injections && n < NOTES_DRAWN; i++) {
		const struct injection *x = &s->m->injections[i];

		if (x->participant != r->participant || !is_in(s->d, x->at.at_us, x->at.at_us))
			continue;
		buf_printf(s->out, "<path class=\"fault\" d=\"M%.1f %.1fl5 9.5h-10z\"><title>", x_of(s, x->at.at_us), r->y + LANE / 2.0 - 5);
		html_text(s->out, x->action != NULL ? x->action : "fault");
		buf_puts(s->out, "\n");
		view_clock(s->out, s->d->v, x->at.at_us);
		buf_puts(s->out, ", ");
		html_text(s->out, x->plan != NULL ? x->plan : "?");
		buf_printf(s->out, " line %" PRIu32, x->line);
		if (x->conn != 0)
			buf_printf(s->out, ", c%" PRIu32, x->conn);
		buf_puts(s->out, "</title></path>\n");
		n++;
	}
}

/* Where its dot is: an end that nobody logged lies before the moment that implies it. */
static double
heard_x(const struct sheet *s, const struct heard *h)
{
	return x_of(s, h->at.at_us) - (h->is_before ? 9 : 0);
}

/* Up to where the dot at i has room to its right. */
static double
heard_room(const struct sheet *s, size_t i, uint32_t participant)
{
	double x = heard_x(s, &s->d->heard->items[i]), room = WIDTH;

	for (size_t k = 0; k < s->d->heard->n; k++)
		if (k != i && heard_by(s->m, &s->d->heard->items[k]) == participant && heard_x(s, &s->d->heard->items[k]) >= x)
			room = fmin(room, heard_x(s, &s->d->heard->items[k]) - 6);
	return room;
}

/* The callback beside its dot where there is room for it, at the end of the drawing to its left. */
static void
draw_word(const struct sheet *s, size_t i, uint32_t participant, double x, double y, double *free_from)
{
	const char *text = s->d->heard->items[i].text;
	double width = 6.2 * (double)strlen(text);
	bool is_late = x + 7 + width > WIDTH;

	if (is_late ? x - 7 - width < *free_from : x + 7 + width > heard_room(s, i, participant))
		return;
	buf_printf(s->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", text[0] == '(' ? "quiet" : "", is_late ? x - 7 : x + 7, y, is_late ? "end" : "start");
	html_text(s->out, text);
	buf_puts(s->out, "</text>");
	*free_from = is_late ? x : x + 7 + width;
}

static void
draw_heard(const struct sheet *s, const struct row *r)
{
	double free_from = 0, middle = r->y + LANE / 2.0;

	for (size_t i = 0, n = 0; i < s->d->heard->n && n < NOTES_DRAWN; i++) {
		const struct heard *h = &s->d->heard->items[i];
		double x = heard_x(s, h);

		if (heard_by(s->m, h) != r->participant || !is_in(s->d, h->at.at_us, h->at.at_us))
			continue;
		buf_puts(s->out, "<g><title>");
		html_text(s->out, s->d->v->as_name);
		buf_puts(s->out, h->is_before ? ", before " : ", ");
		view_clock(s->out, s->d->v, h->at.at_us);
		buf_printf(s->out, ": %s, ", h->event);
		html_text(s->out, h->text);
		buf_printf(s->out, "</title><circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", h->text[0] == '(' ? "silent" : "told", x, middle);
		draw_word(s, i, r->participant, x, middle + 4, &free_from);
		free_from = fmax(free_from, x + 5);
		buf_puts(s->out, "</g>\n");
		n++;
	}
}

/* Where a machine slept, its lanes are grey. */
static void
draw_pauses(const struct sheet *s)
{
	for (uint32_t i = 0; i < MIN(s->m->n_pauses, (uint32_t)NOTES_DRAWN); i++) {
		const struct pause *p = &s->m->pauses[i];
		int64_t took = MAX(p->slept, p->stalled);
		double top = 0, bottom = 0;

		for (uint32_t k = 0; k < s->n_rows; k++) {
			if (s->rows[k].participant != p->participant)
				continue;
			top = top > 0 ? top : s->rows[k].y + 5;
			bottom = s->rows[k].y + height_of(&s->rows[k]);
		}
		if (top <= 0 || !is_in(s->d, p->at.at_us - took, p->at.at_us))
			continue;
		double x = x_of(s, p->at.at_us - took);
		buf_printf(s->out, "<rect class=\"pause\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s ", x, top, fmax(x_of(s, p->at.at_us) - x, 2),
		    bottom - top, p->slept > 0 ? "the machine slept for" : "the process did not run for");
		say_duration(s->out, took);
		buf_puts(s->out, "</title></rect>\n");
	}
}

/* --- findings --- */

/* Two connections at once: from lane to lane, as long as both were there. */
static void
draw_overlap(const struct sheet *s, const struct sample *of)
{
	if (of->life == NO_INDEX || of->other == NO_INDEX || s->row_of[of->life] == NO_INDEX || s->row_of[of->other] == NO_INDEX)
		return;
	double a = s->rows[s->row_of[of->life]].y, b = s->rows[s->row_of[of->other]].y, top = fmin(a, b), bottom = fmax(a, b) + height_of(&s->rows[s->row_of[a > b ? of->life : of->other]]);
	int64_t to = of->to_us != NO_TIME ? of->to_us : s->d->to_us;
	double x = x_of(s, of->from_us), end = fmax(x_of(s, to), x + 2);
	struct buf text CLEANUP(buf_deinit) = { 0 };
	bool is_late = end > WIDTH - 140;

	say_duration(&text, to - of->from_us);
	buf_printf(s->out, "<g><title>both at once for %s</title><rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", buf_cstr(&text), x, top, end - x,
	    bottom - top);
	buf_printf(s->out, "<path class=\"edge\" d=\"M%.1f %.1fV%.1fM%.1f %.1fV%.1f\"/>", x, top, bottom, end, top, bottom);
	buf_printf(s->out, "<text class=\"bandtext\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text></g>\n", is_late ? x - 5 : end + 9, top + 14, is_late ? "end" : "start",
	    buf_cstr(&text));
}

static void
draw_overlaps(const struct sheet *s)
{
	const struct findings *f = s->d->v->f;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		if (f->items[i].kind != FINDING_OVERLAP || (s->d->only != NULL && s->d->only != &f->items[i]))
			continue;
		for (uint32_t k = 0; k < f->items[i].n_kept && n < PINS_DRAWN; k++, n++)
			if (is_in(s->d, f->items[i].samples[k].from_us, f->items[i].samples[k].from_us))
				draw_overlap(s, &f->items[i].samples[k]);
	}
}

/* The moments of a close-up. */
static void
draw_moments(const struct sheet *s)
{
	for (uint32_t k = 0; s->d->only != NULL && k < s->d->only->n_kept; k++) {
		const struct sample *of = &s->d->only->samples[k];
		int64_t at[] = { of->from_us, of->to_us };

		for (size_t i = 0; i < ARRAY_LEN(at); i++)
			if (at[i] != NO_TIME && is_in(s->d, at[i], at[i]))
				buf_printf(s->out, "<path class=\"moment\" d=\"M%.1f %.1fV%.1f\"/>", x_of(s, at[i]), s->top, s->bottom);
	}
}

struct pins {
	double free_from[PIN_LEVELS]; /* by level */
	unsigned levels;
};

/* The lowest level with room; on all of them at once they lie on each other. */
static unsigned
pin_level(struct pins *p, double x)
{
	unsigned best = 0;

	for (unsigned i = 0; i < PIN_LEVELS; i++) {
		if (p->free_from[i] <= x) {
			best = i;
			break;
		}
		if (p->free_from[i] < p->free_from[best])
			best = i;
	}
	p->free_from[best] = x + PIN + 3;
	p->levels = MAX(p->levels, best + 1);
	return best;
}

struct pin {
	uint32_t finding, sample;
	double x;
	unsigned level;
};

static int
compare_pins(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;

	if (x->x > y->x || x->x < y->x)
		return x->x < y->x ? -1 : 1;
	return x->finding != y->finding ? (x->finding > y->finding) - (x->finding < y->finding) : (x->sample > y->sample) - (x->sample < y->sample);
}

/* Of the whole: a number over each moment. Returns how many levels they need. */
static unsigned
plan_pins(const struct sheet *s, struct pin *pins, size_t *ret_n)
{
	const struct findings *f = s->d->v->f;
	struct pins levels = { .levels = 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < f->n && s->d->only == NULL; i++)
		for (uint32_t k = 0; k < MIN(f->items[i].n_kept, (uint32_t)HTML_SAMPLES_MAX) && n < PINS_DRAWN; k++)
			if (f->items[i].samples[k].from_us != NO_TIME)
				pins[n++] = (struct pin){ .finding = i, .sample = k, .x = x_of(s, f->items[i].samples[k].from_us) };
	qsort(pins, n, sizeof(*pins), compare_pins);
	for (size_t i = 0; i < n; i++)
		pins[i].level = pin_level(&levels, pins[i].x);
	*ret_n = n;
	return levels.levels;
}

static void
draw_pins(const struct sheet *s, const struct pin *pins, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(s->out, "<path class=\"moment\" d=\"M%.1f %.1fV%.1f\"/>", pins[i].x, s->top - 9 - pins[i].level * PIN, s->bottom);
	}
	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &s->d->v->f->items[pins[i].finding];
		double y = s->top - 9 - pins[i].level * PIN;

		buf_printf(s->out, "<a class=\"pin\" id=\"m%" PRIu32 "-%" PRIu32 "\" href=\"#f%" PRIu32 "\"><title>%s, %s%s", pins[i].finding + 1, pins[i].sample + 1,
		    pins[i].finding + 1, finding_spec(f->kind)->name, confidence_name(f->confidence), f->is_before ? ", before " : ", ");
		view_clock(s->out, s->d->v, f->samples[pins[i].sample].from_us);
		buf_printf(s->out, "</title><circle cx=\"%.1f\" cy=\"%.1f\" r=\"7.5\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%" PRIu32 "</text></a>\n", pins[i].x, y,
		    pins[i].x, y + 3.6, pins[i].finding + 1);
	}
}

/* --- the whole --- */

void
html_draw(struct buf *out, const struct drawing *d)
{
	struct sheet s = { .out = out, .d = d, .m = d->v->m };
	struct pin *pins = xcalloc(PINS_DRAWN, sizeof(*pins));
	size_t n_pins;
	unsigned levels = plan_pins(&s, pins, &n_pins);

	plan_rows(&s, levels * PIN + 4);
	buf_printf(out, "<svg viewBox=\"0 0 %d %.0f\" role=\"group\" aria-label=\"", WIDTH, s.bottom + AXIS);
	html_text(out, d->label);
	buf_puts(out, "\">\n");
	draw_axis(&s);
	draw_pauses(&s);
	for (uint32_t i = 0; i < s.n_rows; i++)
		draw_label(&s, &s.rows[i]);
	draw_moments(&s);
	draw_overlaps(&s);
	for (uint32_t i = 0; i < s.m->n_lives; i++)
		if (s.row_of[i] != NO_INDEX)
			draw_life(&s, i);
	for (uint32_t i = 0; i < s.n_rows; i++) {
		if (s.rows[i].kind == ROW_DIALS)
			draw_failed(&s, &s.rows[i]);
		else if (s.rows[i].kind == ROW_FAULTS)
			draw_faults(&s, &s.rows[i]);
		else if (s.rows[i].kind == ROW_HEARD)
			draw_heard(&s, &s.rows[i]);
	}
	draw_pins(&s, pins, n_pins);
	buf_puts(out, "</svg>\n");
	if (s.left_out > 0)
		buf_printf(out, "<p class=\"meta\">%" PRIu32 " more connections are not drawn, for want of room; they are in the numbers and findings.</p>\n", s.left_out);
	free(pins);
	free(s.rows);
	free(s.row_of);
}
