/* SPDX-License-Identifier: MIT */
/*
 * view: what a renderer is given, and the words that several of them need: times, names, and what a library would have told its user.
 */
#ifndef WSDIAG_REPORT_VIEW_H
#define WSDIAG_REPORT_VIEW_H

#include "lifecycle/library.h"
#include "report/finding.h"

struct view {
	const struct model *m;
	const struct findings *f;
	const struct library *as;     /* --as; NULL */
	const char *as_name;          /* "websocket-client:1.7" */
	int64_t made_us;              /* wall time of the report; NO_TIME: not told */
};

/* --- text from logs --- */

/* As it may be shown: secrets redacted (codec/url), control characters escaped, cut at max bytes (0: never). */
void view_text(struct buf *out, const char *s, size_t max);
/* The same of a sentence in which what comes from logs has been escaped by whoever made it: a finding's, a place's, how a life ended. */
void view_sentence(struct buf *out, const char *s);
/* "client 2 c3", "proxy c3 origin": unlike any other life of the report. */
void view_life(struct buf *out, const struct model *m, uint32_t life);

/* --- times, all on the report's clock --- */

/* "22:38:52", with .071 where the logs are finer than a second; "+1d 00:01:02" where the clock has no date, "03-04 22:38:52" where it has one and the report
 * goes over several days. */
void view_clock(struct buf *out, const struct view *v, int64_t at_us);
/* RFC 3339: "2026-03-04T22:38:52.071000Z", without Z where the zone is not known; without a date as view_clock, with six decimals. */
void view_stamp(struct buf *out, const struct view *v, int64_t at_us);
/* "2026-03-04 22:38:52.071Z" for people. */
void view_date_clock(struct buf *out, const struct view *v, int64_t at_us);
/* "2026-03-04 22:13:02Z to 22:38:52Z", with the second date where it is another. */
void view_period(struct buf *out, const struct view *v, int64_t from_us, int64_t to_us);
/* The open that implies an end which nobody logged, of a life with is_end_implied; false: there is none. */
bool view_next_open(const struct model *m, const struct life *l, struct moment *ret);
/* When a life ends as far as is known: its end, else the open that implies one, else the end of its log; *ret_is_open: no line tells of an end. */
int64_t view_end(const struct model *m, const struct life *l, bool *ret_is_open);
/* Its beginning; the log's where that is not known. */
int64_t view_begin(const struct model *m, const struct life *l);
bool view_is_shown(const struct model *m, const struct circuit *c);
const char *view_join_name(enum join_by by);
const char *view_basis_name(enum clock_basis basis);

/* --- what a library would have told --- */

struct heard {
	uint32_t story;
	uint32_t life, failed;        /* what it was about; NO_INDEX */
	struct moment at;             /* the moment, and the line that says so */
	bool is_before;               /* no line says when: it was before at */
	const char *event;            /* "open", "lost", ... */
	char text[48];                /* "on_open again", "(silence)" */
};

struct heard_list {
	struct heard *items;          /* session by session, each in order */
	size_t n;
};

/* Nothing without view.as. */
void heard_of(const struct view *v, struct heard_list *ret);
void heard_free(struct heard_list *l);

#endif
