/* SPDX-License-Identifier: MIT */
/*
 * reader: a line of wsdiag's own log, back into the event it was written from. The writer's mirror (json_line): both walk event_spec().
 *
 * The order of the fields is fixed, so a line that is only to be counted is known by its beginning and never parsed; its run and seq are read by hand. A line
 * whose fields come in another order (jq -S) is parsed, and gives the same.
 * Fields that are not known are passed over; fields that are missing are unknown (0, US_UNKNOWN, SPAN_NONE). What a line of a newer version has in a field that
 * we do not understand is left unknown; in one of our own version it makes the line unreadable.
 */
#ifndef WSDIAG_LOG_READER_H
#define WSDIAG_LOG_READER_H

#include "lifecycle/event.h"

enum log_line {
	LOG_EVENT,         /* an event was read */
	LOG_COUNTED,       /* a message, frame, head, or healthy ping or pong: counted */
	LOG_UNKNOWN,       /* an event that we do not know */
	LOG_UNREADABLE,    /* log_reader_error() says why */
};

/* Which lines become events. */
enum log_depth {
	LOG_LIFECYCLE,     /* messages, frames, heads, pings without waiting and pongs without rtt are counted */
	LOG_ALL,
};

/* How much there was so far. seq is judged for each run: the last 1024 that wrote are known. */
struct log_totals {
	uint64_t messages;
	uint64_t unknown_events, newer_version;
	uint64_t missing_seq;  /* lines that were written and are not here */
	uint64_t out_of_order; /* lines that stand behind a later one of their run, or twice */
	bool no_end;           /* a run has no end event */
};

struct log_reader;

struct log_reader *log_reader_new(enum log_depth depth);
void log_reader_free(struct log_reader *r);
/* line without its newline. is_whole false: it is only the beginning of a longer one, good for counting. On LOG_EVENT ret, and all it points to, lives until
 * the next call; else it is untouched. */
enum log_line log_reader_line(struct log_reader *r, struct span line, bool is_whole, struct event *ret);
/* What was wrong with the last unreadable line. */
const char *log_reader_error(const struct log_reader *r);
struct log_totals log_reader_totals(const struct log_reader *r);
/* Whether a log that begins with these bytes is one of wsdiag's. */
bool log_reader_knows(struct span head);

#endif
