/* SPDX-License-Identifier: MIT */
/*
 * json_line: an event as one line of JSON, for the sinks that write such lines.
 *
 * Message lines come by the million: a json_line keeps its buffers, and the part of the time that changes once a second.
 */
#ifndef WSDIAG_LOG_JSON_LINE_H
#define WSDIAG_LOG_JSON_LINE_H

#include "log/sink.h"

struct json_line {
	struct json_options opt;
	struct buf text;         /* the line */
	struct buf scratch;      /* a value while it is redacted or encoded */
	int64_t second;          /* since 1970, of stamp */
	char stamp[32];          /* "2026-03-04T22:13:02."; empty: none yet */
};

void json_line_init(struct json_line *l, const struct json_options *opt);
void json_line_deinit(struct json_line *l);
/* Appends the event to l->text, without a newline. */
void json_line_put(struct json_line *l, const struct event *ev, uint64_t seq);

#endif
