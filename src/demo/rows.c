/* SPDX-License-Identifier: MIT */
#include "demo/rows.h"

#include "demo/cell.h"
#include "log/human_text.h"

#include <inttypes.h>
#include <string.h>

/* A row under way, or one that waits to be folded with. */
struct draft {
	bool is_used;
	int64_t at_us;
	uint32_t dial;
	enum part part;
	struct buf cells[WHO_COUNT];
	const char *colours[WHO_COUNT];
	struct buf failure;                /* the client's dial failed so; empty: no such row */
};

struct rows {
	row_fn *emit;
	void *arg;
	bool folds, has_start;
	int64_t start_us;
	struct draft now;
	struct draft last;                 /* the failed dial that others are compared with */
	uint32_t same_from, same_to;       /* dials that failed as last did; 0: none */
	int64_t same_us;
};

struct rows *
rows_new(bool folds, row_fn *emit, void *arg)
{
	struct rows *r = xcalloc(1, sizeof(*r));

	r->folds = folds;
	r->emit = emit;
	r->arg = arg;
	return r;
}

static void
clear_draft(struct draft *d)
{
	for (int i = 0; i < WHO_COUNT; i++) {
		buf_deinit(&d->cells[i]);
		d->colours[i] = "";
	}
	buf_deinit(&d->failure);
	*d = (struct draft){ .is_used = false };
}

void
rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	clear_draft(&r->now);
	clear_draft(&r->last);
	free(r);
}

/* --- out --- */

static void
emit_draft(struct rows *r, const struct draft *d)
{
	struct row row = { .at_us = d->at_us };

	for (int i = 0; i < WHO_COUNT; i++) {
		row.cells[i] = buf_span(&d->cells[i]);
		row.colours[i] = d->colours[i] != NULL ? d->colours[i] : "";
	}
	r->emit(r->arg, &row);
}

/* Those that failed as the last one did, in one row. */
static void
emit_same(struct rows *r)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	struct row row = { .at_us = r->same_us };

	if (r->same_from == 0)
		return;
	buf_printf(&text, "failed d%" PRIu32, r->same_from);
	if (r->same_to > r->same_from)
		buf_printf(&text, "%s d%" PRIu32, r->same_to == r->same_from + 1 ? "," : " to", r->same_to);
	buf_puts(&text, ": same");
	for (int i = 0; i < WHO_COUNT; i++) {
		row.cells[i] = buf_span(&r->last.cells[i]);
		row.colours[i] = r->last.colours[i] != NULL ? r->last.colours[i] : "";
	}
	row.cells[WHO_CLIENT] = buf_span(&text);
	r->emit(r->arg, &row);
	r->same_from = r->same_to = 0;
}

static bool
buf_eq(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(buf_head(a), buf_head(b), a->len) == 0);
}

static bool
is_same_failure(const struct draft *a, const struct draft *b)
{
	bool same = a->failure.len > 0 && buf_eq(&a->failure, &b->failure);

	for (int i = WHO_PROXY; i < WHO_COUNT; i++)
		same = same && buf_eq(&a->cells[i], &b->cells[i]);
	return same;
}

void
rows_settle(struct rows *r)
{
	struct draft *d = &r->now;

	if (!d->is_used)
		return;
	if (r->folds && is_same_failure(d, &r->last)) {
		if (r->same_from == 0) {
			r->same_from = d->dial;
			r->same_us = d->at_us;
		}
		r->same_to = d->dial;
		clear_draft(d);
		return;
	}
	emit_same(r);
	emit_draft(r, d);
	clear_draft(&r->last);
	r->last = *d;
	*d = (struct draft){ .is_used = false };
}

void
rows_end(struct rows *r)
{
	rows_settle(r);
	emit_same(r);
}

/* --- in --- */

static enum who
who_tells(const struct event *ev)
{
	static const enum who by_role[] = { [ROLE_CLIENT] = WHO_CLIENT, [ROLE_PROXY] = WHO_PROXY, [ROLE_SERVER] = WHO_SERVER };

	return by_role[ev->src->role];
}

/* In a demo there is one client, so an accept is a dial. */
static uint32_t
dial_of(const struct event *ev)
{
	return ev->dial != 0 ? ev->dial : ev->type == EV_INJECT ? ev->u.inject.accept : 0;
}

static bool
belongs(const struct draft *d, const struct event *ev, enum who who, enum part part)
{
	if (!d->is_used || d->dial != dial_of(ev))
		return false;
	if (cell_is_verdict(ev))
		return d->cells[who].len > 0;
	return d->cells[who].len == 0 && (d->part == part || d->part == PART_EITHER || part == PART_EITHER);
}

/* The two legs of a proxy say the same. */
static bool
says_so_already(const struct draft *d, const struct event *ev, enum who who, const struct buf *text)
{
	return who == WHO_PROXY && d->is_used && d->dial == dial_of(ev) && buf_eq(&d->cells[who], text);
}

void
rows_feed(struct rows *r, const struct event *ev, struct span heard)
{
	struct draft *d = &r->now;
	struct buf text CLEANUP(buf_deinit) = { 0 };
	enum who who = who_tells(ev);
	enum part part = cell_put(&text, ev);

	if (!r->has_start)
		r->start_us = ev->mono_us;
	r->has_start = true;
	if (part == PART_NONE || says_so_already(d, ev, who, &text))
		return;
	if (!belongs(d, ev, who, part)) {
		rows_settle(r);
		*d = (struct draft){ .is_used = true, .at_us = ev->mono_us - r->start_us, .dial = dial_of(ev), .part = part };
	}
	if (d->part == PART_EITHER)
		d->part = part;
	if (d->cells[who].len > 0)
		buf_puts(&d->cells[who], ", ");
	buf_append(&d->cells[who], buf_head(&text), text.len);
	d->colours[who] = human_colour(ev);
	if (ev->type == EV_FAILED && who == WHO_CLIENT)
		cell_put_failure(&d->failure, &ev->u.failed);
	if (heard.n > 0) {
		buf_puts(&d->cells[WHO_APP], d->cells[WHO_APP].len > 0 ? ", " : "");
		buf_append(&d->cells[WHO_APP], heard.p, heard.n);
	}
}
