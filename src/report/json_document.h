/* SPDX-License-Identifier: MIT */
/* json_document: the values of which a report's JSON document is made: texts, times and places as a view has them. Internal to json*.c. */
#ifndef WSDIAG_REPORT_JSON_DOCUMENT_H
#define WSDIAG_REPORT_JSON_DOCUMENT_H

#include "codec/json.h"
#include "report/view.h"

struct document {
	struct json w;
	const struct view *v;
	const struct model *m;
	void (*piece)(void *arg, struct buf *out); /* NULL: all at once */
	void *arg;
};

/* Where a list may be long, between two of its items: what has gathered goes to piece. */
void doc_hand_over(struct document *d);

/* An object or a list begins; key NULL: as an item. json_end() ends it. */
void doc_begin(struct document *d, const char *key, char bracket);
/* As in the log, but for secrets; JSON escapes the rest. NULL is null. */
void doc_text(struct document *d, const char *key, const char *s);
void doc_number(struct document *d, const char *key, uint64_t n);
/* Where 0 is none. */
void doc_number_or_null(struct document *d, const char *key, int64_t n);
/* NO_INDEX is null. */
void doc_index(struct document *d, const char *key, uint32_t i);
void doc_bool(struct document *d, const char *key, bool v);
/* US_UNKNOWN is null. */
void doc_seconds(struct document *d, const char *key, int64_t us);
/* A time on the report's clock; NO_TIME is null. */
void doc_time(struct document *d, const char *key, int64_t at_us);
/* "server.log:4", as a value. */
void doc_place(struct document *d, const struct place *at);
/* {"time": ..., "line": "server.log:4"} */
void doc_moment(struct document *d, const char *key, const struct moment *at);
/* "client c3", "proxy c3 origin"; NO_INDEX is null. */
void doc_life_name(struct document *d, const char *key, uint32_t life);

#endif
