/* SPDX-License-Identifier: MIT */
/*
 * text: a report as a person reads it: what was read and how it was joined, lanes on a timeline, numbers, findings.
 *
 *	client c1  |=====x                              | open  = alive  x error
 *	       c2          |================?
 *	server c1  |=====|
 */
#ifndef WSDIAG_REPORT_TEXT_H
#define WSDIAG_REPORT_TEXT_H

#include "report/view.h"

struct text_options {
	unsigned columns;             /* of the terminal; 0: none, and 80 are used */
	bool colour;
	const struct library *as;     /* --as, and as it was written; NULL */
	const char *as_name;
	bool has_exit;                /* --exit-zero was not given: the last line names the exit status */
};

void text_report(struct buf *out, const struct model *m, const struct findings *f, const struct text_options *opt);

/* Parts of it. Lanes end with a newline. */
void text_logs(struct buf *out, const struct model *m, const struct text_options *opt);
void text_lanes(struct buf *out, const struct model *m, const struct findings *f, const struct text_options *opt);
/* A line of its own, folded to the terminal; what does not fit stands indented below. */
void text_folded(struct buf *out, const struct text_options *opt, const struct buf *line, unsigned indent);
/* The time of day, and the date before it where the report goes over several days; fractions where it is short. */
void text_time(struct buf *out, const struct model *m, int64_t at_us);
/* "client.log:5-6 server.log:4" : the lines of the first samples. */
void text_places(struct buf *out, const struct model *m, const struct finding *f);

/* One finding as the report has it, with a word before it; "": none. */
void text_finding(struct buf *out, const struct model *m, const struct finding *f, const char *before, const struct text_options *opt);

/* What a library would have told, with --as; nothing without. */
void text_heard(struct buf *out, const struct view *v);

#endif
