/* SPDX-License-Identifier: MIT */
/*
 * html: what the page and its drawings have in common. Internal to pages.
 *
 * Anchors: f3 finding 3, m3-1 the mark of its first sample in the timeline, b12 the bar of life 12 there, l12 its row in the table.
 */
#ifndef WSDIAG_REPORT_HTML_H
#define WSDIAG_REPORT_HTML_H

#include "report/view.h"

/* Samples of a finding that have a mark in the timeline and a place in the list. */
enum { HTML_SAMPLES_MAX = 8 };

extern const char html_style[];

/* Redacted, escaped for the eye (view_text) and for HTML, in text and in attributes. */
void html_text(struct buf *out, const char *s);
/* The same of a sentence that is escaped for the eye already (view_sentence). */
void html_sentence(struct buf *out, const char *s);

/* A page while it is written. */
struct page {
	struct buf *out;
	const struct view *v;
	const struct model *m;
	const struct findings *f;
	struct heard_list heard;
	bool *is_listed, *is_drawn;   /* by life: has a row in the table, a bar in the timeline */
	uint32_t n_listed;
};

void html_put(struct page *p, const char *s);
/* A file and line, as code. */
void html_place(struct page *p, const struct place *at);

/* Which connections are listed, before anything links to them; all there is room for, those that did not end well first. */
void html_choose_listed(struct page *p);
/* html_tables.c; each with its heading, and nothing where there is nothing to tell. */
void html_heard(struct page *p);
void html_connections(struct page *p);
void html_failed(struct page *p);
void html_numbers(struct page *p);
void html_logs(struct page *p);

struct drawing {
	const struct view *v;
	const struct heard_list *heard;
	int64_t from_us, to_us;
	const bool *is_wanted;        /* by life: NULL: all that are shown */
	const bool *is_listed;        /* by life: has a row in the table to link to; NULL: none */
	bool *is_drawn;               /* by life: set for those that got a bar with an anchor; NULL: none get one */
	const struct finding *only;   /* a close-up of this one; NULL: the whole, with marks and anchors */
	const char *label;            /* for those who do not see it */
};

/* An <svg>. */
void html_draw(struct buf *out, const struct drawing *d);

#endif
