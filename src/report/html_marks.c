/* SPDX-License-Identifier: MIT */
/* What stands on and above the lanes of a drawing: failed dials, faults, pauses, callbacks, overlaps, and the numbers of findings. */
#include "report/html_sheet.h"

#include "report/findings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- dials, faults, pauses, what a library told --- */

void
sheet_draw_failed(const struct sheet *s, const struct row *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->m->n_failed && n < NOTES_DRAWN; i++) {
		const struct failed *f = &s->m->failed[i];

		if (f->participant != r->participant || f->is_hidden || !sheet_is_in(s->d, f->at.at_us, f->at.at_us))
			continue;
		buf_printf(s->out, "<circle class=\"failed\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", sheet_x(s, f->at.at_us), r->y + LANE / 2.0);
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

void
sheet_draw_faults(const struct sheet *s, const struct row *r)
{
	for (uint32_t i = 0, n = 0; i < s->m->n_injections && n < NOTES_DRAWN; i++) {
		const struct injection *x = &s->m->injections[i];

		if (x->participant != r->participant || !sheet_is_in(s->d, x->at.at_us, x->at.at_us))
			continue;
		buf_printf(s->out, "<path class=\"fault\" d=\"M%.1f %.1fl5 9.5h-10z\"><title>", sheet_x(s, x->at.at_us), r->y + LANE / 2.0 - 5);
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
	return sheet_x(s, h->at.at_us) - (h->is_before ? 9 : 0);
}

/* Up to where the dot at i has room to its right. */
static double
heard_room(const struct sheet *s, size_t i, uint32_t participant)
{
	double x = heard_x(s, &s->d->heard->items[i]), room = WIDTH;

	for (size_t k = 0; k < s->d->heard->n; k++)
		if (k != i && sheet_heard_by(s->m, &s->d->heard->items[k]) == participant && heard_x(s, &s->d->heard->items[k]) >= x)
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
	buf_printf(s->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", text[0] == '(' ? "quiet" : "", is_late ? x - 7 : x + 7, y,
	    is_late ? "end" : "start");
	html_text(s->out, text);
	buf_puts(s->out, "</text>");
	*free_from = is_late ? x : x + 7 + width;
}

void
sheet_draw_heard(const struct sheet *s, const struct row *r)
{
	double free_from = 0, middle = r->y + LANE / 2.0;

	for (size_t i = 0, n = 0; i < s->d->heard->n && n < NOTES_DRAWN; i++) {
		const struct heard *h = &s->d->heard->items[i];
		double x = heard_x(s, h);

		if (sheet_heard_by(s->m, h) != r->participant || !sheet_is_in(s->d, h->at.at_us, h->at.at_us))
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
void
sheet_draw_pauses(const struct sheet *s)
{
	for (uint32_t i = 0; i < MIN(s->m->n_pauses, (uint32_t)NOTES_DRAWN); i++) {
		const struct pause *p = &s->m->pauses[i];
		int64_t took = MAX(p->slept, p->stalled);
		double top = 0, bottom = 0;

		for (uint32_t k = 0; k < s->n_rows; k++) {
			if (s->rows[k].participant != p->participant)
				continue;
			top = top > 0 ? top : s->rows[k].y + 5;
			bottom = s->rows[k].y + sheet_height(&s->rows[k]);
		}
		if (top <= 0 || !sheet_is_in(s->d, p->at.at_us - took, p->at.at_us))
			continue;
		double x = sheet_x(s, p->at.at_us - took);
		buf_printf(s->out, "<rect class=\"pause\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s ", x, top, fmax(sheet_x(s, p->at.at_us) - x, 2),
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
	double a = s->rows[s->row_of[of->life]].y, b = s->rows[s->row_of[of->other]].y, top = fmin(a, b);
	double bottom = fmax(a, b) + sheet_height(&s->rows[s->row_of[a > b ? of->life : of->other]]);
	int64_t to = of->to_us != NO_TIME ? of->to_us : s->d->to_us;
	double x = sheet_x(s, of->from_us), end = fmax(sheet_x(s, to), x + 2);
	struct buf text CLEANUP(buf_deinit) = { 0 };

	say_duration(&text, to - of->from_us);
	bool is_late = end + 9 + 7 * (double)text.len > WIDTH - RIGHT;
	buf_printf(s->out, "<g><title>both at once for %s</title>", buf_cstr(&text));
	buf_printf(s->out, "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, top, end - x, bottom - top);
	buf_printf(s->out, "<path class=\"edge\" d=\"M%.1f %.1fV%.1fM%.1f %.1fV%.1f\"/>", x, top, bottom, end, top, bottom);
	buf_printf(s->out, "<text class=\"bandtext\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text></g>\n", is_late ? x - 5 : end + 9, top + 14,
	    is_late ? "end" : "start", buf_cstr(&text));
}

void
sheet_draw_overlaps(const struct sheet *s)
{
	const struct findings *f = s->d->v->f;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		if (f->items[i].kind != FINDING_OVERLAP || (s->d->only != NULL && s->d->only != &f->items[i]))
			continue;
		for (uint32_t k = 0; k < f->items[i].n_kept && n < PINS_DRAWN; k++, n++)
			if (sheet_is_in(s->d, f->items[i].samples[k].from_us, f->items[i].samples[k].from_us))
				draw_overlap(s, &f->items[i].samples[k]);
	}
}

/* The moments of a close-up. */
void
sheet_draw_moments(const struct sheet *s)
{
	for (uint32_t k = 0; s->d->only != NULL && k < s->d->only->n_kept; k++) {
		const struct sample *of = &s->d->only->samples[k];
		int64_t at[] = { of->from_us, of->to_us };

		for (size_t i = 0; i < ARRAY_LEN(at); i++)
			if (at[i] != NO_TIME && sheet_is_in(s->d, at[i], at[i]))
				buf_printf(s->out, "<path class=\"moment\" d=\"M%.1f %.1fV%.1f\"/>", sheet_x(s, at[i]), s->top, s->bottom);
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

static int
compare_pins(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;

	if (x->x > y->x || x->x < y->x)
		return x->x < y->x ? -1 : 1;
	return x->finding != y->finding ? (x->finding > y->finding) - (x->finding < y->finding) : (x->sample > y->sample) - (x->sample < y->sample);
}

/* Of the whole: a number over each moment. Returns how many levels they need. */
unsigned
sheet_plan_pins(const struct sheet *s, struct pin *pins, size_t *ret_n)
{
	const struct findings *f = s->d->v->f;
	struct pins levels = { .levels = 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < f->n && s->d->only == NULL; i++)
		for (uint32_t k = 0; k < MIN(f->items[i].n_kept, (uint32_t)HTML_SAMPLES_MAX) && n < PINS_DRAWN; k++)
			if (f->items[i].samples[k].from_us != NO_TIME)
				pins[n++] = (struct pin){ .finding = i, .sample = k, .x = sheet_x(s, f->items[i].samples[k].from_us) };
	qsort(pins, n, sizeof(*pins), compare_pins);
	for (size_t i = 0; i < n; i++)
		pins[i].level = pin_level(&levels, pins[i].x);
	*ret_n = n;
	return levels.levels;
}

void
sheet_draw_pins(const struct sheet *s, const struct pin *pins, size_t n)
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
		buf_printf(s->out, "</title><circle cx=\"%.1f\" cy=\"%.1f\" r=\"7.5\"/>", pins[i].x, y);
		buf_printf(s->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%" PRIu32 "</text></a>\n", pins[i].x, y + 3.6, pins[i].finding + 1);
	}
}
