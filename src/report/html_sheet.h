/* SPDX-License-Identifier: MIT */
/* html_sheet: what the two files that draw have in common: html_svg.c plans lanes and draws connections, html_marks.c the rest. Internal to pages. */
#ifndef WSDIAG_REPORT_HTML_SHEET_H
#define WSDIAG_REPORT_HTML_SHEET_H

#include "report/html.h"

enum { WIDTH = 1000, LEFT = 118, RIGHT = 14, LANE = 19, BAR = 10, TITLE = 25, AXIS = 20, PIN = 17 };
/* A participant with more connections shares lanes, and what finds none is only counted. A drawing has so many bars and marks at most. */
enum { OWN_LANES = 16, SHARED_LANES = 64, THIN_LANE = 9, THIN_BAR = 5, PARTICIPANTS_DRAWN = 16 };
enum { MANY_DRAWN = 1000, BARS_DRAWN = 6000, PINS_DRAWN = 256, PIN_LEVELS = 4, NOTES_DRAWN = 500 };

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

struct pin {
	uint32_t finding, sample;
	double x;
	unsigned level;
};

bool sheet_is_in(const struct drawing *d, int64_t from_us, int64_t to_us);
double sheet_x(const struct sheet *s, int64_t at_us);
double sheet_height(const struct row *r);
/* Whose lanes a callback belongs under; NO_INDEX. */
uint32_t sheet_heard_by(const struct model *m, const struct heard *h);

void sheet_draw_failed(const struct sheet *s, const struct row *r);
void sheet_draw_faults(const struct sheet *s, const struct row *r);
void sheet_draw_heard(const struct sheet *s, const struct row *r);
void sheet_draw_pauses(const struct sheet *s);
void sheet_draw_overlaps(const struct sheet *s);
void sheet_draw_moments(const struct sheet *s);
/* Of the whole: a number over each moment. pins has room for PINS_DRAWN; returns how many levels they need. */
unsigned sheet_plan_pins(const struct sheet *s, struct pin *pins, size_t *ret_n);
void sheet_draw_pins(const struct sheet *s, const struct pin *pins, size_t n);

#endif
